"""Approvals that the platform keeps for the gateway: one suite over the platform itself and over the twin
that the gateway's tests hold (SPEC 3b, 5)."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient

from access.jwks import TrustedKeys
from access.principal import Principal
from access.tokens import Minter, SigningKey, claims_of
from kit.clock import SystemClock
from kit.wire.interactions import Action, ConsumeOneShot, OpenedOneShot, OpenOneShot
from launch.engines import RunningEngine
from platform_api.app import build_app
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID, ensure_dev_people
from ports.db import Database
from ports.redis import connect
from tests.engines import PostgresForTests
from tests.platform_api.people import People, platform_ports
from tests.tools.world import HeldPlatform, released
from tools.gateway.platform import HttpPlatform, PlatformLink

MAYA = Principal(ORGANISATION_ID, DEV_PEOPLE["maya"].id, name="maya")
TOM = Principal(ORGANISATION_ID, DEV_PEOPLE["tom"].id, name="tom")
pytestmark = pytest.mark.asyncio(loop_scope="module")
DIGEST, OTHER = "a" * 64, "b" * 64


@dataclass
class Linked:
    """`answer(id, action, second)`: of maya, or of ada who may be the second person."""

    link: PlatformLink
    answer: Callable[[str, Action, bool], Awaitable[None]]


@pytest_asyncio.fixture(params=["platform", "twin"], scope="module", loop_scope="module")
async def linked(
    request: pytest.FixtureRequest,
    postgres: PostgresForTests,
    valkey: RunningEngine,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncGenerator[Linked]:
    if request.param == "twin":
        held = HeldPlatform(released())

        async def on_the_twin(id: str, action: Action, second: bool) -> None:
            held.one_shots.answer(id, action)

        yield Linked(held, on_the_twin)
        return
    own, trusted = SigningKey.generate(), TrustedKeys()
    trusted.replace("gateway", own.jwks())
    nothing: Any = None
    stack = AsyncExitStack()
    database = Database(stack.enter_context(postgres.database()), pool_size=5)
    stack.push_async_callback(database.close)
    redis = connect(valkey.url, timeout_s=5)
    stack.push_async_callback(redis.aclose)
    folder = tmp_path_factory.mktemp("platform")
    ports = platform_ports(database, redis, folder, index=nothing, search=nothing, trusted=trusted)
    app = build_app(ports)
    await ensure_dev_people(database)
    async with stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        people = await stack.enter_async_context(People(ports, app))
        client = await stack.enter_async_context(AsyncClient(transport=ASGITransport(app)))

        async def over_rest(id: str, action: Action, second: bool) -> None:
            person = people.ada if second else people.maya
            told = await person.post(f"/api/v1/interactions/{id}/respond", json={"action": action})
            assert told.status_code == 202, told.text

        minter = Minter(own, "gateway", SystemClock())
        yield Linked(HttpPlatform("http://platform", client, minter), over_rest)


async def opened(linked: Linked, *, second: bool = False) -> OpenedOneShot:
    wanted = OpenOneShot(
        claims=_claims(MAYA),
        tool="files.remove",
        arguments={"text": "all"},
        digest=DIGEST,
        message="Allow this call?",
        requested_schema={"type": "object", "properties": {}},
        second_person=second,
        expires_s=60,
    )
    return await linked.link.open_one_shot(wanted)


async def consumed(
    linked: Linked, id: str, who: Principal = MAYA, digest: str = DIGEST, **more: bool
) -> tuple[bool, str]:
    told = await linked.link.consume_one_shot(id, ConsumeOneShot(claims=_claims(who), digest=digest, **more))
    return told.consumed, told.action


def _claims(who: Principal) -> dict[str, Any]:
    return claims_of(who, who.access_keys)


@pytest.mark.proves("GOV-502")
async def test_what_was_accepted_in_the_client_counts_once(linked: Linked) -> None:
    id = str(uuid4())
    told = await asyncio.gather(*(consumed(linked, id) for _ in range(4)))
    assert sorted(told) == [(False, "used")] * 3 + [(True, "accept")]
    assert await consumed(linked, id, TOM) == (False, "used")


@pytest.mark.proves("GOV-503")
async def test_what_was_asked_waits_for_its_answer_and_counts_once(linked: Linked) -> None:
    shot = await opened(linked)
    id = str(shot.id)
    assert shot.url.endswith(f"/interactions/{id}")
    assert await consumed(linked, id, opened=True) == (False, "pending")
    await linked.answer(id, "accept", False)
    assert await consumed(linked, id, TOM, opened=True) == (False, "used")
    assert await consumed(linked, id, digest=OTHER, opened=True) == (False, "used")
    assert await consumed(linked, id, opened=True, second_person=True) == (False, "used")
    told = await asyncio.gather(*(consumed(linked, id, opened=True) for _ in range(4)))
    assert sorted(told) == [(False, "used")] * 3 + [(True, "accept")]


@pytest.mark.proves("GOV-504")
async def test_a_second_persons_word_is_not_the_callers(linked: Linked) -> None:
    id = str((await opened(linked, second=True)).id)
    assert await consumed(linked, id, opened=True) == (False, "used")
    assert await consumed(linked, id, opened=True, second_person=True) == (False, "pending")
    await linked.answer(id, "accept", True)
    assert await consumed(linked, id, opened=True, second_person=True) == (True, "accept")
    assert await consumed(linked, id, opened=True, second_person=True) == (False, "used")


async def test_a_no_is_no(linked: Linked) -> None:
    id = str((await opened(linked)).id)
    await linked.answer(id, "decline", False)
    assert await consumed(linked, id, opened=True) == (False, "decline")


@pytest.mark.proves("GOV-511")
async def test_what_was_opened_and_is_gone_is_not_taken_for_new(linked: Linked) -> None:
    assert await consumed(linked, str(uuid4()), opened=True) == (False, "expired")
    assert await consumed(linked, str(uuid4()), second_person=True) == (False, "expired")
