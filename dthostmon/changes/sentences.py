"""What changed about one thing, as a person would say it. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import fields

from dthostmon.changes.texts import changed_text
from dthostmon.model import (
    Boot,
    Clock,
    Container,
    Difference,
    Mount,
    Package,
    Service,
    SetuidFile,
    Thing,
    ThingKind,
    WatchedFile,
)

NOT_SHOWN = frozenset({"text", "owns"})


def sentence(difference: Difference) -> str:
    """Say what differs."""
    was, now, thing = difference.before, difference.after, difference.thing
    if was is None:
        return _filled(_APPEARED.get(thing.kind), thing, "appeared")
    return _filled(_GONE.get(thing.kind), thing, "is gone") if now is None else _changed(was, now)


def shown_fields(thing: Thing) -> Mapping[str, str]:
    """Return the fields of a thing that are told, as text."""
    named = {each.name: getattr(thing, each.name) for each in fields(thing)}  # type: ignore[arg-type]  # a dataclass
    return {name: _text(value) for name, value in named.items() if value is not None and name not in NOT_SHOWN}


def _text(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


# what is said of a thing by its kind, filled with its fields, its subject and its state
_APPEARED: Mapping[ThingKind, str] = {
    ThingKind.CERTIFICATE: "new certificate at {where}: {state}",
    ThingKind.CONTAINER: "container {name} appeared: {state}",
    ThingKind.CRON: "new cron entry in {path}: {state} {command}",
    ThingKind.KEY: "a new key opens the account {user}: {fingerprint} {comment}",
    ThingKind.MODULE: "kernel module {name} {state}",
    ThingKind.MOUNT: "{path} mounted: {device} {filesystem}",
    ThingKind.PACKAGE: "{name} {version} installed",
    ThingKind.PORT: "port {port}/{protocol} now open on {address}: {state}",
    ThingKind.SETUID: "{path} runs with the rights of {owner} now",
    ThingKind.SUDO: "new sudo rule in {path}: {text}",
    ThingKind.USER: "user {name} added ({state})",
}
_GONE: Mapping[ThingKind, str] = {
    ThingKind.CRON: "cron entry gone from {path}: {state} {command}",
    ThingKind.KEY: "a key opens the account {user} no more: {fingerprint} {comment}",
    ThingKind.MODULE: "kernel module {name} unloaded",
    ThingKind.MOUNT: "{path} unmounted, was {device} {filesystem}",
    ThingKind.PACKAGE: "{name} {version} removed",
    ThingKind.PORT: "port {port}/{protocol} closed on {address}, was {state}",
    ThingKind.SUDO: "sudo rule gone from {path}: {text}",
    ThingKind.USER: "user {name} removed ({state})",
}


def _filled(words: str | None, thing: Thing, otherwise: str) -> str:
    if words is None:
        return f"{_named(thing)} {otherwise}{f': {thing.state}' if thing.state else ''}"
    told = {"subject": thing.subject, "state": thing.state, **_all_fields(thing)}
    return words.format_map(told).strip()


def _all_fields(thing: Thing) -> Mapping[str, str]:
    return {each.name: _text(getattr(thing, each.name)) for each in fields(thing)}  # type: ignore[arg-type]  # a dataclass


def _changed(was: Thing, now: Thing) -> str:
    match was, now:
        case Package(), Package():
            return f"{now.name} {was.version} → {now.version}"
        case Boot(), Boot():
            return f"booted again{f', kernel {was.kernel} → {now.kernel}' if was.kernel != now.kernel else ''}"
        case Clock(), Clock():
            return f"the clock is {now.state or 'synchronised or not, nobody can tell'}"
        case Mount(), Mount() if now.is_read_only and not was.is_read_only:
            return f"{now.path} is read-only now"
        case Service(), Service() if now.restarts and was.restarts != now.restarts:
            return f"{now.name} was restarted by itself, {now.restarts} times in all{_compared(was, now, {'restarts'})}"
        case WatchedFile(), WatchedFile():
            content = changed_text(was, now)
            return f"{now.path}: {content}{_compared(was, now, {'digest', 'size'})}" if content else _fields(was, now)
        case Container(), Container() if was.digest != now.digest:
            newer = f" a newer {now.image}" if was.image == now.image else ""
            told = f"{newer}{_compared(was, now, {'digest'})}".removeprefix(",").strip()
            return f"container {now.name}: {told}"
        case _:
            return _fields(was, now)


def _fields(was: Thing, now: Thing, known: Collection[str] = ()) -> str:
    return f"{_named(now)}: {_compared(was, now, known).removeprefix(', ')}"


def _compared(was: Thing, now: Thing, said: Collection[str]) -> str:
    """Tell which fields are not as they were, but for those that are said already."""
    before, after = shown_fields(was), shown_fields(now)
    compared = [each.name for each in fields(now) if each.compare and each.name not in said]  # type: ignore[arg-type]  # a dataclass
    differing = [name for name in compared if before.get(name) != after.get(name)]
    return "".join(f", {_label(name)}{_value(name, before)} → {_value(name, after)}" for name in differing)


def _label(name: str) -> str:
    plain = _PLAIN_NAMES.get(name, name.replace("_", " "))
    return f"{plain} " if plain else ""


_PLAIN_NAMES = {"state_word": "", "active": "", "enabled": "", "value": "", "is_overdue": "overdue"}


def _value(name: str, told: Mapping[str, str]) -> str:
    text = told.get(name) or "-"
    if name == "mode" and text.isdecimal():
        return f"{int(text) & 0o7777:04o}"
    return text[:12] if name == "digest" else text


def _named(thing: Thing) -> str:
    """Name a thing, with its kind where its name alone does not say what it is."""
    if isinstance(thing, Service | WatchedFile | SetuidFile):
        return thing.subject
    kind = str(thing.kind).replace("-", " ")
    return thing.subject if thing.subject.startswith(kind) else f"{kind} {thing.subject}"
