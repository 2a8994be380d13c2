"""Tokens are renewed in time, once, and what cannot be told is told to the person."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from sqlalchemy import select, update

from platform_api.toolbox.connections.credentials import Credentials
from platform_api.toolbox.connections.models import ConnectionRow
from platform_api.toolbox.connections.refreshing import digest
from tests.dumps import rows_of
from tests.platform_api.toolbox.connections.conftest import SERVER, World


async def connected(world: World) -> str:
    """The first token."""
    await world.sign_in(client_id="sb")
    await world.connect()
    return (await world.token()).json()["value"].removeprefix("Bearer ")


async def row(world: World) -> ConnectionRow:
    async with world.ports.database.begin() as session:
        return (await session.scalars(select(ConnectionRow))).one()


async def change(world: World, **values: Any) -> None:
    async with world.ports.database.begin() as session:
        await session.execute(update(ConnectionRow).values(**values))


def refreshes(world: World) -> list[str]:
    return [form["refresh_token"] for form in world.issuer.seen if form["grant_type"] == "refresh_token"]


@pytest.mark.proves("GOV-603")
async def test_many_at_once_renew_it_once(world: World) -> None:
    first = await connected(world)
    world.clock.move(hours=2)
    answers = await asyncio.gather(*(world.token() for _ in range(12)))
    given = {answer.json()["value"] for answer in answers}
    assert len(given) == 1
    assert given != {f"Bearer {first}"}
    assert len(refreshes(world)) == 1


@pytest.mark.proves("GOV-603")
async def test_it_is_renewed_before_it_expires_while_the_old_one_is_used(world: World) -> None:
    first = await connected(world)
    world.clock.move(minutes=58)
    assert (await world.token()).json()["value"] == f"Bearer {first}"
    await world.app.state.provided[Credentials].stop()
    assert len(refreshes(world)) == 1
    assert (await world.token()).json()["value"] != f"Bearer {first}"


@pytest.mark.proves("GOV-605")
async def test_one_that_the_server_refuses_is_renewed_once_then_the_person_is_asked(world: World) -> None:
    first = await connected(world)
    world.clock.move(minutes=5)
    second = (await world.token(rejected=digest(SecretStr(first)))).json()["value"].removeprefix("Bearer ")
    assert second != first
    again = await world.token(rejected=digest(SecretStr(first)))
    assert again.json()["value"] == f"Bearer {second}", "who comes late gets what is there"
    refused = await world.token(rejected=digest(SecretStr(second)))
    assert refused.json()["code"] == "connect_account"
    assert len(refreshes(world)) == 1


@pytest.mark.proves("GOV-603")
async def test_revoked_there_means_to_connect_again(world: World) -> None:
    await connected(world)
    world.issuer.families[0].revoked = True
    world.clock.move(hours=2)
    assert (await world.token()).json()["code"] == "connect_account"
    mine = (await world.people.maya.get("/api/v1/connections")).json()["items"][0]
    assert mine["state"] == "reconnect"
    assert "revoked" in mine["problem"]
    await world.connect()
    assert (await world.token()).status_code == 200


@pytest.mark.proves("GOV-603")
@pytest.mark.parametrize("how", ["500", "garbage"])
async def test_an_answer_that_cannot_be_read_is_never_asked_for_again(world: World, how: str) -> None:
    """The server may have used the token up; a second use would revoke all."""
    await connected(world)
    world.clock.move(hours=2)
    world.issuer.fails = [how]
    told = await world.token()
    assert told.json()["code"] == "connect_account"
    assert (await row(world)).problem == "uncertain"
    await world.token()
    assert len(refreshes(world)) == 1
    assert world.issuer.reuses == 0


@pytest.mark.proves("GOV-603")
async def test_while_the_token_in_use_is_good_a_broken_off_renewal_harms_nobody(world: World) -> None:
    first = await connected(world)
    world.clock.move(minutes=58)
    world.issuer.fails = ["500"]
    await world.token()
    await world.app.state.provided[Credentials].stop()
    assert (await row(world)).state == "reconnect"
    assert (await world.token()).json()["value"] == f"Bearer {first}"


@pytest.mark.proves("GOV-603")
async def test_a_server_that_keeps_its_refresh_token_is_asked_again(world: World) -> None:
    world.issuer.rotates = False
    await connected(world)
    world.clock.move(hours=2)
    assert (await world.token()).status_code == 200
    world.clock.move(hours=2)
    world.issuer.fails = ["500"]
    assert (await world.token()).status_code == 503
    assert (await world.token()).status_code == 200
    assert len(set(refreshes(world))) == 1


@pytest.mark.proves("GOV-603")
async def test_where_it_cannot_be_reached_nothing_is_lost(world: World) -> None:
    await connected(world)
    world.clock.move(hours=2)
    sign_in = world.issuer.url
    world.issuer.overrides["token_endpoint"] = "http://127.0.0.1:1/token"
    await world.sign_in(client_id="sb")
    told = await world.token()
    assert told.status_code == 503
    assert told.json()["code"] == "authorization_server_down"
    assert (await row(world)).phase == "idle"
    del world.issuer.overrides["token_endpoint"]
    await world.sign_in(client_id="sb")
    assert (await world.token()).status_code == 200
    assert sign_in


@pytest.mark.proves("GOV-603")
async def test_an_error_of_our_client_does_not_disconnect_the_person(world: World) -> None:
    await connected(world)
    world.clock.move(hours=2)
    world.issuer.fails = ["invalid_client"]
    assert (await world.token()).status_code == 502
    assert (await world.token()).status_code == 200


@pytest.mark.proves("GOV-603")
async def test_a_claim_that_lapsed_is_taken_over_one_that_was_sent_never(world: World) -> None:
    await connected(world)
    world.clock.move(hours=2)
    past = world.clock.now() - timedelta(days=1)
    await change(world, phase="claimed", claim=uuid4(), claimed_until=past)
    assert (await world.token()).status_code == 200
    world.clock.move(hours=2)
    await change(world, phase="sent", claim=uuid4(), claimed_until=past)
    assert (await world.token()).json()["code"] == "connect_account"
    assert len(refreshes(world)) == 1


@pytest.mark.proves("GOV-604")
async def test_every_opening_is_on_record_and_a_token_is_nowhere_else(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    # the test's own browser logs the addresses that it opens
    caplog.set_level("WARNING", "httpx")
    secret = "a-client-secret-for-the-search"
    await world.sign_in(client_id="sb", client_secret=secret)
    await world.connect()
    world.clock.move(hours=2)
    await world.token()
    world.issuer.fails = ["500"]
    world.clock.move(hours=2)
    await world.token()
    await world.connect()
    pages = [
        (await world.people.maya.get("/api/v1/connections")).text,
        (await world.people.ada.get(f"/api/v1/mcp-servers/{SERVER}/sign-in")).text,
        (await world.people.ada.get(f"/api/v1/mcp-servers/{SERVER}/connections")).text,
    ]
    printed = capsys.readouterr()
    everything = "\n".join(
        [*pages, caplog.text, printed.out, printed.err, await rows_of(world.ports.database)]
    )
    secrets = {token for family in world.issuer.families for token in family.access | family.used}
    secrets |= {family.refresh for family in world.issuer.families} | {secret}
    secrets |= {
        form[name] for form in world.issuer.seen for name in ("code", "code_verifier") if name in form
    }
    assert len(secrets) > 6
    assert [one for one in secrets if one in everything] == []
    assert "credential.opened" in everything
    async with world.ports.database.begin() as session:
        found = await session.connection()
        opened = await found.exec_driver_sql(
            "SELECT data->>'what', data->>'why' FROM audit_records WHERE type = 'credential.opened'"
        )
        assert {tuple(one) for one in opened} >= {("access", "call"), ("refresh", "refresh")}
