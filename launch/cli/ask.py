"""switchboard ask "How many days of leave do I get?" """

import sys
from typing import Annotated

import typer
from switchboard_sdk import Switchboard

from bot.console.app import Chat, Terminal
from bot.core.reply import Answer, Final, Question
from launch.cli.connect import FAILED, NO_ANSWER, Access, Work, asks, connected

ASKED = 4
"""The exit code where a tool asks first: `switchboard answer` goes on."""
Agent = Annotated[str, typer.Option("--agent", help="Which agent answers; none: the default one.")]
Json = Annotated[bool, typer.Option("--json", help="Print turn.completed as JSON instead of text.")]
Words = Annotated[list[str], typer.Argument(help="The question; '-' reads it from the standard input.")]


def command(app: typer.Typer) -> None:
    @app.command("ask", help="Ask one question and show the cited answer.")
    @asks("maya")
    def ask(access: Access, question: Words, *, json: Json = False, agent: Agent = "") -> Work:
        text = sys.stdin.read() if question == ["-"] else " ".join(question)
        return _ask(text.strip(), json, agent or None, access)


async def _ask(text: str, as_json: bool, agent: str | None, access: Access) -> int:
    async with connected(access) as switchboard:
        if as_json:
            return await _ask_as_json(switchboard, text, agent)
        return exit_code(await Chat(switchboard, Terminal.of(sys.stdout), agent=agent).ask(text))


async def _ask_as_json(switchboard: Switchboard, text: str, agent: str | None) -> int:
    turn = await switchboard.chat(text, agent=agent)
    print(turn.model_dump_json(exclude_none=True, indent=2))
    if turn.type == "interaction.requested":
        return ASKED
    answered = turn.type == "turn.completed" and turn.outcome in ("answered", "degraded")
    return 0 if answered else NO_ANSWER


def exit_code(final: Final) -> int:
    if isinstance(final, Answer):
        return 0 if final.outcome in ("answered", "degraded") else NO_ANSWER
    return ASKED if isinstance(final, Question) else FAILED
