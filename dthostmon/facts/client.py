"""Where the host sees us come from: behind a router or a jump host, our own end does not know."""

from collections.abc import Mapping
from ipaddress import ip_address

from dthostmon.facts.probe import Probe


def parse_client(outputs: Mapping[str, bytes]) -> str | None:
    """Read sshd's SSH_CONNECTION: our address and port, the host's address and port."""
    words = outputs.get("connection", b"").decode("ascii", "replace").split()
    if len(words) != 4:
        return None
    try:
        return str(ip_address(words[0].partition("%")[0]))
    except ValueError:
        return None


# Without sshd there is no such variable, and nothing that is not known.
CLIENT: Probe[str | None] = Probe(
    name="client", words={"connection": 'echo "${SSH_CONNECTION:-none}"'}, parse=parse_client
)
