"""Containers of Docker and Podman.

An engine's client takes 20 to 40 ms of a host's processor to list or tell of containers. So a visit first asks for what
is cheap and says whether anything changed: Docker's list over its socket (by curl where there is one) and when each
control group of a container was made; when Podman's database was written. Only if that is not as at the visit before,
the engine is asked for all containers in one call, since only that tells restarts, digests and projects.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

from dthostmon.facts.plain import plain
from dthostmon.facts.probe import InventoryProbe, Outputs
from dthostmon.facts.sources import FactFiles, Told
from dthostmon.model import Container, Inventory, ThingKind

KINDS = frozenset({ThingKind.CONTAINER})
ENGINES = ("docker", "podman")
MOST_CONTAINERS = 1000
ANY_ADDRESS = "0.0.0.0"  # noqa: S104  shown as engines show it; nothing is bound here
NOT_TOLD = "the container engines were not asked, or did not answer"
REASONS = {
    "docker refused": "the group docker (or root) is needed to ask Docker",
    "docker stopped": "Docker is installed and its daemon does not run",
    "docker clientless": "Docker's socket is there and its client is not installed",
    "docker failed": "Docker did not answer",
    "podman failed": "Podman did not answer",
    "podman hidden": "Podman shows root's containers to root only",
    "engine shellless": "containers are told by their engine, which needs a shell on the host",
}
_STAMP = re.compile("[0-9a-f]{64}")


def _form(image: str, health: str) -> str:
    """Return the template of `inspect`: one line of JSON for each container."""
    parts = {"id": ".ID", "name": ".Name", "image": image, "digest": ".Image", "state": ".State.Status"}
    parts |= {"restarts": ".RestartCount", "started": ".State.StartedAt", "ports": ".HostConfig.PortBindings"}
    parts |= {
        "project": '(index .Config.Labels "com.docker.compose.project")',
        "files": '(index .Config.Labels "com.docker.compose.project.config_files")',
    }
    told = ",".join(f'"{name}":{{{{json {field}}}}}' for name, field in parts.items())
    return f'{{{told},"health":{health}}}'


_DOCKER_FORM = _form(".Config.Image", '{{if .State.Health}}{{json .State.Health.Status}}{{else}}""{{end}}')
_PODMAN_FORM = _form(".ImageName", "{{json .State.Health.Status}}")
_OLD_PODMAN_FORM = _form(".ImageName", "{{json .State.Healthcheck.Status}}")  # before Podman 4

# Times that only say how long ago something was are taken out of what is compared. A container that is being started
# again and again is no known state, nor are running ones whose control groups are elsewhere: those are asked for.
_COMMAND = r"""set +f
docker= podman= list= starts= stored= said=
while read -r key rest me other; do [ "$key" = Uid: ] && break; done </proc/self/status || me=$(id -u)
for socket in "${DOCKER_HOST#unix://}" /var/run/docker.sock "/run/user/$me/docker.sock"; do
[ -S "$socket" ] && { docker=$socket; break; }
done
[ -L "$docker" ] && case $(readlink "$docker") in *podman*) docker= ;; esac
if [ -z "$docker" ]; then [ -d /var/lib/docker ] && command -v dockerd >/dev/null && said='=docker stopped'
elif ! [ -w "$docker" ]; then said='=docker refused' docker=
elif ! command -v docker >/dev/null; then said='=docker clientless' docker=
else
DOCKER_HOST=unix://$docker; export DOCKER_HOST
if command -v curl >/dev/null; then list=$(curl -sf -m 8 --unix-socket "$docker" 'http://docker/containers/json?all=1')
else list=$(docker ps -a --no-trunc --format '"Id":"{{.ID}}" {{.Names}} {{.Image}} {{.Ports}} "Status":"{{.Status}}')
fi || said='=docker failed' docker= list=
case $list in *'"Status":"Up '*) starts=$(stat -c '%n %y' /sys/fs/cgroup/system.slice/docker-*.scope \
/sys/fs/cgroup/docker/* /sys/fs/cgroup/systemd/docker/* /sys/fs/cgroup/systemd/system.slice/docker-*.scope) ;; esac
case $list in *'"Status":"Restarting'*) starts=$(date) ;; *'"Status":"Up '*) [ "$starts" ] || starts=$(date) ;; esac
fi
if command -v podman >/dev/null; then
root=${XDG_DATA_HOME:-$HOME/.local/share}/containers/storage
if [ "$me" = 0 ]; then
root=/var/lib/containers/storage
for settings in ${CONTAINERS_STORAGE_CONF:-/usr/share/containers/storage.conf /etc/containers/storage.conf}; do
[ -r "$settings" ] && while read -r key equals value rest; do
[ "$key" = graphroot ] && value=${value#?} && root=${value%?}
done <"$settings"
done
elif [ -d /var/lib/containers/storage ]; then said="$said
=podman hidden"
fi
stored=$(stat -c '%n %y %s' "$root"/libpod/*.db "$root"/db.sql* "$root"/*-containers/containers.json \
"$root"/*-containers/*/userdata/healthcheck.log)
[ "$stored" ] && podman=podman
fi
[ "$said$docker$podman" ] || { echo =end; exit; }
stamp=$(printf '%s\n' "$said" "$docker" "$list" "$starts" "$stored" |
sed -E 's/"Status":"(Up|[A-Za-z]+ \([0-9]+\)) (About an?|Less than an?|[0-9]+) [a-z]+( ago)?/"Status":"\1/g' |
sha256sum)
stamp=${stamp%% *}
if [ "$stamp" = 'BEFORE' ]; then echo "=same $stamp"; exit; fi
printf '%s\n' "$said"
fine=1
if [ "$docker" ]; then
ids=$(printf '%s
' "$list" | grep -o '"Id":"[0-9a-f]*"' | cut -d '"' -f 4 | head -n MOST)
echo =docker
[ -z "$ids" ] || docker inspect --type container --format 'DOCKER_FORM' $ids || { fine=; echo '=docker failed'; }
fi
if [ "$podman" ]; then
ids=$(podman ps -aq --no-trunc) || { fine=; echo '=podman failed'; }
ids=$(printf '%s
' "$ids" | head -n MOST)
echo =podman
[ -z "$ids" ] || podman inspect --type container --format 'PODMAN_FORM' $ids ||
podman inspect --type container --format 'OLD_FORM' $ids || { fine=; echo '=podman failed'; }
fi
[ "$fine" ] && echo "=end $stamp" || echo =end"""


def containers_mark(outputs: Outputs) -> str:
    """Name the state: the host does, where all of its engines told."""
    raw = outputs.get("engines", b"")
    stamp = re.search(rb"^=(?:same|end) ([0-9a-f]{64})$", raw, re.MULTILINE)
    return stamp[1].decode() if stamp else sha256(raw).hexdigest()


def parse_containers(outputs: Outputs) -> Inventory:
    """Read each engine's lines. A host without an engine has no containers; that is known."""
    lines = outputs.get("engines", b"").decode("utf-8", "replace").split("\n")
    reasons = [REASONS[line[1:]] for line in dict.fromkeys(lines) if line.startswith("=") and line[1:] in REASONS]
    if not any(re.fullmatch("=end( [0-9a-f]{64})?", line) for line in lines):
        reasons.append(NOT_TOLD)
    containers = list(_containers(lines))
    if len(containers) >= MOST_CONTAINERS:
        reasons.append(f"there are more than {MOST_CONTAINERS}")
    missing = {ThingKind.CONTAINER: "; ".join(reasons)} if reasons else {}
    return Inventory(tuple(containers[:MOST_CONTAINERS]), missing, KINDS)


def _containers(lines: Sequence[str]) -> Iterator[Container]:
    engine = ""
    names: set[str] = set()
    for line in lines:
        if line.removeprefix("=") in ENGINES:
            engine = line.removeprefix("=")
        elif engine and line.startswith("{") and (container := _container(engine, _json(line), names)):
            names.add(container.name)
            yield container


def _json(line: str) -> Mapping[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _container(engine: str, told: Mapping[str, Any], names: set[str]) -> Container | None:
    name, state = _text(told, "name").lstrip("/"), _text(told, "state")
    if not name or not state:
        return None
    restarts = told.get("restarts")
    is_count = isinstance(restarts, int) and not isinstance(restarts, bool) and 0 <= restarts < 2**31
    digest = _text(told, "digest")
    return Container(
        engine=engine,
        name=f"{engine}:{name}" if name in names else name,
        image=_text(told, "image"),
        digest=digest if digest.startswith("sha256:") or not digest else f"sha256:{digest}",
        state_word=state,
        health=_text(told, "health"),
        restarts=restarts if is_count else None,
        project=_text(told, "project"),
        ports=tuple(sorted(_ports(told.get("ports")))),
        project_files=tuple(plain(path) for path in _text(told, "files", 2000).split(",") if path),
        started_at=_moment(_text(told, "started")),
    )


def _text(told: Mapping[str, Any], name: str, limit: int = 200) -> str:
    value = told.get(name)
    return plain(value, limit) if isinstance(value, str) else ""


def _ports(bindings: object) -> Iterator[str]:
    """Yield the ports that are bound on the host, as they are configured: also those of a stopped container."""
    if not isinstance(bindings, dict):
        return
    for port, ends in list(bindings.items())[:200]:
        for end in ends[:20] if isinstance(ends, list) else ():
            if isinstance(end, dict):
                yield f"{_text(end, 'HostIp') or ANY_ADDRESS}:{_text(end, 'HostPort') or '*'}->{plain(str(port), 20)}"


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo and moment.year > 1970 else None  # the year 1: it was never started


async def _engine_files(files: FactFiles) -> Told:
    """Tell whether there is an engine at all."""
    programs = [f"/{folder}/{engine}" for folder in ("usr/bin", "usr/local/bin", "snap/bin") for engine in ENGINES]
    for path in (*programs, "/var/run/docker.sock", "/var/lib/docker", "/var/lib/containers/storage"):
        if await files.stat(path) is not None:
            return Told(b"=engine shellless\n=end")
    return Told(b"=end")


def containers_probe(_globs: Sequence[str], before: str | None) -> InventoryProbe:
    """Make the probe; the mark of the visit before tells the host what need not be told again."""
    parts = {"BEFORE": before if before and _STAMP.fullmatch(before) else "", "MOST": str(MOST_CONTAINERS)}
    parts |= {"DOCKER_FORM": _DOCKER_FORM, "PODMAN_FORM": _PODMAN_FORM, "OLD_FORM": _OLD_PODMAN_FORM}
    command = re.sub("|".join(parts), lambda word: parts[word[0]], _COMMAND)
    return InventoryProbe(
        name="containers",
        kinds=frozenset({ThingKind.CONTAINER}),
        parse=parse_containers,
        commands={"engines": command},
        files={"engines": _engine_files},
        mark=containers_mark,
    )
