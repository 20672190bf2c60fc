"""Jump hosts: from what is written to the accesses that lead to a host, and each way that leads nowhere."""

from dataclasses import replace
from itertools import pairwise

import pytest

from dthostmon.config.jump import Hop, check_jump, parse_jump

FLEET = """\
    ssh: {user: monitor, port: 22, key: /k/fleet, known_hosts: /k/hosts, connect_timeout: 5s}
    sites:
      chicago: {user: ops, jump: bastion}
    hosts:
      - {name: bastion, hostname: 192.0.2.1, port: 2222, user: gate, key: /k/gate}
      - {name: web1, hostname: 10.0.0.5, port: 2022, site: chicago}
      - {name: web2, hostname: 10.0.0.6, site: chicago, jump: none}
      - {name: web3, hostname: 10.0.0.7, site: chicago, jump: "root@bastion:2200, 10.0.0.1"}
      - {name: web4, hostname: 10.0.0.8, key: /k/own, jump: web1}
    """


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        (None, ()),
        ("none", ()),
        ("bastion", (Hop("bastion"),)),
        ("ops@bastion.example.org:2222", (Hop("bastion.example.org", "ops", 2222),)),
        ("a, b@c,d:1", (Hop("a"), Hop("c", "b"), Hop("d", None, 1))),
        ("ops@[2001:db8::1]:22", (Hop("2001:db8::1", "ops", 22),)),
        ("[fe80::1%eth0]", (Hop("fe80::1%eth0"),)),
    ],
)
def test_a_jump_is_written_as_for_ssh(text, hops):
    assert parse_jump(text) == hops


def test_a_jump_may_name_a_host_of_the_configuration_or_an_address(read):
    hosts = {host.name: host.ssh for host in read(FLEET).hosts}
    bastion = replace(hosts["bastion"], retries=())
    assert hosts["web1"].jump == (bastion,)
    assert (bastion.user, bastion.port, bastion.key, bastion.known_hosts) == ("gate", 2222, "/k/gate", "/k/hosts")
    assert hosts["web1"].entry == bastion
    assert (hosts["web2"].jump, hosts["web2"].entry) == ((), hosts["web2"])


def test_what_an_element_says_stands_over_what_it_inherits(read):
    web3 = next(host.ssh for host in read(FLEET).hosts if host.name == "web3")
    first, second = web3.jump
    assert (first.hostname, first.user, first.port, first.key) == ("192.0.2.1", "root", 2200, "/k/gate")
    assert (second.hostname, second.user, second.port, second.key) == ("10.0.0.1", "ops", 22, "/k/fleet")


def test_the_jump_of_a_named_first_element_comes_before_it(read):
    web4 = next(host.ssh for host in read(FLEET).hosts if host.name == "web4")
    assert [(hop.hostname, hop.user, hop.key) for hop in web4.jump] == [
        ("192.0.2.1", "gate", "/k/gate"),
        ("10.0.0.5", "ops", "/k/fleet"),
    ]
    assert all(hop.jump == () for hop in web4.jump)


def test_an_address_has_the_login_of_its_host_and_the_port_of_all(read):
    (host,) = read(
        "ssh: {port: 2200}\nhosts: [{name: a, hostname: b, user: me, port: 22, key: /k, jump: bastion}]"
    ).hosts
    (hop,) = host.ssh.jump
    assert (hop.hostname, hop.user, hop.port, hop.key) == ("bastion", "me", 2200, "/k")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,,b",
        "@a",
        "a:",
        "a:0",
        "a:65536",
        "a:b",
        "-oProxyCommand=x",
        "ssh://a",
        "a b",
        "2001:db8::1",
        "a@b@c",
        "a,",
    ],
)
def test_what_is_no_jump_is_refused_with_the_form(refuse, text):
    (problem,) = refuse(f"ssh:\n  jump: '{text}'\n")
    assert (problem.line, problem.path) == (2, "ssh.jump")
    assert "[user@]host[:port]" in problem.message


def test_six_hosts_in_a_row_are_too_many(refuse):
    (problem,) = refuse("sites:\n  a:\n    jump: a,b,c,d,e,f\n")
    assert (problem.line, problem.path) == (3, "sites.a.jump")
    assert "at most 5" in problem.message
    check_jump("a,b,c,d,e")


