"""One replica of the platform's broker, as a process of its own that can be killed.

Reads lines on stdin: `ask` (with the token to report as refused) → answers `got <sha256 of the token>` or
`error <code>`. Started by test_refreshing with the settings as JSON in the first line.
"""

import asyncio
import hashlib
import json
import sys
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


async def main() -> None:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    settings: dict[str, Any] = json.loads(await lines.readline())
    database, clock = Database(settings["database_url"], pool_size=3), SystemClock()
    broker = Broker(
        database,
        KeyRing.parse(settings["keys"]),
        Minter(SigningKey.generate(), "platform", clock),
        clock,
        settings=ConnectionsSettings(
            public_url="http://127.0.0.1:8000",
            refresh_apart=settings["apart"],
            answer_within_s=settings["within_s"],
        ),
        outbound=OutboundSettings(allowed_hosts=settings["hosts"]),
        resolver=system_resolver,
    )
    print("ready", flush=True)
    while line := (await lines.readline()).decode().strip():
        rejected = line.partition(" ")[2]
        ask = AskToken(
            organisation_id=UUID(settings["organisation_id"]),
            user_id=UUID(settings["user_id"]),
            rejected=rejected or None,
        )
        try:
            given = await broker.credentials.of(settings["server"], ask)
            token = given.value.removeprefix("Bearer ")
            print("got", hashlib.sha256(token.encode()).hexdigest(), flush=True)
        except SwitchboardError as error:
            print("error", error.code, flush=True)


if __name__ == "__main__":
    asyncio.run(main())
