"""The same product as separate processes, which share nothing but stores and addresses (SPEC 2)."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from switchboard_sdk import Switchboard
from switchboard_sdk.folders import FolderUpload, files_in, rules_of

from kit.clock import SystemClock
from kit.wire.account import CreateApiKey
from kit.wire.events import TurnCompleted
from launch.child import free_port
from platform_api.identity import Identity
from platform_api.identity.dev_people import DEV_PEOPLE, ensure_dev_people
from ports.db import Database
from tests.e2e.conftest import HANDBOOK

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]
COMMAND = (sys.executable, "-m", "launch")


@asynccontextmanager
async def process(*arguments: str, settings: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    started = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, env={**os.environ, **settings}, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.terminate()
        await asyncio.wait_for(started.wait(), 30)


async def answers(url: str) -> None:
    async with asyncio.timeout(120), httpx.AsyncClient(timeout=2, trust_env=False) as client:
        while True:
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)


async def exists(path: Path) -> None:
    async with asyncio.timeout(60):
        while not path.exists():
            await asyncio.sleep(0.05)


async def key_of_ada(database: Database) -> str:
    """Apart there is no dev sign-in: a key of the admin, made as `/api/v1/api-keys` makes it."""
    await ensure_dev_people(database)
    identity = Identity(database, SystemClock())
    ada = (await identity.person(DEV_PEOPLE["ada"].id)).principal
    async with database.begin() as session:
        return (await identity.create_api_key(session, ada, CreateApiKey(name="test"))).key


@pytest.mark.proves("PATH-006", "GOV-705")
async def test_api_worker_gateway_tool_and_index_work_together(
    database_url: str, database: Database, redis_url: str, tmp_path: Path
) -> None:
    api, gateway, docs = free_port(), free_port(), free_port()
    settings = {
        "SWITCHBOARD_DB__URL": database_url,
        "SWITCHBOARD_REDIS__URL": redis_url,
        "SWITCHBOARD_SHAPE__PLATFORM_URL": f"http://127.0.0.1:{api}",
        "SWITCHBOARD_SHAPE__GATEWAY_URL": f"http://127.0.0.1:{gateway}",
        "SWITCHBOARD_SHAPE__DOCS_URL": f"http://127.0.0.1:{docs}/mcp",
        "SWITCHBOARD_SHAPE__KEYS_FOLDER": str(tmp_path / "keys"),
        "SWITCHBOARD_SHAPE__BLOBS_FOLDER": str(tmp_path / "blobs"),
        "SWITCHBOARD_SHAPE__SPOOL_FOLDER": str(tmp_path / "spool"),
        "SWITCHBOARD_SHAPE__INDEX_SOCKET": str(tmp_path / "index.sock"),
    }
    index = ("index", "--folder", str(tmp_path / "index"), "--socket", str(tmp_path / "index.sock"))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(process(*index, settings=settings))
        await exists(tmp_path / "index.sock")
        await stack.enter_async_context(process("api", "--port", str(api), settings=settings))
        await answers(f"http://127.0.0.1:{api}/health/ready")
        for arguments in (
            ("worker",),
            ("tool", "docs", "--port", str(docs)),
            ("gateway", "--port", str(gateway)),
        ):
            await stack.enter_async_context(process(*arguments, settings=settings))
        await answers(f"http://127.0.0.1:{gateway}/health/ready")
        key = await key_of_ada(database)
        ada = await stack.enter_async_context(Switchboard(f"http://127.0.0.1:{api}", key))
        base = [one async for one in ada.knowledge_bases.all() if one.owner_type == "org"][0]
        upload = FolderUpload(ada, base.id, lambda _: None)
        results = await upload.run(files_in(HANDBOOK / "company"), rules_of(HANDBOOK / "company"))
        answer = await ada.chat("How many days of annual leave do full-time staff earn a year?")
        # and the docs server once more, alone, for one client and its person
        words = [*COMMAND[1:], "tool", "docs", "--stdio"]
        environment = {**os.environ, **settings, "SWITCHBOARD_TOKEN": key}
        started = StdioServerParameters(command=COMMAND[0], args=words, env=environment)
        async with Client(stdio_client(started)) as alone:
            found: Any = await alone.call_tool("docs.search", {"query": "How many days of annual leave?"})

    assert {result.status for result in results} == {"ready"}
    assert isinstance(answer, TurnCompleted)
    assert answer.outcome == "answered"
    assert "20 days" in answer.text
    assert found.structured_content["chunks"]


@pytest.mark.proves("PATH-006")
@pytest.mark.parametrize("verb", [("api",), ("worker",), ("gateway",), ("tool", "docs")])
async def test_a_process_that_lacks_an_address_says_which(verb: tuple[str, ...]) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("SWITCHBOARD_")}
    started = await asyncio.create_subprocess_exec(
        *COMMAND, *verb, env=bare, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    _, said = await asyncio.wait_for(started.communicate(), 60)
    assert started.returncode == 2
    assert b"SWITCHBOARD_" in said
    assert b"switchboard up" in said
