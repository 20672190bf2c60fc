"""What troubles of some sort come of, whatever names they have: names that are not found of name servers, refused
handshakes of certificates. Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from dthostmon.model import Change, ThingKind


@dataclass(frozen=True, slots=True)
class Symptom:
    """What is written where something is wrong, and what then may have changed: things of some kinds, and subjects."""

    name: str
    said: re.Pattern[str]
    kinds: frozenset[ThingKind]
    subjects: re.Pattern[str]

    def is_explained_by(self, change: Change) -> bool:
        """Tell whether a change may be behind it."""
        return change.kind in self.kinds or self.subjects.search(change.subject) is not None


def _symptom(name: str, said: str, kinds: tuple[ThingKind, ...], subjects: str) -> Symptom:
    return Symptom(name, re.compile(said, re.IGNORECASE), frozenset(kinds), re.compile(subjects, re.IGNORECASE))


_NETWORK_FILES = r"/etc/(network|netplan|NetworkManager|systemd/network|sysconfig/network)"

SYMPTOMS = (
    _symptom(
        "name resolution",
        r"\bresolv|name service|name or service not known|nxdomain|servfail|unknown host|getaddrinfo|eai_again|\bdns\b"
        r"|could not find host|host not found",
        (ThingKind.DNS,),
        rf"/etc/(resolv\.conf|hosts|nsswitch\.conf|gai\.conf|systemd/resolved)|{_NETWORK_FILES}"
        r"|\b(systemd-resolved|dnsmasq|unbound|named|bind9|resolvconf)\b",
    ),
    _symptom(
        "network",
        r"timed? ?out|unreachable|no route to host|connection refused|connection reset|network is down|\bunanswered\b"
        r"|address family not supported|cannot assign requested address",
        (ThingKind.FIREWALL, ThingKind.ROUTE, ThingKind.ADDRESS),
        rf"nftables|iptables|\bufw\b|firewalld|{_NETWORK_FILES}|^net\.",
    ),
    _symptom(
        "certificate",
        r"certificate|\bssl|\btls\b|x\.?509|handshake",
        (ThingKind.CERTIFICATE,),
        r"\.(pem|crt|cer|key)$|letsencrypt|certbot|acme|ca-certificates|\b(openssl|libssl|gnutls)",
    ),
    _symptom(
        "storage",
        r"no such file or directory|i/o error|input/output error|read-only file system|stale file handle|not mounted"
        r"|superblock|structure needs cleaning",
        (ThingKind.MOUNT, ThingKind.ARRAY, ThingKind.DRIVE),
        r"/etc/fstab|/etc/exports|/etc/auto\.|\.mount$",
    ),
    _symptom(
        "kernel module",
        r"\bmodules?\b.{0,40}(not found|not loaded|could not be loaded)|find module|modprobe|firmware|dkms"
        r"|unknown symbol|modules-load|kernel module",
        (ThingKind.MODULE, ThingKind.BOOT),
        r"^(linux-|kernel)|firmware|dkms|/etc/(modprobe|modules)",
    ),
    _symptom(
        "setting of the kernel",
        r"address family not supported|forwarding|cannot allocate memory|overcommit|too many open files"
        r"|file-max|no buffer space|cannot fork|resource temporarily unavailable|oom-kill|out of memory",
        (ThingKind.KERNEL_SETTING,),
        r"/etc/(sysctl|security/limits)",
    ),
    _symptom(
        "account",
        r"user credentials|21[67]/(user|group)|step (user|group)\b|unknown (user|group)|no such (user|group)"
        r"|no passwd entry|getpw(nam|uid)|getgr(nam|gid)|invalid (user|group)|(user|group|role) \S+ does not exist"
        r"|can't find (user|group)|cannot find name for",
        (ThingKind.USER, ThingKind.GROUP),
        r"/etc/(passwd|shadow|group|gshadow|nsswitch\.conf|sssd)|\bsssd\b",
    ),
    _symptom(
        "rights",
        r"permission denied|operation not permitted|eacces|access denied|not allowed|not in (the )?sudoers"
        r"|without the right|authentication fail|may not run|not in the group",
        (ThingKind.USER, ThingKind.GROUP, ThingKind.SUDO, ThingKind.SETUID),
        r"/etc/(passwd|group|pam\.d|security|sudoers|ssh|apparmor|selinux|polkit)|apparmor|selinux",
    ),
    _symptom(
        "library",
        r"shared librar|shared object|undefined symbol|symbol lookup|version [`'\"]|cannot import|import ?error"
        r"|no module named|module ?not ?found ?error|illegal instruction|incompatible|NoSuchMethod|ClassNotFound",
        (ThingKind.PACKAGE,),
        r"/etc/ld\.so",
    ),
    _symptom(
        "clock",
        r"clock|\bskew|not yet valid|synchroni[sz]|in the future",
        (ThingKind.CLOCK,),
        r"chrony|\bntp|timesyncd|openntpd",
    ),
    _symptom(
        "port",
        r"address already in use|(cannot|could not|unable to|failed to) bind|bind\(\)|eaddrinuse|already allocated",
        (ThingKind.PORT,),
        r"\.socket$",
    ),
    _symptom("login by key", r"publickey|authorized_keys|new key", (ThingKind.KEY,), r"/etc/ssh/"),
)
ABSENCE = re.compile(
    r"no such|not found|does not exist|\bmissing\b|cannot find|unknown|failed to determine", re.IGNORECASE
)
SPACE = re.compile(r"no space left|disk[- ](is )?full|disk quota|out of disk|\binodes\b", re.IGNORECASE)


def symptoms_in(text: str) -> Iterator[str]:
    """Yield the names of what a text tells of."""
    return (symptom.name for symptom in SYMPTOMS if symptom.said.search(text))


def explained_by(change: Change) -> Iterator[str]:
    """Yield the names of the symptoms that a change may be behind."""
    return (symptom.name for symptom in SYMPTOMS if symptom.is_explained_by(change))
