"""switchboard answer ID field=value …: what a tool asked, answered from wherever one is."""

import sys
from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

import typer
from switchboard_sdk import ApiError, Switchboard

from bot.console import questions
from bot.console.app import Chat, Terminal
from bot.console.parse import BadArguments, arguments_of, named_values
from bot.console.plain import said
from bot.core.asking import NotUnderstood, fields_of, understood
from kit.wire.interactions import Action, Form, Interaction
from launch.cli.ask import ASKED, exit_code
from launch.cli.connect import FAILED, Access, Work, asks, connected

USAGE = 2
Id = Annotated[UUID, typer.Argument(help="Of the interaction, as it was shown.")]
Fields = Annotated[
    list[str] | None, typer.Argument(help="field=value, each; of several forms: one JSON object.")
]
Decline = Annotated[bool, typer.Option("--decline", help="Say no.")]
Cancel = Annotated[bool, typer.Option("--cancel", help="Withdraw it.")]


def command(app: typer.Typer) -> None:
    @app.command("answer", help="Answer what a tool asked (see `switchboard ask`).")
    @asks("maya")
    def answer(
        access: Access,
        interaction: Id,
        fields: Fields = None,
        *,
        decline: Decline = False,
        cancel: Cancel = False,
    ) -> Work:
        action: Action = "cancel" if cancel else "decline" if decline else "accept"
        return _answer(interaction, action, fields or [], access)


async def _answer(interaction_id: UUID, action: Action, fields: list[str], access: Access) -> int:
    async with connected(access) as switchboard:
        interaction = await switchboard.interactions.get(interaction_id)
        try:
            content = _content(interaction, fields) if action == "accept" else {}
        except (BadArguments, NotUnderstood) as error:
            print(said(str(error)), file=sys.stderr)
            return USAGE
        try:
            responded = await switchboard.interactions.respond(interaction_id, action, content)
        except ApiError as error:
            for one in error.problem.errors or ():
                print(said(f"{one.field}: {one.message}"), file=sys.stderr)
            raise
        return await _shown(switchboard, interaction, responded.turn_id)


async def _shown(switchboard: Switchboard, interaction: Interaction, turn_id: UUID | None) -> int:
    """The turn that goes on, or what the tool said."""
    terminal = Terminal.of(sys.stdout)
    if turn_id is not None and interaction.session_id is not None:
        return exit_code(await Chat(switchboard, terminal).go_on_with(interaction.session_id, turn_id))
    ended = await switchboard.interactions.wait(interaction.id, longest_s=60)
    if ended.result is None:
        print("Answered.")
        return 0
    terminal.write(questions.outcome(ended.result, terminal.style))
    if ended.result.interaction_id is not None:
        print(f"It asks again: switchboard answer {ended.result.interaction_id} …")
        return ASKED
    return FAILED if ended.result.is_error else 0


def _content(interaction: Interaction, fields: list[str]) -> dict[str, object]:
    """Raises BadArguments, NotUnderstood."""
    if len(fields) == 1 and fields[0].startswith("{"):
        return arguments_of(fields[0])
    if len(interaction.forms) != 1:
        return dict(named_values(fields))
    return _typed(interaction.forms[0], fields)


def _typed(form: Form, words: list[str]) -> dict[str, object]:
    known = {field.name: field for field in fields_of(form)}
    given = {name: str(value) for name, value in named_values(words, _texts(known)).items()}
    return {name: understood(known[name], text) if name in known else text for name, text in given.items()}


def _texts(names: Iterable[str]) -> dict[str, object]:
    """A schema by which every value is taken as it was written; what it means is the form's to say."""
    return {"properties": {name: {"type": "string"} for name in names}}
