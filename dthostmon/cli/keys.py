"""`dthostmon key`: API keys."""

from datetime import UTC, datetime, timedelta

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import Invocation, json_option
from dthostmon.config.fields import parse_duration
from dthostmon.reports.documents import timestamp

LONGEST_NAME = 100


@click.group()
def key() -> None:
    """API keys; only their hashes are stored."""


def check_name(_ctx: click.Context, _param: click.Parameter, name: str) -> str:
    """Accept a name that can be shown in one line."""
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise click.BadParameter(f"write 1 to {LONGEST_NAME} characters, none of them a control character")
    return name


@key.command()
@click.argument("name", callback=check_name)
@click.option("--scope", type=click.Choice(["read", "write", "admin"]), required=True)
@click.option("--expires", help="How long it is valid (30d); for ever when left out.")
@json_option
@click.pass_obj
def create(invocation: Invocation, name: str, scope: str, expires: str | None, as_json: bool) -> None:
    """Make a key and show it once."""
    from dthostmon.app.parts import opened_store
    from dthostmon.web.auth import hash_key, new_key

    now = datetime.now(UTC)
    expires_at = now + timedelta(seconds=_lifetime(expires)) if expires else None
    secret = new_key()

    async def write() -> None:
        async with opened_store(invocation.configuration()) as store:
            await store.create_key(
                name, scope=scope, secret_hash=hash_key(secret), expires_at=expires_at, created_at=now
            )

    invocation.wait_for(write())
    if as_json:
        output.print_json(
            {"name": name, "scope": scope, "expires_at": timestamp(expires_at) if expires_at else None, "key": secret}
        )
        return
    output.say("This key is shown once; send it in the X-API-Key header.")
    output.print_line(secret)


def _lifetime(text: str) -> float:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--expires") from error


@key.command(name="list")
@json_option
@click.pass_obj
def list_keys(invocation: Invocation, as_json: bool) -> None:
    """List the keys, without their secrets."""
    from dthostmon.app.parts import opened_store
    from dthostmon.store import ApiKey

    async def read() -> tuple[ApiKey, ...]:
        async with opened_store(invocation.configuration()) as store:
            return await store.keys()

    documents = [
        {
            "name": one.name,
            "scope": one.scope,
            "created_at": timestamp(one.created_at),
            "expires_at": timestamp(one.expires_at) if one.expires_at else None,
            "revoked_at": timestamp(one.revoked_at) if one.revoked_at else None,
        }
        for one in invocation.wait_for(read())
    ]
    if as_json:
        output.print_json(documents)
        return
    columns = ("name", "scope", "created_at", "expires_at", "revoked_at")
    output.print_table(columns, [[document[column] for column in columns] for document in documents])


@key.command()
@click.argument("name")
@click.pass_obj
def revoke(invocation: Invocation, name: str) -> None:
    """Make a key invalid at once."""
    from dthostmon.app.parts import opened_store
    from dthostmon.errors import NotFoundError

    async def write() -> bool:
        async with opened_store(invocation.configuration()) as store:
            return await store.revoke_key(name, at=datetime.now(UTC))

    if not invocation.wait_for(write()):
        raise NotFoundError(f"there is no valid key named {name}; `dthostmon key list` shows them")
    output.print_line(f"revoked {name}")
