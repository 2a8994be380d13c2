"""switchboard contact doubtful | resend ID | settle ID: letters of which nobody can tell whether they were
sent. For whoever runs the deployment: over the contact server's own database, like `switchboard keys`."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated
from uuid import UUID

import typer

from bot.console.plain import one_line
from kit.clock import SystemClock
from kit.errors import SwitchboardError
from ports.db import Database, DatabaseSettings
from tools.servers.contact.building import open_doubts
from tools.servers.contact.effects.doubts import Doubt, Doubts
from tools.servers.contact.settings import ContactSettings

Letter = Annotated[
    UUID, typer.Argument(help="The letter, as `contact doubtful` names it.", show_default=False)
]


def command(app: typer.Typer) -> None:
    contact = typer.Typer(
        no_args_is_help=True, help="Letters of which nobody can tell whether they were sent."
    )

    @contact.command("doubtful", help="List them, the oldest first.")
    def doubtful() -> None:
        _run(_list)

    @contact.command("resend", help="It did not arrive: send it once more.")
    def resend(letter: Letter) -> None:
        async def work(doubts: Doubts) -> None:
            await doubts.resend(letter)
            print("It is sent once more, by the contact server.")

        _run(work)

    @contact.command("settle", help="It did arrive: the person is told so.")
    def settle(letter: Letter) -> None:
        async def work(doubts: Doubts) -> None:
            await doubts.settle(letter)
            print("settled")

        _run(work)

    app.add_typer(contact, name="contact")


async def _list(doubts: Doubts) -> None:
    found = await doubts.listed()
    for one in found:
        print(_line(one))
    if not found:
        print("There is none.")


def _line(doubt: Doubt) -> str:
    booking = f"booking {doubt.booking_id}" if doubt.booking_id else "a single letter"
    to = ", ".join(one_line(address) for address in doubt.to)
    return f"{doubt.id}  {booking}  to {to}  since {doubt.since:%Y-%m-%d %H:%M} UTC  {one_line(doubt.why)}"


def _run(work: Callable[[Doubts], Awaitable[None]]) -> None:
    url = DatabaseSettings().url
    if not url:
        print("SWITCHBOARD_DB__URL is not set: give the address of the contact server's Postgres.")
        raise typer.Exit(2)
    try:
        asyncio.run(_over(url, work))
    except SwitchboardError as error:
        print(f"{error.detail} {error.hint or ''}".strip())
        raise typer.Exit(1) from None


async def _over(url: str, work: Callable[[Doubts], Awaitable[None]]) -> None:
    database = Database(url, pool_size=2)
    try:
        await work(open_doubts(ContactSettings(), database, SystemClock()))
    finally:
        await database.close()
