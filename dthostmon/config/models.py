"""The whole configuration, its sites and its hosts.

Schema, example file and messages are made from these models. A key without code behind it is marked `NotYet`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from dthostmon.config.change_ids import ChangeId
from dthostmon.config.fields import (
    FilePath,
    Hostname,
    LogPattern,
    Name,
    NotYet,
    OnWish,
    Port,
    Secret,
    Size,
    Tag,
    User,
    expected,
)
from dthostmon.config.jump import Jump
from dthostmon.config.sections import (
    Ai,
    Alerts,
    Api,
    Database,
    Email,
    Expected,
    Interval,
    Learning,
    Monitoring,
    Notify,
    Reports,
    RetentionTimes,
    Retries,
    Route,
    Rules,
    Section,
    SeverityName,
    Ssh,
    Thresholds,
    Timeout,
)
from dthostmon.model import TransportKind

Probe = Literal[
    "metrics",
    "packages",
    "users",
    "services",
    "ports",
    "cron",
    "containers",
    "files",
    "mounts",
    "network",
    "kernel",
    "certificates",
    "time",
    "raid",
    "hardware",
]
ALL_PROBES: tuple[Probe, ...] = get_args(Probe)

LOGS_FIELD = (
    "What is read on each host: files and globs, `journal:` (or `journal:UNIT`) for journald, `docker:NAME` or "
    "`docker:*` for what containers print (Podman too)."
)
DEFAULT_LOGS = ("/var/log/syslog", "/var/log/auth.log", "/var/log/messages", "/var/log/secure", "/var/log/kern.log")
FILES_FIELD = "Files and globs watched for changes, with a diff; of a shell's history each new command."
DEFAULT_FILES = ("/etc/ssh/sshd_config", "/etc/hosts", "/etc/fstab", "/opt/*/compose.yaml", "/opt/*/docker-compose.yml")
FILES_EXAMPLE = ["/etc/ssh/sshd_config", "/opt/*/compose.yaml"]
REPORTS = NotYet("reports", off=("off",))
EXPECT_EXAMPLE = [{"kind": "port", "subject": "*:80*", "why": "test servers come and go"}]


class Overrides(Section):
    """What a site or a host may set for itself; a key that is left out is inherited."""

    user: User | None = Field(default=None, description="Instead of ssh.user.", examples=["monitor"])
    port: Port | None = Field(default=None, description="Instead of ssh.port.", examples=[2222])
    key: FilePath | None = Field(default=None, description="Instead of ssh.key.", examples=["~/.ssh/id_chicago"])
    passphrase: Secret | None = Field(
        default=None, description="Instead of ssh.passphrase.", examples=["${CHICAGO_PASSPHRASE:-}"]
    )
    known_hosts: FilePath | None = Field(
        default=None, description="Instead of ssh.known_hosts.", examples=["~/.ssh/known_hosts"]
    )
    connect_timeout: Timeout | None = Field(
        default=None, description="Instead of ssh.connect_timeout.", examples=["20s"]
    )
    retries: Retries | None = Field(default=None, description="Instead of ssh.retries.", examples=[["1s", "5s"]])
    jump: Jump | None = Field(
        default=None, description="Instead of ssh.jump; none = no jump.", examples=["ops@bastion.example.org"]
    )
    certificate: FilePath | None = Field(
        default=None, description="Instead of ssh.certificate.", examples=["~/.ssh/id_chicago-cert.pub"]
    )
    agent: bool | None = Field(default=None, description="Instead of ssh.agent.", examples=[True])
    config: FilePath | None = Field(
        default=None, description="Instead of ssh.config; none = none is read.", examples=["~/.ssh/config"]
    )
    logs: tuple[LogPattern, ...] | None = Field(
        default=None,
        description="Instead of logs (the list replaces).",
        examples=[["/var/log/syslog", "/var/log/nginx/*.log"]],
    )
    probes: tuple[Probe, ...] | None = Field(default=None, description="Instead of probes.", examples=[["metrics"]])
    files: tuple[FilePath, ...] | None = Field(default=None, description="Instead of files.", examples=[FILES_EXAMPLE])
    changes: Mapping[ChangeId, SeverityName] | None = Field(
        default=None, description="Over changes, key by key.", examples=[{"port.opened": "INFO"}]
    )
    expect: tuple[Expected, ...] | None = Field(
        default=None, description="Instead of expect (the list replaces).", examples=[EXPECT_EXAMPLE]
    )
    thresholds: Thresholds | None = Field(
        default=None, description="Over thresholds, key by key.", examples=[{"disk": {"critical": 85}}]
    )
    reports: Annotated[Reports | None, REPORTS] = Field(
        default=None, description="Over reports, key by key.", examples=[{"frequency": "weekly"}]
    )
    look_back: Size | None = Field(default=None, description="Instead of look_back.", examples=["1MiB"])
    max_lag: Size | None = Field(default=None, description="Instead of max_lag.", examples=["1GiB"])
    interval: Interval | None = Field(default=None, description="Instead of monitoring.interval.", examples=["5m"])
    host_timeout: Timeout | None = Field(
        default=None, description="Instead of monitoring.host_timeout.", examples=["3m"]
    )

    @field_validator("*", mode="before")
    @classmethod
    def _left_out_means_inherited(cls, value: object) -> object:
        if value is None:
            raise expected("a value; leave the key out for none of its own")
        return value


class SiteSettings(Overrides):
    """A named group of hosts; what is set here holds for each of them."""


class Machine(Section):
    """What only a host may set; a class of its own so that these keys come first."""

    name: Name = Field(description="Its unique name here.", examples=["web1"])
    hostname: Hostname | None = Field(
        default=None, description="Where ssh finds it: a name or an address.", examples=["192.0.2.10"]
    )
    site: Name | None = Field(
        default=None, description="The site it belongs to, declared under sites.", examples=["chicago"]
    )
    tags: tuple[Tag, ...] = Field(default=(), description="What it is for.", examples=[["web"]])
    transport: TransportKind = Field(
        default=TransportKind.SSH,
        description="ssh, sftp (the key gives no shell: SFTP or the collector program) or local (this machine).",
        examples=["ssh"],
    )
    enabled: bool = Field(default=True, description="false = not visited.", examples=[True])


class HostSettings(Overrides, Machine):
    """One machine."""


class Settings(Section):
    """The whole configuration."""

    database: Database = Field(default=Database(), description="Where runs, findings and log lines are stored.")
    monitoring: Monitoring = Field(default=Monitoring(), description="How often and how widely hosts are visited.")
    ssh: Ssh = Field(default=Ssh(), description="How to log in; a site or a host may say otherwise for itself.")
    logs: tuple[LogPattern, ...] = Field(
        default=DEFAULT_LOGS,
        description=f"{LOGS_FIELD} One that does not exist on a host is no error.",
        examples=[["/var/log/syslog", "/var/log/nginx/*.log", "journal:", "docker:*"]],
    )
    probes: tuple[Probe, ...] = Field(
        default=ALL_PROBES,
        description="What is asked of each host besides its logs, to see how it is and what changed.",
        examples=[["metrics", "packages", "users", "services", "ports", "cron", "containers", "files"]],
    )
    files: tuple[FilePath, ...] = Field(
        default=DEFAULT_FILES, description=FILES_FIELD, examples=[[*FILES_EXAMPLE, "/root/.bash_history"]]
    )
    changes: Mapping[ChangeId, SeverityName] = Field(
        default={},
        description="How much an unexpected change matters, where it is not as docs/changes.md says.",
        examples=[{"port.opened": "INFO"}],
    )
    expect: Annotated[tuple[Expected, ...], OnWish()] = Field(
        default=(), description="Changes that are to be expected: listed, and no finding.", examples=[EXPECT_EXAMPLE]
    )
    thresholds: Thresholds = Field(default=Thresholds(), description="Where a measured value becomes a finding.")
    learning: Learning = Field(
        default=Learning(), description="When what is new on a host begins to mean more than a note."
    )
    rules: Rules = Field(default=Rules(), description="Rule packs of your own, beside the builtin ones.")
    ai: Annotated[Ai, OnWish()] = Field(
        default=Ai(), description="Models that judge what rules alone cannot; without a provider, rules judge alone."
    )
    email: Annotated[Email, NotYet("mail")] = Field(
        default=Email(), description="The mail server that sends alerts and reports."
    )
    notify: Annotated[Notify, NotYet("notifications")] = Field(default=Notify(), description="Channels besides mail.")
    routes: Annotated[tuple[Route, ...], NotYet("notifications")] = Field(
        default=(), description="Who is told of what."
    )
    reports: Annotated[Reports, REPORTS] = Field(default=Reports(), description="Regular summaries by mail.")
    alerts: Annotated[Alerts, NotYet("alerts")] = Field(
        default=Alerts(), description="When people are told, and told again."
    )
    look_back: Size = Field(
        default=64 * 1024,
        description="How far before its end a log is read the first time it is seen.",
        examples=["1MiB"],
    )
    max_lag: Size = Field(
        default=256 * 2**20,
        description="A log of which more than this is unread is not caught up with: the rest is skipped and counted.",
        examples=["1GiB"],
    )
    retention: RetentionTimes = Field(default=RetentionTimes(), description="How long things are kept.")
    api: Api = Field(default=Api(), description="The API and the dashboard.")
    sites: Mapping[Name, SiteSettings] = Field(
        default={},
        description="Named groups of hosts; what is set here holds for each of them.",
        examples=[{"chicago": {"thresholds": {"disk": {"critical": 85}}}}],
    )
    hosts: tuple[HostSettings, ...] = Field(default=(), description="The machines to watch.")
