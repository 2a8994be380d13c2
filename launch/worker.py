"""`switchboard worker`: the queue, apart from the api. It stops as politely as it can."""

import asyncio
import signal
from typing import Annotated

import typer

from launch import separate
from launch.platform import separate_ports
from launch.shape import ShapeSettings
from platform_api.worker import build_worker

Concurrency = Annotated[int, typer.Option(min=1, max=64, help="Jobs at the same time.")]


def command(app: typer.Typer) -> None:
    @app.command("worker", help="Work on the queue (apart from the others).")
    def worker(concurrency: Concurrency = 4) -> None:
        separate.begin("worker", run(concurrency))


async def run(concurrency: int) -> None:
    """Until a signal. Raises separate.Missing."""
    shape = ShapeSettings()
    async with separate.stores() as stores, separate.knowledge(shape, searched=False) as knowledge:
        ports = separate_ports(shape, stores, knowledge)
        worker = build_worker(ports, concurrency)
        stopping: set[asyncio.Task[None]] = set()
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(
                signum, lambda: stopping.add(asyncio.ensure_future(worker.stop()))
            )
        try:
            await worker.run()
        finally:
            await ports.preparer.close()
