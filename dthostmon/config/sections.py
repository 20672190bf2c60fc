"""The sections of the configuration: groups of keys, each with kind, default, description and example."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from dthostmon.config.fields import (
    Count,
    Cycles,
    DatabaseUrl,
    Duration,
    FilePath,
    Listen,
    ListenAddress,
    Mount,
    Name,
    NotYet,
    OnWish,
    Percent,
    Port,
    Secret,
    Tag,
    User,
    at_least,
    expected,
)
from dthostmon.config.jump import Jump
from dthostmon.model import ThingKind

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

Interval = Annotated[Duration, at_least(10, "10s")]
Timeout = Annotated[Duration, at_least(0.1, "0.1s")]
LearningPeriod = Annotated[Duration, at_least(0, "0s")]
Retention = Annotated[Duration, at_least(HOUR, "1h")]
Retries = Annotated[tuple[Duration, ...], Field(max_length=10)]
SeverityName = Literal["INFO", "WARN", "CRITICAL"]


class Section(BaseModel):
    """A group of keys. Keys that it does not know are errors; one that is there and empty sets nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_no_settings(cls, data: object) -> object:
        return {} if data is None else data


class Database(Section):
    """Where runs, findings and log lines are stored."""

    url: DatabaseUrl = Field(
        default=SecretStr("sqlite:///dthostmon.db"),
        description="SQLite (three slashes: relative to the working directory, four: absolute) or PostgreSQL."
        " An edit needs a restart.",
        examples=["sqlite:///dthostmon.db", "postgresql://dthostmon:${DB_PASSWORD}@db.example.org/dthostmon"],
    )


class Monitoring(Section):
    """How often and how widely hosts are visited."""

    interval: Interval = Field(
        default=HOUR, description="Time between two visits of a host, 10s or more.", examples=["15m"]
    )
    max_concurrent_hosts: Count = Field(default=50, description="Hosts visited at the same time.", examples=[20])
    host_timeout: Timeout = Field(default=MINUTE, description="What one visit of a host may take.", examples=["90s"])


class Ssh(Section):
    """How to log in; a site or a host may say otherwise for itself."""

    user: User = Field(default="monitor", description="The login name.", examples=["monitor"])
    port: Port = Field(default=22, description="The TCP port of sshd.", examples=[2222])
    key: FilePath = Field(
        default="~/.ssh/id_ed25519",
        description="The private key; only its owner may be able to read it.",
        examples=["/etc/dthostmon/id_ed25519"],
    )
    passphrase: Secret = Field(
        default=SecretStr(""), description="The key's passphrase, empty without one.", examples=["${SSH_PASSPHRASE:-}"]
    )
    known_hosts: FilePath = Field(
        default="~/.ssh/known_hosts",
        description="The host keys that are trusted; a host that is not in it is not visited.",
        examples=["/etc/dthostmon/known_hosts"],
    )
    connect_timeout: Timeout = Field(
        default=10.0, description="What one try to connect and log in may take.", examples=["5s"]
    )
    retries: Retries = Field(
        default=(1.0, 2.0, 4.0),
        description="The pauses before the second try and the ones after it.",
        examples=[["1s", "5s"]],
    )
    jump: Jump | None = Field(
        default=None,
        description="The host to connect through: [user@]host[:port], or the name of a host below; several are"
        " separated by commas, the outermost first. none on a site or a host switches it off.",
        examples=[None],
    )
    certificate: FilePath | None = Field(
        default=None,
        description="The certificate of the key; null = the key's name with -cert.pub, where there is such a file.",
        examples=[None],
    )
    agent: bool = Field(
        default=False,
        description="true = the ssh-agent at $SSH_AUTH_SOCK logs in, and the key file is not read: with the key whose"
        " public half is the key's name with .pub, or else with up to five that it holds.",
        examples=[True],
    )
    config: FilePath | None = Field(
        default=None,
        description="An ssh_config where each hostname is looked up as an alias; what a site or a host says itself"
        " stands over it, and it stands over this section. null = none is read.",
        examples=[None],
    )


SUSTAIN = "How often it must be reached before it is a WARN or more."


class Levels(Section):
    """Percentages from which on a finding is made, one for each severity; null = none of that severity."""

    info: Percent | None = Field(default=None, description="INFO from here on.", examples=[None])
    warn: Percent | None = Field(default=None, description="WARN from here on.", examples=[None])
    critical: Percent | None = Field(default=None, description="CRITICAL from here on.", examples=[None])


class Sustain(Section):
    """In how many of how many visits a level must be reached before it is a WARN or more."""

    cycles: Cycles = Field(default=1, description="In so many visits, this one among them, …", examples=[3])
    of: Cycles = Field(default=1, description="… of so many, up to 20.", examples=[5])


class LastingSustain(Sustain):
    """The same, for what goes up and down by itself: once is a note at most."""

    cycles: Cycles = Field(default=2, description="In so many visits, this one among them, …", examples=[3])
    of: Cycles = Field(default=3, description="… of so many, up to 20.", examples=[5])


