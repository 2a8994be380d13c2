"""switchboard demo FOLDER: read a folder, ask it questions through the console channel, print the answers.

The documents go into a personal knowledge base named after the folder, and the questions are asked of that
one only: a second run finds everything unchanged, and nobody else's documents mix with the demo's.
"""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from uuid import UUID

import httpx
import typer
from rich.console import Console
from switchboard_sdk import Switchboard

from bot.console.app import PROMPT, Chat, Terminal
from bot.console.plain import one_line
from bot.core.reply import Trouble
from kit.wire.library import KnowledgeBase
from launch.child import running
from launch.cli.connect import DEFAULT_URL, FAILED, Access, Person, Token, connected, finish
from launch.cli.docs import add_path
from launch.cli.questions import questions_for, questions_in

Folder = Annotated[Path, typer.Argument(exists=True, file_okay=False, help="The folder to read.")]
Asked = Annotated[list[str], typer.Option("--question", help="Ask this (more than once if you like).")]
QuestionFile = Annotated[
    Path | None,
    typer.Option("--questions", exists=True, help="Questions: one a line, or golden.yaml's format."),
]
Address = Annotated[
    str, typer.Option("--url", envvar="SWITCHBOARD_URL", help="A platform that runs; else one is started.")
]
Data = Annotated[Path, typer.Option(help="Where a platform that is started keeps its data.")]


def command(app: typer.Typer) -> None:
    @app.command("demo", help="Read a folder, ask it questions, show the cited answers.")
    def demo(  # noqa: PLR0917 (Typer calls it by name)
        folder: Folder = Path("examples/handbook"),
        question: Asked = [],  # noqa: B006 (Typer copies it)
        questions: QuestionFile = None,
        url: Address = "",
        token: Token = "",
        person: Person = "ada",
        data: Data = Path(".switchboard/demo"),
    ) -> None:
        asked = question or (questions_in(questions) if questions else questions_for(folder))
        finish(_demo(folder.resolve(), asked, Access(url, token, person), data))


async def _demo(folder: Path, questions: list[str], access: Access, data: Path) -> int:
    console = Console()
    async with (
        _platform(access.url, data, console) as url,
        connected(replace(access, url=url)) as switchboard,
    ):
        base = await _base_of(switchboard, folder)
        console.print(f"Reading {folder} into “{one_line(base.name)}”", markup=False, highlight=False)
        await add_path(switchboard, base.id, folder, console)
        print(flush=True)
        return await _ask_all(switchboard, base.id, questions)


@asynccontextmanager
async def _platform(url: str, data: Path, console: Console) -> AsyncGenerator[str]:
    """The platform that was named, else the one that runs here, else one that we start."""
    if url or await _answers(DEFAULT_URL):
        yield url or DEFAULT_URL
        return
    console.print("Starting the platform …", highlight=False)
    async with running(data) as started:
        console.print(f"It was ready after {started.ready_s:.1f} s.", highlight=False)
        yield started.base_url


async def _answers(url: str) -> bool:
    try:
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            return (await client.get(f"{url}/health/ready")).status_code == 200
    except httpx.HTTPError:
        return False


async def _base_of(switchboard: Switchboard, folder: Path) -> KnowledgeBase:
    name = f"Demo: {folder.name}"[:120]
    async for base in switchboard.knowledge_bases.all():
        if base.owner_type == "user" and base.name == name:
            return base
    return await switchboard.knowledge_bases.create(name)


async def _ask_all(switchboard: Switchboard, base_id: UUID, questions: list[str]) -> int:
    terminal, code = Terminal.of(sys.stdout), 0
    for question in questions:
        terminal.write(f"{terminal.style.bold}{PROMPT}{one_line(question)}{terminal.style.reset}\n")
        final = await Chat(switchboard, terminal, (base_id,)).ask(question)
        terminal.write("\n")
        code = FAILED if isinstance(final, Trouble) else code
    return code
