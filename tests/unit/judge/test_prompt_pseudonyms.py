"""Where pseudonyms are wanted, one set of them is in all that is sent of a host, and real names in what comes back."""

import json
from dataclasses import replace
from functools import partial

from dthostmon.judge import contract
from dthostmon.judge.evidence import HostEvidence, Record, RecordKind, Sample, cache_key
from dthostmon.judge.prompt import PSEUDONYMS, SYSTEM, Prompt, PromptForm, build
from dthostmon.judge.question import Question
from dthostmon.model import Evidence
from dthostmon.redact import redact
from dthostmon.redact.pseudonyms import Pseudonyms

LOG = "/var/log/remote/203.0.113.7.log"
LINE = "sshd: Failed password for root on db-2 from 203.0.113.7 port 4000 ssh2"


def a_form(*hosts: str, tokens: int = 8000) -> PromptForm:
    names = partial(_names, hosts)
    return PromptForm(tokens, 1200, contract.schema, redact, lambda: "5f0c7a9e21d84b36", names)


def _names(hosts: tuple[str, ...], own: str) -> Pseudonyms:
    return Pseudonyms((*hosts, own))


def a_record(line: str = LINE, title: str = "failed logins from 203.0.113.7", path: str = LOG) -> Record:
    content = {"title": title, "template": "Failed password on db-2", "count": 3}
    return Record(RecordKind.FINDING, content, 50, (Sample(line, "t-1", Evidence(path, line)),))


def evidence_of(*records: Record, host: str = "web1", site: str | None = None, role: str = "") -> HostEvidence:
    return HostEvidence(host, site, role, 20, records)


def sent(question: Question) -> str:
    return "\n".join([question.system, *(turn.content for turn in question.messages), json.dumps(question.schema)])


def record_of(prompt: Prompt) -> dict[str, object]:
    (line,) = [one for one in prompt.question.messages[0].content.split("\n") if one.startswith('{"id"')]
    told: dict[str, object] = json.loads(line)
    return told


def an_answer(summary: str, **changes: object) -> str:
    finding = {
        "evidence": ["E01"],
        "kind": "break-in on host-1",
        "severity": "WARN",
        "description": summary,
        "recommended_action": summary,
        "confidence": "high",
    }
    whole = {"summary": summary, "findings": [finding], "health_score": 50, "severity": "WARN"}
    return json.dumps({**whole, "recommendations": [summary], **changes})


def test_lines_titles_templates_and_paths_have_the_same_pseudonyms() -> None:
    prompt = build(evidence_of(a_record()), a_form("db-2"))
    assert record_of(prompt) == {
        "id": "E01",
        "type": "finding",
        "title": "failed logins from address-1.1",
        "template": "Failed password on host-1",
        "count": 3,
        "lines": [
            {
                "log": "/var/log/remote/address-1.1.log",
                "line": "sshd: Failed password for root on host-1 from address-1.1 port 4000 ssh2",
            }
        ],
    }
    assert prompt.question.system == SYSTEM + PSEUDONYMS


def test_site_and_role_have_them_too() -> None:
    evidence = evidence_of(a_record(), site="web1.example.com", role="db-2,web")
    prompt = build(evidence, a_form("db-2"))
    assert prompt.question.messages[0].content.startswith('Host: {"site":"host-1","role":"host-2,web",')
    assert "Failed password on host-2" in sent(prompt.question)


def test_without_them_all_is_sent_as_it_is() -> None:
    prompt = build(evidence_of(a_record()), replace(a_form("db-2"), names=None))
    assert prompt.question.system == SYSTEM
    assert LINE in sent(prompt.question)
    assert prompt.restore("address-1.1 host-1") == "address-1.1 host-1"


def test_an_address_is_no_secret_word_of_its_line() -> None:
    line = "app: 203.0.113.7 password=hunterhunter refused"
    prompt = build(evidence_of(a_record(line, "203.0.113.7 tried hunterhunter")), a_form())
    assert record_of(prompt)["title"] == "address-1.1 tried *"


def test_what_hides_an_address_between_its_characters_hides_it_from_nobody() -> None:
    record = a_record("from 203.0.\u200b113.7 to \uff12\uff10\uff13.0.113.8")
    assert "from address-1.1 to address-1.2" in sent(build(evidence_of(record), a_form()).question)


def test_a_name_that_is_cut_is_not_half_told() -> None:
    names = " ".join(f"secret{number}.long-name-of-a-host.example.com" for number in range(80))
    for cut in range(40):
        content = build(evidence_of(a_record("x" * cut + " " + names)), a_form()).question.messages[0].content
        assert "secret" not in content
        assert "host-2" in content


def test_a_pseudonym_that_a_stranger_writes_is_no_name() -> None:
    record = a_record("user address-1.1 and host-1 and host\u20101 from 203.0.113.7")
    prompt = build(evidence_of(record), a_form("db-2"))
    told = record_of(prompt)["lines"][0]["line"]  # type: ignore[index]
    assert "address-1.1 and" not in told
    assert prompt.restore(told) == "user address-1.1 and host-1 and host\u20101 from 203.0.113.7"


def test_texts_of_an_answer_are_restored_and_then_cut() -> None:
    prompt = build(evidence_of(a_record()), a_form("db-2"))
    parse = partial(contract.parse, evidence_ids=tuple(prompt.records), restore=prompt.restore)
    opinion = parse(an_answer("address-1.1 attacked host-1."))
    assert opinion.summary == "203.0.113.7 attacked db-2."
    assert opinion.recommendations == ("203.0.113.7 attacked db-2.",)
    (finding,) = opinion.findings
    assert finding.description == finding.recommended_action == "203.0.113.7 attacked db-2."
    assert finding.kind == "break-in-on-db-2"
    assert finding.evidence == ("E01",)
    assert opinion.dropped == 0
    # 43 times host-1 and a blank are 301 characters, one more than a summary may have
    assert parse(an_answer("host-1 " * 43 + ".")).summary == "db-2 " * 43 + "."


def test_what_grows_beyond_its_bound_is_cut() -> None:
    name = "a-host-with-a-long-name.example.com"
    prompt = build(evidence_of(a_record(f"{name} is down")), a_form())
    opinion = contract.parse(an_answer("host-1 " * 40), ["E01"], prompt.restore)
    assert len(opinion.summary) == contract.MAX_SUMMARY_CHARACTERS
    assert opinion.summary.startswith(f"{name} {name} ")
    assert opinion.summary.endswith("…")


def test_hosts_with_one_key_of_the_cache_have_one_meaning_of_each_pseudonym() -> None:
    text = "host-1, host-2, host-3, address-1, address-1.1 and address-2.1"
    records = [a_record(), a_record("web1 and web2.example.com met 2001:db8::7", "web1 and web2")]
    first = evidence_of(*records, host="web1")
    second = evidence_of(*records, host="web2", site="north")
    assert cache_key(first.records) == cache_key(second.records)
    form = a_form("web1", "web2", "db-2")
    restored = {build(evidence, form).restore(text) for evidence in (first, second)}
    assert restored == {"db-2, web1, web2, 203.0.113.0/24, 203.0.113.7 and 2001:db8::7"}