class CpuLevels(Levels):
    """CPU in use, in percent."""

    info: Percent | None = Field(default=60, description="INFO from here on.", examples=[60])
    warn: Percent | None = Field(default=80, description="WARN from here on.", examples=[80])
    critical: Percent | None = Field(default=95, description="CRITICAL from here on.", examples=[95])
    sustain: LastingSustain = Field(default=LastingSustain(), description=SUSTAIN, examples=[{"cycles": 3, "of": 5}])


class MemoryLevels(Levels):
    """Memory that is not available, in percent."""

    warn: Percent | None = Field(default=85, description="WARN from here on.", examples=[85])
    critical: Percent | None = Field(default=95, description="CRITICAL from here on.", examples=[95])
    sustain: Sustain = Field(default=Sustain(), description=SUSTAIN, examples=[{"cycles": 2, "of": 3}])


class DiskLevels(Levels):
    """Space or inodes in use on a mount, in percent."""

    warn: Percent | None = Field(default=80, description="WARN from here on.", examples=[80])
    critical: Percent | None = Field(default=90, description="CRITICAL from here on.", examples=[90])
    sustain: Sustain = Field(default=Sustain(), description=SUSTAIN, examples=[{"cycles": 2, "of": 3}])
    mounts: Annotated[Mapping[Mount, Levels], OnWish()] = Field(
        default={},
        description="Other levels for some mounts, by their path or a glob; what one leaves out is as above.",
        examples=[{"/backup": {"warn": 95, "critical": 98}}],
    )


class HttpErrorLevels(Levels):
    """Requests that a web server failed to answer (5xx), in percent."""

    warn: Percent | None = Field(default=5, description="WARN from here on.", examples=[5])
    critical: Percent | None = Field(default=25, description="CRITICAL from here on.", examples=[25])


class Thresholds(Section):
    """Where a measured value becomes a finding."""

    cpu: CpuLevels = Field(default=CpuLevels(), description="CPU in use, in percent.", examples=[{"warn": 90}])
    memory: MemoryLevels = Field(
        default=MemoryLevels(), description="Memory that is not available, in percent.", examples=[{"warn": 90}]
    )
    disk: DiskLevels = Field(
        default=DiskLevels(), description="Space or inodes in use on a mount, in percent.", examples=[{"critical": 85}]
    )
    failed_logins: Count = Field(
        default=5, description="Failed logins of one user or address within an hour that make a warning.", examples=[20]
    )
    http_errors: HttpErrorLevels = Field(
        default=HttpErrorLevels(),
        description="Requests that a web server failed to answer (5xx), in percent of a visit's.",
        examples=[{"warn": 2}],
    )


class Expected(Section):
    """A change that is to be expected."""

    kind: ThingKind | None = Field(default=None, description="What changes; left out = anything.", examples=["port"])
    subject: str = Field(description="Which of them: a glob of their names.", examples=["*:80*"])
    why: str = Field(default="", description="Told beside the change.", examples=["test servers come and go"])


class Learning(Section):
    """How long a host's life is learned before what is new there means more than a note: either is enough."""

    period: LearningPeriod = Field(default=3 * DAY, description="So long from the first visit on.", examples=["7d"])
    runs: Count = Field(default=20, description="So many visits.", examples=[50])


Price = Annotated[float, at_least(0, "0")]


class Prices(Section):
    """What a million tokens of a model cost, in whatever money; reasoning counts as output."""

    input: Price = Field(description="What is sent to it.", examples=[0.2])
    output: Price = Field(description="What it answers.", examples=[0.5])
    cached_input: Price | None = Field(
        default=None,
        description="What is sent again and known to the provider; null = as other input.",
        examples=[0.05],
    )


class Provider(Section):
    """A service that answers with an AI model."""

    name: Name = Field(description="Your name for it.", examples=["local"])
    type: Literal["openai", "ollama", "anthropic", "opencode"] = Field(
        description="The protocol it speaks.", examples=["ollama"]
    )
    url: str = Field(description="Where it answers.", examples=["http://127.0.0.1:11434"])
    model: str = Field(description="The model to ask.", examples=["llama3.1"])
    api_key: Secret = Field(default=SecretStr(""), description="Its API key.", examples=["${XAI_API_KEY:-}"])
    prices: Prices | None = Field(default=None, description="What it costs; without it, costs are unknown.")


class Ai(Section):
    """Models that judge what rules alone cannot; without a provider, rules judge alone."""

    daily_tokens: Annotated[int, at_least(0, "0")] = Field(
        default=3_000_000, description="Tokens that all providers together may use in a day.", examples=[500_000]
    )
    timeout: Timeout | None = Field(
        default=None, description="What one try may take; null = 30s, and 120s for Ollama.", examples=["45s"]
    )
    pseudonyms: bool = Field(
        default=False,
        description="Addresses and host names are sent as pseudonyms and mapped back in the answer.",
        examples=[True],
    )
    providers: tuple[Provider, ...] = Field(default=(), description="Tried in this order.")

    @field_validator("providers")
    @classmethod
    def _names_differ(cls, providers: tuple[Provider, ...]) -> tuple[Provider, ...]:
        if len({one.name for one in providers}) < len(providers):
            raise expected("a name of its own for each provider")
        return providers


