"""switchboard chat"""

import typer

from bot.console import app as console
from launch.cli.ask import Agent
from launch.cli.connect import Access, Work, asks, connected


def command(app: typer.Typer) -> None:
    @app.command("chat", help="Talk in the terminal: streamed answers, sources as footnotes, history.")
    @asks("maya")
    def chat(access: Access, agent: Agent = "") -> Work:
        return talk(access, agent or None)


async def talk(access: Access, agent: str | None = None) -> int:
    async with connected(access) as switchboard:
        return await console.run(switchboard, name=(await switchboard.me()).name, agent=agent)