def test_a_chain_of_named_hosts_may_be_too_long_too(refuse):
    names = "abcdefg"
    hosts = [f"  - {{name: {name}, hostname: {name}, jump: {after}}}" for name, after in pairwise(names)]
    (problem,) = refuse("\n".join(["hosts:", *hosts, "  - {name: g, hostname: g}"]))
    assert (problem.line, problem.path) == (2, "hosts[0].jump")
    assert problem.message == "the host a is behind 6 hosts; 5 are the most"


@pytest.mark.parametrize(
    ("text", "line", "path"),
    [
        ("ssh:\n  jump: bastion\nhosts:\n  - {name: bastion, hostname: 192.0.2.1}\n", 2, "ssh.jump"),
        ("hosts:\n  - name: bastion\n    hostname: b\n    jump: ops@b\n", 4, "hosts[0].jump"),
        ("hosts:\n  - {name: bastion, hostname: b, jump: 'x,bastion'}\n", 2, "hosts[0].jump"),
        (
            "hosts:\n  - {name: bastion, hostname: b, jump: x}\n  - {name: x, hostname: c, jump: bastion}\n",
            2,
            "hosts[0].jump",
        ),
    ],
)
def test_a_host_that_would_be_reached_through_itself_is_refused_where_that_is_written(refuse, text, line, path):
    problem, *_ = refuse(text)
    assert (problem.line, problem.path) == (line, path)
    assert problem.message == "the host bastion would be reached through itself; write 'jump: none' on it"


def test_a_bastion_is_excepted_from_the_jump_of_all(read):
    text = "ssh: {jump: bastion}\nhosts: [{name: bastion, hostname: b, jump: none}, {name: a, hostname: a}]"
    bastion, web = read(text).hosts
    assert (bastion.ssh.jump, web.ssh.jump[0].hostname) == ((), "b")


def test_this_machine_is_no_bastion(refuse):
    (problem,) = refuse("hosts:\n - {name: here, transport: local}\n - {name: a, hostname: a, jump: here}\n")
    assert (problem.line, problem.path) == (3, "hosts[1].jump")
    assert "transport ssh" in problem.message


def test_a_jump_does_nothing_on_this_machine(refuse):
    problems = refuse("hosts:\n - {name: here, transport: local, jump: a, agent: true, certificate: /c, config: /d}\n")
    assert [problem.path.rpartition(".")[2] for problem in problems] == ["jump", "agent", "certificate", "config"]


def test_a_certificate_goes_with_the_key_that_it_was_made_for(read):
    text = """\
        ssh: {key: /k/all, certificate: /k/all-cert}
        sites: {a: {key: /k/a}, b: {key: /k/b, certificate: /k/b-cert}, c: {certificate: /k/c-cert}}
        hosts:
          - {name: plain, hostname: h}
          - {name: a, hostname: h, site: a}
          - {name: b, hostname: h, site: b}
          - {name: b-own, hostname: h, site: b, key: /k/own}
          - {name: c, hostname: h, site: c}
        """
    assert {host.name: (host.ssh.key, host.ssh.certificate) for host in read(text).hosts} == {
        "plain": ("/k/all", "/k/all-cert"),
        "a": ("/k/a", None),
        "b": ("/k/b", "/k/b-cert"),
        "b-own": ("/k/own", None),
        "c": ("/k/all", "/k/c-cert"),
    }


def test_the_agent_is_the_one_of_the_environment_and_only_on_request(read):
    text = "ssh: {agent: true}\nhosts: [{name: a, hostname: a}, {name: b, hostname: b, agent: false}]"
    assert [host.ssh.agent for host in read(text, {"SSH_AUTH_SOCK": "/run/agent"}).hosts] == ["/run/agent", None]
    assert [host.ssh.agent for host in read(text, {}).hosts] == ["", None]
    (host,) = read("hosts: [{name: a, hostname: a}]", {"SSH_AUTH_SOCK": "/run/agent"}).hosts
    assert host.ssh.agent is None


def test_what_a_host_or_its_site_says_is_kept_apart_for_the_ssh_config(read):
    text = """\
        ssh: {config: ~/.ssh/config, user: monitor, jump: 'ops@bastion'}
        sites: {a: {port: 2222}}
        hosts:
          - {name: a, hostname: a, site: a, key: /k}
          - {name: b, hostname: b, config: none}
        """
    a, b = read(text, {"HOME": "/home/ada"}).hosts
    assert (a.ssh.config, a.ssh.explicit) == ("/home/ada/.ssh/config", {"port", "key"})
    assert [(hop.config, hop.explicit) for hop in a.ssh.jump] == [("/home/ada/.ssh/config", {"user"})]
    assert (b.ssh.config, b.ssh.explicit) == (None, frozenset())