class Email(Section):
    """The mail server that sends alerts and reports."""

    host: str = Field(default="", description="The mail server; empty = no mail.", examples=["smtp.example.org"])
    port: Port = Field(default=587, description="Its port.", examples=[465])
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How the connection is protected: starttls, tls or none.", examples=["tls"]
    )
    username: str = Field(default="", description="The login, empty = none.", examples=["dthostmon"])
    password: Secret = Field(default=SecretStr(""), description="Its password.", examples=["${SMTP_PASSWORD:-}"])
    from_: str = Field(
        default="", alias="from", description="The sender's address.", examples=["dthostmon@example.org"]
    )
    reply_to: str | None = Field(default=None, description="Where answers go.", examples=["ops@example.org"])
    recipients: tuple[str, ...] = Field(default=(), description="Who gets mail.", examples=[["ops@example.org"]])


class Pushover(Section):
    """Messages to phones over Pushover."""

    token: Secret = Field(description="The application's token.", examples=["${PUSHOVER_TOKEN:-}"])
    user: Secret = Field(description="The user's or group's key.", examples=["${PUSHOVER_USER:-}"])
    min_severity: SeverityName = Field(default="CRITICAL", description="The least severity sent.", examples=["WARN"])


class Notify(Section):
    """Channels besides mail."""

    pushover: Pushover | None = Field(default=None, description="Messages to phones over Pushover.")
    urls: tuple[Secret, ...] = Field(
        default=(), description="Any Apprise URLs.", examples=[["ntfy://ntfy.sh/my-topic"]]
    )


class RouteMatch(Section):
    """Which findings a route takes; what is left out matches all."""

    severity: SeverityName | None = Field(
        default=None, description="This severity or a higher one.", examples=["CRITICAL"]
    )
    site: Name | None = Field(default=None, description="Hosts of this site.", examples=["chicago"])
    tag: Tag | None = Field(default=None, description="Hosts with this tag.", examples=["web"])


class Route(Section):
    """Who is told of what."""

    match: RouteMatch = Field(default=RouteMatch(), description="Which findings.", examples=[{"severity": "CRITICAL"}])
    to: tuple[str, ...] = Field(description="The channels, in order.", examples=[["email", "pushover"]])


class Reports(Section):
    """Regular summaries by mail."""

    frequency: Literal["hourly", "daily", "weekly", "off"] = Field(
        default="off", description="hourly, daily, weekly or off.", examples=["daily"]
    )
    at: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")] = Field(
        default="07:00", description="The time of day.", examples=["07:00"]
    )
    timezone: str = Field(default="UTC", description="The zone of that time.", examples=["Europe/Berlin"])
    recipients: tuple[str, ...] = Field(
        default=(), description="Who gets them; empty = email.recipients.", examples=[["ops@example.org"]]
    )


class Alerts(Section):
    """When people are told, and told again."""

    group_wait: Duration = Field(
        default=30.0, description="How long the first message of a group waits.", examples=["1m"]
    )
    group_interval: Duration = Field(
        default=5 * MINUTE, description="Time between messages of a group.", examples=["10m"]
    )
    repeat: Duration = Field(default=4 * HOUR, description="When a firing alert is told again.", examples=["1d"])
    unreachable_after: Count = Field(
        default=3, description="Failed visits in a row that make a host unreachable.", examples=[5]
    )


class Rules(Section):
    """What each program's messages mean, in your own words."""

    folders: tuple[FilePath, ...] = Field(
        default_factory=tuple,  # a default of () would show as the example, whose folder exists nowhere
        description="Folders with rule packs of your own (*.yaml), such as /etc/dthostmon/rules, tried in this order"
        " and before the builtin ones. A relative one is beside this file.",
        examples=[["/etc/dthostmon/rules"]],
    )


class RetentionTimes(Section):
    """How long things are kept."""

    runs: Retention = Field(default=90 * DAY, description="Runs with their findings.", examples=["365d"])
    logs: Retention = Field(default=90 * DAY, description="Log lines.", examples=["30d"])
    audit: Annotated[Retention, NotYet("the audit table")] = Field(
        default=90 * DAY, description="Who changed what.", examples=["365d"]
    )


class Api(Section):
    """The API and the dashboard."""

    listen: Listen = Field(
        default=ListenAddress("127.0.0.1", 8080),
        description="Address and port; 0.0.0.0 answers the whole network. An edit needs a restart.",
        examples=["127.0.0.1:8080"],
    )
    public_url: Annotated[str | None, NotYet("links to the dashboard")] = Field(
        default=None, description="How people reach the dashboard.", examples=["https://monitor.example.org"]
    )
    docs: Annotated[bool, NotYet("the API's own documentation", off=(False,))] = Field(
        default=False, description="Serve the API's documentation at /docs.", examples=[True]
    )
