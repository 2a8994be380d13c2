"""A new key for everything that the vault seals, in whichever domain (SPEC 13)."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from sqlalchemy import text, update

from kit.sealing import KeyRing, new_key
from kit.wire.tools import ToolOutcome
from platform_api import audit
from platform_api.app import build_app
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID
from platform_api.migrations import resealing
from platform_api.migrations.resealing import reseal
from platform_api.migrations.tables import SEALED
from platform_api.toolbox.connections.models import ConnectionRow
from ports.db import Database
from tests.platform_api.bots import Bot
from tests.platform_api.interactions.asks import FILLED, Heard
from tests.platform_api.interactions.conftest import desk_of
from tests.platform_api.leads.test_leads import LEADS, reported
from tests.platform_api.people import People
from tests.platform_api.toolbox.connections.conftest import SECRET, SERVER, World
from tests.platform_api.work import Work

STATE = "/api/v1/channels/slack/state/install/T1"
TOKEN = {"value": {"bot_token": "xoxb-very-secret"}}


async def something_of_everything(world: World, app: FastAPI, people: People, client: AsyncClient) -> Any:
    """An account, a question that was answered, an installation, a lead; whose ids are given back."""
    await Work(world.ports).run("lead.manual", reported())
    await world.sign_in(client_id="sb", client_secret=SECRET)
    await world.connect()
    bot = await Bot.of(people, client)
    assert (await bot.ask("PUT", STATE, TOKEN)).status_code == 200
    desk, heard = desk_of(app, people), Heard()
    desk.interactions.hears(heard)
    asked = [await desk.ask(await desk.principal(DEV_PEOPLE["maya"].id)) for _ in range(2)]
    for one, fails in zip(asked, (0, 99), strict=True):
        # the second one is still to be gone on with
        heard.fail = fails
        path = f"/api/v1/interactions/{one.id}/respond"
        answer = await people.maya.post(path, json={"action": "accept", "content": FILLED})
        assert answer.status_code == 202, answer.text
    outcome = ToolOutcome(is_error=False, content=[{"type": "text", "text": "booked"}])
    await desk.interactions.finish(asked[0].id, outcome)
    return bot, asked[0].id


async def still_opens(world: World, ring: KeyRing, bot: Bot, interaction_id: Any) -> None:
    """With this ring and no other."""
    app = build_app(replace(world.ports, vault=ring))
    transport = ASGITransport(app)
    headers = {"authorization": world.people.maya.headers["authorization"]}
    gateway = {"authorization": world.gateway.headers["authorization"]}
    async with AsyncClient(transport=transport, base_url="http://platform") as client:
        again = Bot(client, bot.key)
        assert (await again.ask("GET", STATE)).json()["value"] == TOKEN["value"]
        shown = (await client.get(f"/api/v1/interactions/{interaction_id}", headers=headers)).json()
        assert shown["forms"][0]["message"] == "Please fill this in."
        assert shown["result"]["content"][0]["text"] == "booked"
        ask = {"organisation_id": str(ORGANISATION_ID), "user_id": str(DEV_PEOPLE["maya"].id)}
        given = await client.post(f"/internal/v1/connections/{SERVER}/token", json=ask, headers=gateway)
        assert given.status_code == 200, given.text
        ada = {"authorization": world.people.ada.headers["authorization"]}
        (lead,) = (await client.get(LEADS, headers=ada)).json()["items"]
        assert lead["lead"]["first_name"] == "Gary"


async def sealed_places(database: Database) -> set[tuple[str, str]]:
    """(table, column) of all texts that look sealed."""
    found: set[tuple[str, str]] = set()
    async with database.begin() as session:
        columns = await session.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
                " AND data_type IN ('text', 'character varying', 'jsonb', 'ARRAY', 'bytea')"
            )
        )
        for table, column in columns.all():
            seen = await session.scalar(
                text(f"""SELECT count(*) FROM "{table}" WHERE "{column}"::text ~ 's1\\.[A-Za-z0-9_-]+\\.'""")
            )
            if seen:
                found.add((table, column))
    return found


@pytest.mark.proves("GOV-607")
@pytest.mark.parametrize("whole", [True])
async def test_a_new_key_seals_everything_again_while_it_is_in_use(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot, interaction_id = await something_of_everything(world, world.app, world.people, world.browser)
    database, old = world.ports.database, world.ports.vault
    assert old is not None
    places = {(column.table, column.name) for column in SEALED}
    assert await sealed_places(database) == places, "every sealed column is known, and none is known in vain"

    fresh = new_key()
    both = KeyRing.parse(f"{fresh},{old.handed_over()}")
    await a_run_that_breaks_off(database, both, monkeypatch)
    done = await reseal(database, both)
    assert 0 < done.resealed < done.by_key.total()
    assert (done.unreadable, set(done.by_key)) == (0, {both.current})
    assert done.unused(both) == [old.current]
    assert (await reseal(database, both)).resealed == 0
    await still_opens(world, KeyRing.parse(fresh), bot, interaction_id)
    async with database.begin() as session:
        told = await session.execute(
            text(
                "SELECT data->>'table', sum((data->>'texts')::int) FROM audit_records"
                " WHERE type = 'vault.resealed' GROUP BY 1"
            )
        )
        counted = {str(table): int(texts) for table, texts in told.all()}
    assert set(counted) == {table for table, _ in places}
    assert sum(counted.values()) == done.by_key.total()

    async with database.begin() as session:
        await session.execute(update(ConnectionRow).values(access_sealed="s1.gone.AAAA"))
    lost = await reseal(database, both)
    assert (lost.resealed, lost.unreadable, lost.by_key["gone"]) == (0, 1, 1)


async def a_run_that_breaks_off(database: Database, ring: KeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its second batch: what the first one did stays, of the second nothing."""
    record, batches = audit.record, 0

    async def breaks(*told: Any) -> None:
        nonlocal batches
        batches += 1
        if batches == 2:
            raise ConnectionError("killed")
        await record(*told)

    with monkeypatch.context() as patched:
        patched.setattr(resealing, "BATCH", 1)
        patched.setattr(audit, "record", breaks)
        with pytest.raises(ConnectionError):
            await reseal(database, ring)
    async with database.begin() as session:
        counts = [await resealing.keys_of(session, column) for column in SEALED]
    assert sum(count.get(ring.current, 0) for count in counts) == 1


@pytest.mark.proves("GOV-607")
async def test_a_key_that_is_still_needed_is_not_given_up(world: World) -> None:
    await world.sign_in(client_id="sb", client_secret=SECRET)
    old = world.ports.vault
    assert old is not None
    ring = KeyRing.parse(f"{new_key()},{old.handed_over()}")
    async with world.ports.database.begin() as session:
        # moved to another row, so that it opens no more, but says which key it was
        await session.execute(text("UPDATE server_sign_ins SET server = 'another'"))
    done = await reseal(world.ports.database, ring)
    assert (done.unreadable, done.unused(ring)) == (1, [])


@pytest.mark.proves("GOV-607")
def test_a_domain_that_seals_says_which_columns() -> None:
    """What seals is found in the source; whether each of its columns is known, the test above sees."""
    root = Path(resealing.__file__).parents[1]
    seals = {
        path.parent
        for path in root.rglob("*.py")
        if re.search(r"\.seal\(", path.read_text()) and path.parent.name != "migrations"
    }
    known = {Path(*column.model.__module__.split(".")).parent for column in SEALED}
    assert {path.relative_to(root.parent) for path in seals} <= known
    assert len(seals) >= 3
