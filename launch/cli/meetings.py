"""switchboard meetings: what is booked for me; cancel and move ask before they do it."""

from typing import Annotated

import typer

from bot.console.parse import MEETINGS
from launch.cli.book import said
from launch.cli.connect import Access, Work, asks

Which = Annotated[
    list[str] | None,
    typer.Argument(help="Which one, in your words: on Friday, with Dana. None: the only one."),
]
To = Annotated[str, typer.Option("--to", help="When instead: 'next Monday at 9'.")]


def command(app: typer.Typer) -> None:
    verbs = typer.Typer(name="meetings", no_args_is_help=True, help="Meetings that you have booked.")
    app.add_typer(verbs)

    @verbs.command("list", help="Show them.")
    @asks("maya")
    def listed(access: Access) -> Work:
        return said(access, MEETINGS)

    @verbs.command("cancel", help="Cancel one: it says which, and asks first.")
    @asks("maya")
    def cancel(access: Access, which: Which = None) -> Work:
        return said(access, " ".join(["Cancel my meeting", *(which or ())]))

    @verbs.command("move", help="Move one to another time.")
    @asks("maya")
    def move(access: Access, which: Which = None, *, to: To = "") -> Work:
        when = ("to", to) if to else ()
        return said(access, " ".join(["Reschedule my meeting", *(which or ()), *when]))
