"""`switchboard tool NAME`: one tool server, apart from the gateway."""

from typing import Annotated, Literal, cast

import typer

from access.grants import GrantStore
from kit.clock import SystemClock
from launch import contact, separate, tool_stdio
from launch.parts import remembering
from launch.shape import ShapeSettings
from ports.redis import CacheDoor, RedisSettings, connect
from tools.servers.docs.server import build_docs_server

Name = Annotated[Literal["docs", "contact"], typer.Argument(help="Which one.")]
Stdio = Annotated[
    bool, typer.Option("--stdio", help="For one client, as the person of the API key in SWITCHBOARD_TOKEN.")
]


def command(app: typer.Typer) -> None:
    @app.command("tool", help="Serve one tool server: docs, contact.")
    def tool(
        name: Name, stdio: Stdio = False, host: separate.Host = "127.0.0.1", port: separate.Port = 8010
    ) -> None:
        separate.begin(f"tool-{name}", tool_stdio.run(name) if stdio else _RUN[name](host, port))


async def run_docs(host: str, port: int) -> None:
    """The docs server reads the index and Redis only. Until a signal. Raises separate.Missing."""
    shape = ShapeSettings()
    trusted = separate.keys(shape).trusted
    redis = connect(separate.needed(RedisSettings().url, "REDIS__URL", "the address of Redis"))
    try:
        async with separate.knowledge(shape) as found:
            door, grants = CacheDoor(redis), cast(GrantStore, redis)
            knowledge = remembering(found, door)
            app = build_docs_server(
                knowledge.search, knowledge.index, trusted, grants, SystemClock(), door=door
            )
            await separate.serve(app, host, port)
    finally:
        await redis.aclose()


_RUN = {"docs": run_docs, "contact": contact.run}
