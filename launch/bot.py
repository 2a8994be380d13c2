"""`switchboard bot CHANNEL`: one channel. The terminal is a channel like the others."""

from typing import Annotated, Literal

import typer

from launch.cli.chat import talk
from launch.cli.connect import DEFAULT_URL, Access, Person, Token, Url, finish

Channel = Annotated[Literal["console"], typer.Argument(help="Which one.")]


def command(app: typer.Typer) -> None:
    @app.command("bot", help="Run one channel: console.")
    def bot(channel: Channel, url: Url = DEFAULT_URL, token: Token = "", person: Person = "maya") -> None:
        finish({"console": talk}[channel](Access(url, token, person)))
