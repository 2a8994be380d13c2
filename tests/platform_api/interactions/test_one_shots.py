"""Permissions that count once, asked for and used by the gateway (SPEC 3b)."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient

from access.principal import Principal
from access.tokens import Minter, SigningKey, claims_of
from kit.clock import SystemClock
from kit.wire.interactions import ConsumeOneShot, OpenOneShot, Respond
from ports.db import Database
from tests.clocks import MovedClock
from tests.platform_api.interactions.replica import Replica, a_person, an_organisation
from tests.platform_api.people import People
from tools.gateway.platform import GATEWAY

Told = tuple[bool, str]


class Doors:
    """Two replicas, and the person whose calls the gateway asks about."""

    def __init__(self, replicas: tuple[Replica, Replica], person: Principal, clock: MovedClock) -> None:
        self.replicas = replicas
        self.person = person
        self.clock = clock

    async def ask(self, **changes: Any) -> UUID:
        fields: dict[str, Any] = {"claims": claims(self.person), "tool": "files.delete", "digest": "d"}
        here = self.replicas[0]
        async with here.database.begin() as session:
            return (await here.one_shots.open(session, OpenOneShot(**fields | changes))).id

    async def use(self, one: UUID, replica: int = 1, **changes: Any) -> Told:
        fields: dict[str, Any] = {"claims": claims(self.person), "digest": "d"}
        here = self.replicas[replica]
        async with here.database.begin() as session:
            told = await here.one_shots.consume(session, one, ConsumeOneShot(**fields | changes))
        return told.consumed, told.action

    async def answer(self, one: UUID, action: Any = "accept", by: Principal | None = None) -> None:
        await self.replicas[0].interactions.respond(by or self.person, one, Respond(action=action))


@pytest.fixture
async def doors(database: Database, database_url: str) -> Any:
    clock = MovedClock()
    other = Database(database_url, pool_size=5)
    person = await a_person(database, await an_organisation(database), clock)
    yield Doors((Replica(database, clock, None), Replica(other, clock, None)), person, clock)
    await other.close()


@pytest.mark.proves("GOV-309")
async def test_what_the_client_accepted_itself_counts_once_however_many_use_it_at_once(doors: Doors) -> None:
    one = uuid4()
    told = await asyncio.gather(*(doors.use(one, number % 2) for number in range(8)))
    assert sorted(told) == [(False, "used")] * 7 + [(True, "accept")]
    assert await doors.use(one) == (False, "used")


@pytest.mark.proves("GOV-309")
async def test_what_was_asked_waits_for_the_answer_and_then_counts_once(doors: Doors) -> None:
    one = await doors.ask()
    assert await doors.use(one, opened=True) == (False, "pending")
    await doors.answer(one)
    told = await asyncio.gather(*(doors.use(one, number % 2, opened=True) for number in range(8)))
    assert sorted(told) == [(False, "used")] * 7 + [(True, "accept")]


@pytest.mark.proves("GOV-309")
async def test_another_person_digest_or_organisation_cannot_use_it_and_does_not_use_it_up(
    doors: Doors,
) -> None:
    one = await doors.ask()
    await doors.answer(one)
    database = doors.replicas[0].database
    colleague = await a_person(database, doors.person.organisation_id, doors.clock)
    stranger = await a_person(database, await an_organisation(database), doors.clock)
    moved = Principal(stranger.organisation_id, doors.person.id)
    for who in (colleague, stranger, moved):
        assert await doors.use(one, claims=claims(who)) == (False, "used")
    assert await doors.use(one, digest="other arguments") == (False, "used")
    assert await doors.use(one, second_person=True) == (False, "used")
    assert await doors.use(one) == (True, "accept")


@pytest.mark.proves("GOV-309")
@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_refusal_permits_nothing(doors: Doors, action: str) -> None:
    one = await doors.ask()
    await doors.answer(one, action)
    assert await doors.use(one) == (False, "decline")


@pytest.mark.proves("GOV-309")
async def test_it_expires_unanswered_and_soon_after_it_was_accepted(doors: Doors) -> None:
    unanswered, accepted = await doors.ask(), await doors.ask()
    await doors.answer(accepted)
    doors.clock.move(seconds=650)
    assert await doors.use(unanswered) == (False, "expired")
    await doors.replicas[1].tasks.sweep({})
    assert await doors.use(unanswered) == (False, "expired")
    doors.clock.move(seconds=120)
    assert await doors.use(accepted) == (False, "expired")


@pytest.mark.proves("GOV-309")
async def test_a_second_person_s_permission_is_never_what_a_caller_brings(doors: Doors) -> None:
    assert await doors.use(uuid4(), second_person=True) == (False, "expired")
    assert await doors.use(uuid4(), opened=True) == (False, "expired")
    one = await doors.ask(second_person=True)
    await doors.answer(one, "cancel")
    assert await doors.use(one, second_person=True) == (False, "decline")

    two = await doors.ask(second_person=True)
    database = doors.replicas[0].database
    admin = await a_person(database, doors.person.organisation_id, doors.clock, ("OrgAdmin",))
    assert await doors.use(two, second_person=True) == (False, "pending")
    await doors.answer(two, by=admin)
    assert await doors.use(two) == (False, "used")
    assert await doors.use(two, second_person=True, claims=claims(admin)) == (False, "used")
    assert await doors.use(two, second_person=True) == (True, "accept")


@pytest.mark.proves("GOV-309")
async def test_only_the_gateway_asks_and_uses(people: People, app: FastAPI) -> None:
    key = SigningKey.generate()
    people.ports.trusted.replace("gateway", key.jwks())
    token = Minter(key, "gateway", SystemClock()).mint(GATEWAY, "platform")
    ada = (await people.ada.get("/api/v1/me")).json()
    asked_for = Principal(UUID(ada["organisation_id"]), UUID(ada["id"]))
    body = {"claims": claims(asked_for), "tool": "files.delete", "digest": "d"}
    path = "/internal/v1/one-shots"
    for caller in (people.ada, people.maya):
        assert (await caller.post(path, json=body)).status_code == 401
        assert (await caller.post(f"{path}/{uuid4()}/consume", json={})).status_code == 401
    headers = {"Authorization": f"Bearer {token}"}
    async with AsyncClient(
        transport=ASGITransport(app), base_url="http://platform", headers=headers
    ) as gateway:
        opened = (await gateway.post(path, json=body)).json()
        assert (await people.ada.get(opened["url"])).json()["kind"] == "approval"
        use = {"claims": body["claims"], "digest": "d"}
        pending = await gateway.post(f"{path}/{opened['id']}/consume", json=use)
        assert pending.json() == {"consumed": False, "action": "pending"}
        assert (await gateway.post(path, json=body | {"claims": {}})).status_code == 422


def claims(principal: Principal) -> dict[str, Any]:
    return claims_of(principal, principal.access_keys)
