"""A tool that is not what was approved any more: who may decide hears of it where they are (SPEC 9)."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient
from sqlalchemy import update

from kit.wire.mcp import definition_hash
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID
from platform_api.identity.models import UserRow
from platform_api.toolbox.models import RegisteredToolRow, SeenToolRow, ToolServerRow
from platform_api.toolbox.registry import seed_registry
from ports.db import Database
from tests.platform_api.bots import Bot
from tests.platform_api.people import People
from tests.platform_api.toolbox.test_governance import release
from tests.platform_api.work import Work

ADA, MAYA = "slack:T1/U-ada", "slack:T1/U-maya"
CHANGED: dict[str, Any] = {"name": "docs.search", "description": "Something else.", "inputSchema": {}}


@pytest.fixture
async def bot(people: People, anyone: AsyncClient) -> Bot:
    bot = await Bot.of(people, anyone)
    await linked(bot, people.ada, ADA)
    await linked(bot, people.maya, MAYA)
    return bot


async def linked(bot: Bot, person: AsyncClient, identity: str) -> None:
    code = (await bot.ask("POST", "/api/v1/links", {"identity": identity})).json()["code"]
    await person.post("/api/v1/links/confirm", json={"code": code, "identity": identity})


async def drift(
    database: Database, organisation_id: UUID | None, definition: dict[str, Any], days: int = 0
) -> UUID:
    """The server of the release, or one of an organisation's own, lists this; the tool's id."""
    await seed_registry(database, release(), {"docs": "inproc:docs"})
    heard = datetime.now(UTC) - timedelta(days=days)
    async with database.begin() as session:
        await session.execute(update(ToolServerRow).values(organisation_id=organisation_id))
        changed = update(RegisteredToolRow).values(drifted=True, drift_heard_at=heard)
        tool_id, server_id = (
            await session.execute(changed.returning(RegisteredToolRow.id, RegisteredToolRow.server_id))
        ).one()
        await session.merge(
            SeenToolRow(
                id=tool_id,
                server_id=server_id,
                name="docs.search",
                definition=definition,
                definition_hash=definition_hash(definition),
            )
        )
    return tool_id


async def told(bot: Bot, worker: Work) -> list[tuple[str, dict[str, Any]]]:
    for _ in range(2):
        await worker.run("account.tell", {})
    claimed = await bot.ask("POST", "/api/v1/deliveries/claim", {"channel": "slack"})
    found = [one for one in claimed.json()["items"] if one["kind"] == "tool.quarantined"]
    return [(one["to"], one["payload"]) for one in found]


@pytest.mark.proves("CHANNEL-010")
async def test_who_may_decide_about_tools_is_told_once_of_each_change_and_nobody_else(
    people: People, database: Database, bot: Bot, worker: Work
) -> None:
    tool_id = await drift(database, None, CHANGED)
    payload = {"tool": "docs.search", "tool_id": str(tool_id), "server": "docs"}
    assert await told(bot, worker) == [(ADA, payload)]
    assert await told(bot, worker) == []
    await drift(database, None, CHANGED | {"description": "Something else again."})
    assert await told(bot, worker) == [(ADA, payload)]


@pytest.mark.proves("CHANNEL-010")
async def test_the_single_permission_is_enough_and_who_has_left_is_not_told(
    people: People, database: Database, bot: Bot, worker: Work
) -> None:
    ada, maya = DEV_PEOPLE["ada"].id, DEV_PEOPLE["maya"].id
    async with database.begin() as session:
        await session.execute(update(UserRow).where(UserRow.id == ada).values(disabled_at=datetime.now(UTC)))
        granted = update(UserRow).where(UserRow.id == maya).values(permissions=["manage_tools"])
        await session.execute(granted)
    await drift(database, ORGANISATION_ID, CHANGED)
    assert [to for to, _ in await told(bot, worker)] == [MAYA]


@pytest.mark.proves("CHANNEL-010")
async def test_another_organisations_servers_are_nobodys_business_here(
    people: People, database: Database, bot: Bot, worker: Work
) -> None:
    await drift(database, await people.add_organisation(), CHANGED)
    assert await told(bot, worker) == []


async def test_what_was_told_long_ago_is_not_told_every_time(
    people: People, database: Database, bot: Bot, worker: Work
) -> None:
    await drift(database, None, CHANGED | {"description": str(uuid4())}, days=10)
    assert await told(bot, worker) == []
