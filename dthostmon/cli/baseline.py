"""`dthostmon baseline`: what is normal on a host."""

import re
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING

import click

from dthostmon.cli import output
from dthostmon.cli.invocation import EXPIRY, Invocation, json_option
from dthostmon.errors import NotFoundError

if TYPE_CHECKING:
    from dthostmon.store import NormalTemplate

DEFAULT_UNTIL = "90d"


class TemplateIdType(click.ParamType[str]):
    """The id of a template."""

    name = "template"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read an id from the command line."""
        if not re.fullmatch(r"t-[0-9a-f]{12}", value):
            self.fail("the id of a template is t- and 12 of 0-9a-f; findings name it in their fields", param, ctx)
        return value


TEMPLATE_ID = TemplateIdType()


@click.group()
def baseline() -> None:
    """Say which messages are normal on a host."""


@baseline.command()
@click.argument("host")
@click.argument("template", type=TEMPLATE_ID)
@click.option(
    "--until", type=EXPIRY, default=DEFAULT_UNTIL, show_default=True, help="Until when: 90d, or a moment to come."
)
@click.option("--undo", is_flag=True, help="It is not normal any more.")
@click.pass_obj
def normal(invocation: Invocation, host: str, template: str, until: datetime, undo: bool) -> None:
    """Call a message normal on a host: nothing is said of it for being new or frequent. TEMPLATE is its id (t-...)."""
    from dthostmon.app.parts import now, opened_store

    configuration = invocation.configuration()
    name = configuration.host(host).name

    async def mark() -> tuple[bool, bool]:
        async with opened_store(configuration) as store:
            before = {one.template_id for one in await store.normal_templates(now(), name)}
            return await store.mark_normal(name, template, None if undo else until), template in before

    is_known, was_normal = invocation.wait_for(mark())
    if not is_known:
        raise NotFoundError(f"{name} never wrote a message of template {template}. Findings name it in their fields.")
    if undo:
        output.say(f"{template} on {name} {'is not normal any more' if was_normal else 'was not normal anyway'}.")
    else:
        output.say(f"{template} on {name} is normal until {until:%Y-%m-%d %H:%M} UTC.")


@baseline.command()
@click.argument("host")
@click.option("--undo", is_flag=True, help="What is wrong there is told again.")
@click.pass_obj
def accept(invocation: Invocation, host: str, undo: bool) -> None:
    """Call what is wrong on a host now normal, until it changes: failed units, read-only mounts and the like."""
    from dthostmon import changes
    from dthostmon.app.parts import now, opened_store

    configuration = invocation.configuration()
    name = configuration.host(host).name

    async def call_normal() -> tuple[str, ...]:
        async with opened_store(configuration) as store:
            known = chain.from_iterable((await store.load_state(name)).lasting.values())
            states = () if undo else changes.acceptable(known, now())
            await store.accept_states(name, states)
            return states

    states = invocation.wait_for(call_normal())
    for state in states:
        output.print_line(state)
    said = f"{len(states)} of what is wrong on {name} is normal until it changes." if states else ""
    output.say(said or ("Nothing is called normal any more." if undo else f"Nothing is wrong on {name} that lasts."))


@baseline.command("list")
@click.argument("host", required=False)
@json_option
@click.pass_obj
def list_normal(invocation: Invocation, host: str | None, as_json: bool) -> None:
    """Print the messages that are called normal."""
    from dthostmon.app.parts import now, opened_store
    from dthostmon.reports.documents import normal_template_document

    configuration = invocation.configuration()
    name = configuration.host(host).name if host is not None else None

    async def read() -> "tuple[NormalTemplate, ...]":
        async with opened_store(configuration) as store:
            return await store.normal_templates(now(), name)

    marks = invocation.wait_for(read())
    if as_json:
        output.print_json([normal_template_document(mark) for mark in marks])
        return
    rows = [(mark.host, mark.template_id, f"{mark.until:%Y-%m-%d %H:%M} UTC", mark.text) for mark in marks]
    output.print_table(("host", "template", "normal until", "text"), rows)
