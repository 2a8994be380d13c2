"""`switchboard api`: the REST API, apart from worker, gateway and tool servers."""

import typer

from launch import separate
from launch.platform import separate_ports
from launch.shape import ShapeSettings
from platform_api.app import build_app


def command(app: typer.Typer) -> None:
    @app.command("api", help="Serve the REST API (apart from the others).")
    def api(host: separate.Host = "127.0.0.1", port: separate.Port = 8000) -> None:
        separate.begin("api", run(host, port))


async def run(host: str, port: int) -> None:
    """Until a signal. Raises separate.Missing."""
    shape = ShapeSettings()
    async with separate.stores() as stores, separate.knowledge(shape) as knowledge:
        await separate.serve(build_app(separate_ports(shape, stores, knowledge)), host, port)
