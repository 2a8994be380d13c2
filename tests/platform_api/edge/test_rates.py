"""How much may be asked of the platform within a minute, by whom (SPEC 11)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient, Response
from redis.asyncio import Redis

from access.services import PLATFORM
from platform_api.app import PlatformPorts, build_app
from platform_api.edge import provided
from platform_api.edge.rates import RateSettings, RequestRates
from platform_api.identity.dev_people import ensure_dev_people
from ports.redis.rates import MINUTE_MS, open_limits
from tests.clocks import HandClock
from tests.platform_api.bots import Bot
from tests.platform_api.people import People

NARROW = RateSettings(
    requests_per_min=12,
    bot_requests_per_min=30,
    turns_per_min=3,
    admin_writes_per_min=2,
    anonymous_per_min=5,
)
SERVER = {"name": "notes", "address": "https://notes.example.com/mcp"}
ME = "/api/v1/me"


@asynccontextmanager
async def replica(ports: PlatformPorts, redis_url: str | None, clock: HandClock) -> AsyncGenerator[People]:
    """One of several that share Redis; patient with it, since tests run on busy machines."""
    app = build_app(replace(ports, rate_settings=NARROW))
    limits = open_limits(redis_url, clock, "platform", 20.0)
    await limits.start()
    app.state.provided[RequestRates]._limits = limits
    async with People(ports, app) as people:
        yield people
    await limits.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def here(ports: PlatformPorts, redis_url: str, clock: HandClock) -> AsyncIterator[People]:
    await ensure_dev_people(ports.database)
    async with replica(ports, redis_url, clock) as people:
        yield people


async def answered(client: AsyncClient, times: int, path: str = ME) -> int:
    """How many of so many at once were not refused for their number."""
    answers = await asyncio.gather(*(client.get(path) for _ in range(times)))
    return sum(one.status_code != 429 for one in answers)


def refused(answer: Response) -> dict[str, str]:
    assert answer.status_code == 429, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert 1 <= int(answer.headers["Retry-After"]) <= 2 * MINUTE_MS / 1000
    return answer.json()


@pytest.mark.proves("RATE-001")
async def test_of_many_at_once_on_two_replicas_exactly_as_many_pass_as_a_person_may(
    here: People, ports: PlatformPorts, redis_url: str, clock: HandClock
) -> None:
    async with replica(ports, redis_url, clock) as there:
        counted = await asyncio.gather(answered(here.maya, 20), answered(there.maya, 20))
        assert sum(counted) == 12
        assert await answered(there.tom, 3) == 3


@pytest.mark.proves("RATE-001")
async def test_who_asked_too_much_is_told_when_to_come_back_and_is_answered_then(
    here: People, clock: HandClock
) -> None:
    await answered(here.maya, 12)
    problem = refused(answer := await here.maya.get(ME))
    assert problem["detail"] == "You have made 12 requests within a minute, which is the limit."
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    clock.move(seconds=int(answer.headers["Retry-After"]))
    assert (await here.maya.get(ME)).status_code == 200


@pytest.mark.proves("RATE-002")
async def test_questions_have_a_limit_of_their_own(here: People) -> None:
    # refused for its body, after it was counted
    asked = [await here.maya.post("/api/v1/chat", json={"message": ""}) for _ in range(4)]
    assert [one.status_code for one in asked] == [422, 422, 422, 429]
    refused(asked[-1])
    assert (await here.maya.get(ME)).status_code == 200


@pytest.mark.proves("SLACK-403")
async def test_a_person_sees_what_of_their_limits_is_left(here: People) -> None:
    before = (await here.maya.get(ME)).json()["limits"]
    assert before[0] == {"kind": "requests", "most": 12, "left": 11, "window_s": 60}
    assert before[1] == {"kind": "turns", "most": 3, "left": 3, "window_s": 60}
    await here.maya.post("/api/v1/chat", json={"message": ""})
    after = (await here.maya.get(ME)).json()["limits"]
    assert [one["left"] for one in after] == [9, 2]
    assert [one["left"] for one in (await here.tom.get(ME)).json()["limits"]] == [11, 3]


@pytest.mark.proves("RATE-003")
async def test_an_admin_changes_so_much_within_a_minute_and_may_read_on(here: People) -> None:
    for number in range(2):
        made = await here.ada.post("/api/v1/mcp-servers", json=SERVER | {"name": f"notes{number}"})
        assert made.status_code == 201, made.text
    refused(await here.ada.post("/api/v1/mcp-servers", json=SERVER))
    listed = await here.ada.get("/api/v1/mcp-servers")
    assert {one["name"] for one in listed.json()["items"]} >= {"notes0", "notes1"}
    assert "notes" not in {one["name"] for one in listed.json()["items"]}


@pytest.fixture
async def nobody(here: People) -> AsyncIterator[AsyncClient]:
    async with of_address(here, "192.0.2.1") as client:
        yield client


@asynccontextmanager
async def of_address(
    people: People, host: str, headers: Sequence[tuple[str, str]] = ()
) -> AsyncGenerator[AsyncClient]:
    transport = ASGITransport(app_of(people), client=(host, 1234))
    async with AsyncClient(transport=transport, base_url="http://platform", headers=headers) as client:
        yield client


def app_of(people: People) -> FastAPI:
    return people._app  # pyright: ignore[reportPrivateUsage] - the same app, from another address


@pytest.mark.proves("RATE-004")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic bWF5YTptYXlh"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer not-a-token"},
        {"Authorization": "Bearer sb_" + "0" * 32 + "_nobodys"},
    ],
)
async def test_without_a_valid_sign_in_an_address_is_limited(
    nobody: AsyncClient, headers: dict[str, str]
) -> None:
    answers = [await nobody.get(ME, headers=headers) for _ in range(6)]
    assert [one.status_code for one in answers] == [401] * 5 + [429]
    refused(answers[-1])


@pytest.mark.proves("RATE-004")
async def test_a_made_up_credential_opens_no_public_page_more_often(nobody: AsyncClient) -> None:
    headers = {"Authorization": "Bearer made-up"}
    answers = [await nobody.get("/openapi.json", headers=headers) for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]


@pytest.mark.proves("RATE-004")
async def test_one_network_of_ipv6_is_one_address_and_others_are_others(
    here: People, nobody: AsyncClient
) -> None:
    for host in ("2001:db8::1", "2001:db8::2"):
        async with of_address(here, host) as client:
            left = await answered(client, 3, "/openapi.json")
            assert left == (3 if host.endswith("1") else 2)
    assert await answered(nobody, 3, "/openapi.json") == 3


@pytest.mark.proves("RATE-004")
async def test_who_shares_an_address_with_a_guesser_is_answered(here: People, nobody: AsyncClient) -> None:
    await answered(nobody, 9)
    token = here.maya.headers["Authorization"]
    assert (await nobody.get(ME, headers={"Authorization": token})).status_code == 200


@pytest.mark.proves("RATE-005")
async def test_the_gateway_and_health_are_never_limited(here: People, nobody: AsyncClient) -> None:
    assert await answered(nobody, 30, "/health/live") == 30
    assert await answered(nobody, 30, "/.well-known/jwks.json") == 30
    gateway = {"Authorization": f"Bearer {here.ports.minter.mint(PLATFORM, 'platform')}"}
    answers = [await nobody.get("/internal/v1/registry", headers=gateway) for _ in range(30)]
    assert 429 not in {one.status_code for one in answers}


@pytest.mark.proves("RATE-006")
async def test_what_a_bot_asks_for_people_counts_for_each_of_them(here: People) -> None:
    async with of_address(here, "192.0.2.7") as client:
        bot = await Bot.of(here, client)
        for person in ("slack:T1/U1", "slack:T1/U2"):
            asked = [await bot.ask("GET", ME, as_=person) for _ in range(13)]
            assert [one.status_code for one in asked] == [200] * 12 + [429]
        own = [await bot.ask("POST", "/api/v1/deliveries/claim", {"channel": "nope"}) for _ in range(31)]
        assert [one.status_code for one in own].index(429) == 30


@pytest.mark.proves("RATE-007")
async def test_without_redis_each_process_counts_by_itself(ports: PlatformPorts, clock: HandClock) -> None:
    await ensure_dev_people(ports.database)
    async with replica(ports, "redis://127.0.0.1:1/0", clock) as people:
        assert await answered(people.maya, 20) == 12
        refused(await people.maya.get(ME))


@pytest.mark.proves("RATE-001")
async def test_all_limits_of_a_request_are_one_round_trip(here: People, redis: Redis) -> None:
    async def runs() -> int:
        found = (await cast(Any, redis).info("commandstats")).get("cmdstat_evalsha", {"calls": 0})
        return found["calls"]

    before = await runs()
    await here.maya.post("/api/v1/chat", json={"message": ""})
    assert await runs() == before + 1


async def test_it_starts_counting_in_redis_with_the_app(ports: PlatformPorts, redis_url: str) -> None:
    app = build_app(replace(ports, redis_url=redis_url))
    rates = app.state.provided[RequestRates]
    assert provided(RequestRates) is not None
    rates.start()
    await rates._starting
    assert rates._limits._runner.up
    await rates.stop()
