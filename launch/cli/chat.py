"""switchboard chat"""

import typer

from bot.console import app as console
from launch.cli.ask import Agent
from launch.cli.connect import DEFAULT_URL, Access, Person, Token, Url, connected, finish


def command(app: typer.Typer) -> None:
    @app.command("chat", help="Talk in the terminal: streamed answers, sources as footnotes, history.")
    def chat(agent: Agent = "", url: Url = DEFAULT_URL, token: Token = "", person: Person = "maya") -> None:
        finish(talk(Access(url, token, person), agent or None))


async def talk(access: Access, agent: str | None = None) -> int:
    async with connected(access) as switchboard:
        return await console.run(switchboard, name=(await switchboard.me()).name, agent=agent)
