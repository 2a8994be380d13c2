"""`switchboard index`: the embedded index in a process of its own, for several processes (SPEC 2)."""

import asyncio
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer

from knowledge.embed import EmbedSettings, wanted
from knowledge.index import IndexInUse
from knowledge.index.edge_generations import open_generations
from knowledge.index.following import FollowingIndex
from knowledge.index.serving import serving
from launch.shape import DEFAULT_DATA

Folder = Annotated[Path, typer.Option(help="The folder of the index.")]
Socket = Annotated[Path, typer.Option(help="Where to answer: set it as SWITCHBOARD_SHAPE__INDEX_SOCKET.")]


def command(app: typer.Typer) -> None:
    @app.command("index", help="Own the embedded index for several processes here.")
    def index(folder: Folder = DEFAULT_DATA / "index", socket: Socket = DEFAULT_DATA / "index.sock") -> None:
        try:
            run(folder.absolute(), socket.absolute())
        except IndexInUse as error:
            print(f"{error.detail} {error.hint}", file=sys.stderr)
            raise typer.Exit(1) from None


def run(folder: Path, socket: Path) -> None:
    """Own the index in `folder` and answer on `socket` until SIGTERM or SIGINT. Raises IndexInUse."""
    asyncio.run(_run(folder, socket))


async def _run(folder: Path, socket: Path) -> None:
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    generations = open_generations(folder, wanted(EmbedSettings()))
    try:
        async with serving(FollowingIndex(generations), socket, generations):
            print(f"index ready on {socket}", flush=True)
            await stop.wait()
    finally:
        await generations.close()
