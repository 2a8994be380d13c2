"""One replica of the platform's broker, as a process of its own that can be killed.

Forked from a process that has imported everything, so that hundreds can be started.
"""

import asyncio
import hashlib
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from kit.errors import SwitchboardError
from kit.sealing import KeyRing
from kit.wire.connections import AskToken
from platform_api.toolbox.connections.broker import Broker
from platform_api.toolbox.connections.settings import ConnectionsSettings
from ports.db import Database
from ports.http import OutboundSettings, system_resolver


def serve(pipe: "Connection[Any, Any]", settings: dict[str, Any]) -> None:
    """Answers each message with `got <sha256 of the token>` or `error <code>`."""
    asyncio.run(_serve(pipe, settings))


async def _serve(pipe: "Connection[Any, Any]", settings: dict[str, Any]) -> None:
    database, clock = Database(settings["database_url"], pool_size=3), SystemClock()
    broker = Broker(
        database,
        KeyRing.parse(settings["keys"]),
        Minter(SigningKey.generate(), "platform", clock),
        clock,
        settings=ConnectionsSettings(public_url="http://127.0.0.1:8000"),
        outbound=OutboundSettings(allowed_hosts=settings["hosts"]),
        resolver=system_resolver,
    )
    asked = AskToken(organisation_id=UUID(settings["organisation_id"]), user_id=UUID(settings["user_id"]))
    while True:
        await asyncio.to_thread(pipe.recv)
        try:
            given = await broker.credentials.of(settings["server"], asked)
            token = given.value.removeprefix("Bearer ")
            pipe.send(f"got {hashlib.sha256(token.encode()).hexdigest()}")
        except SwitchboardError as error:
            pipe.send(f"error {error.code}")
