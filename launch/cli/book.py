"""switchboard book with Dana next Tuesday about …: the same conversation as everywhere (SPEC J2)."""

from typing import Annotated

import typer

from bot.console.app import once
from bot.console.parse import BOOK
from bot.core.reply import Final
from launch.cli.ask import exit_code
from launch.cli.connect import FAILED, Access, Work, asks, connected

Words = Annotated[
    list[str] | None,
    typer.Argument(help="What you know already: with Dana next Tuesday afternoon about ACE training."),
]


def command(app: typer.Typer) -> None:
    @app.command("book", help="Book a meeting: free times, your consent, an invitation.")
    @asks("maya")
    def book(access: Access, words: Words = None) -> Work:
        return said(access, " ".join([BOOK, *(words or ())]))


async def said(access: Access, text: str) -> int:
    """As a person would say it to the default agent; asked back right here where somebody can be asked."""
    async with connected(access) as switchboard:
        return code_of(await once(switchboard, text))


def code_of(final: Final | None) -> int:
    return exit_code(final) if final is not None else FAILED
