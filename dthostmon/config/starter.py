"""The first file of a new user."""

import re
from collections.abc import Sequence

# What distributions call the logs that tell most; the first file lists those that this machine has.
COMMON_LOGS = (
    "/var/log/syslog",
    "/var/log/messages",
    "/var/log/auth.log",
    "/var/log/secure",
    "/var/log/kern.log",
    "/var/log/cron",
    "/var/log/dpkg.log",
    "/var/log/dnf.log",
)

_STARTER = """\
# dthostmon's configuration. All keys with their meaning: config.example.yaml. 'dthostmon config check' checks an edit.
# An edit takes effect on the next cycle; database and api.listen need a restart.

database:
  url: sqlite:///dthostmon.db        # relative to the directory that dthostmon is started in

monitoring:
  interval: 15m                      # 30s, 5m, 1h, 7d

api:
  listen: 127.0.0.1:8080             # the API; this machine alone can reach it

hosts:
  - name: {name}
    transport: local                 # this machine, without ssh
    tags: [monitor]
    logs:                            # globs such as /var/log/nginx/*.log are possible too
{logs}

  # A machine that is reached over ssh. Give its user the right to read logs (on Debian: the group adm), then
  # 'dthostmon setup web1' tests it step by step.
  # - name: web1
  #   hostname: web1.example.org
  #   user: monitor
  #   key: ~/.ssh/id_ed25519
  #   logs: [/var/log/syslog, /var/log/auth.log]
  #   tags: [web]
"""


def starter_text(hostname: str, logs: Sequence[str]) -> str:
    """Return a short commented file that watches the `logs` of this machine; `hostname` becomes its name, made safe."""
    return _STARTER.format(name=_quoted(_safe_name(hostname)), logs="\n".join(f"      - {log}" for log in logs))


def _safe_name(hostname: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", hostname).lstrip(".-")[:253] or "this-machine"


def _quoted(name: str) -> str:
    """Quote a name that YAML would not read as text, such as 12 or null."""
    return name if re.fullmatch(r"[A-Za-z][A-Za-z0-9.-]*-[A-Za-z0-9.-]*|[A-Za-z]+[0-9]+", name) else f'"{name}"'
