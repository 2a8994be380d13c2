"""Small things that a channel keeps with us (SPEC 3)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from httpx import ASGITransport, AsyncClient
from sqlalchemy import text

from kit.sealing import KeyRing
from platform_api.app import PlatformPorts, build_app
from tests.clocks import MovedClock
from tests.platform_api.bots import Bot
from tests.platform_api.people import People

STATE = "/api/v1/channels/slack/state"
INSTALL = f"{STATE}/install/T1"
TOKEN = {"value": {"bot_token": "xoxb-very-secret"}}


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def client(ports: PlatformPorts, people: People, clock: MovedClock) -> AsyncIterator[AsyncClient]:
    sealing = replace(ports, vault=KeyRing.from_secret(b"of the tests"), clock=clock)
    app = build_app(sealing)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://platform") as client:
        yield client


@pytest.fixture
async def bot(people: People, client: AsyncClient) -> Bot:
    return await Bot.of(people, client)


@pytest.mark.proves("CHANNEL-005")
async def test_what_is_kept_comes_back_and_is_sealed_meanwhile(ports: PlatformPorts, bot: Bot) -> None:
    kept = await bot.ask("PUT", INSTALL, TOKEN)
    assert kept.json()["version"] == 1
    assert (await bot.ask("GET", INSTALL)).json()["value"] == TOKEN["value"]

    async with ports.database.begin() as session:
        rows = str((await session.execute(text("SELECT * FROM channel_state"))).mappings().all())
    assert "install/T1" in rows
    assert "xoxb" not in rows


@pytest.mark.proves("CHANNEL-005")
async def test_another_channels_bot_and_people_read_nothing(
    people: People, client: AsyncClient, bot: Bot
) -> None:
    await bot.ask("PUT", INSTALL, TOKEN)
    teams = await Bot.of(people, client, "teams")
    assert (await teams.ask("GET", INSTALL)).status_code == 403
    assert (await people.ada.get(INSTALL)).status_code == 403
    assert (await bot.ask("GET", INSTALL, as_="slack:T1/U1")).status_code == 403


async def test_two_at_once_do_not_overwrite_each_other(bot: Bot) -> None:
    first = await bot.ask("PUT", INSTALL, TOKEN | {"version": 0})
    again = await bot.ask("PUT", INSTALL, TOKEN | {"version": 0})
    newer = await bot.ask("PUT", INSTALL, TOKEN | {"version": first.json()["version"]})
    assert again.json()["code"] == "state_changed"
    assert newer.json()["version"] == 2


async def test_without_a_version_the_last_one_stays(bot: Bot) -> None:
    await bot.ask("PUT", INSTALL, TOKEN)
    await bot.ask("PUT", INSTALL, {"value": {"bot_token": "new"}})
    assert (await bot.ask("GET", INSTALL)).json()["value"] == {"bot_token": "new"}


async def test_what_has_expired_is_not_there(bot: Bot, clock: MovedClock) -> None:
    await bot.ask("PUT", INSTALL, TOKEN | {"expires_in_s": 60})
    clock.move(seconds=61)
    assert (await bot.ask("GET", INSTALL)).json()["code"] == "no_such_state"
    assert (await bot.ask("PUT", INSTALL, TOKEN | {"version": 0})).status_code == 200


async def test_keys_are_listed_by_their_beginning(bot: Bot) -> None:
    for key in ("install/T1", "install/T2", "message/1", "install_T3"):
        await bot.ask("PUT", f"/api/v1/channels/slack/state/{key}", {"value": {}})
    page = (await bot.ask("GET", "/api/v1/channels/slack/state?prefix=install/&limit=1")).json()
    rest = await bot.ask("GET", f"/api/v1/channels/slack/state?prefix=install/&cursor={page['next_cursor']}")
    assert [entry["key"] for entry in (*page["items"], *rest.json()["items"])] == ["install/T1", "install/T2"]


async def test_what_is_removed_is_gone(bot: Bot) -> None:
    await bot.ask("PUT", INSTALL, TOKEN)
    assert (await bot.ask("DELETE", INSTALL)).status_code == 204
    assert (await bot.ask("DELETE", INSTALL)).status_code == 204
    assert (await bot.ask("GET", INSTALL)).status_code == 404


async def test_too_much_is_refused_with_its_size(bot: Bot) -> None:
    answer = await bot.ask("PUT", INSTALL, {"value": {"x": "y" * 70_000}})
    assert answer.status_code == 413
    assert "65536" in answer.json()["detail"]


@pytest.mark.proves("SLACK-402")
async def test_several_are_changed_in_one_commit_or_none(bot: Bot) -> None:
    await bot.ask("PUT", f"{STATE}/seen/1", {"value": {"ended": True}})
    steps = [
        {"do": "get", "key": "seen/1"},
        {"do": "get", "key": "seen/2"},
        {"do": "put", "key": "turn/1", "value": {"text": "Hello"}, "version": 0},
    ]
    done = await bot.ask("POST", STATE, {"steps": steps})
    [ended, nothing, put] = done.json()["items"]
    assert ended["value"] == {"ended": True}
    assert nothing is None
    assert put["version"] == 1

    again = await bot.ask("POST", STATE, {"steps": [{"do": "remove", "key": "seen/1"}, steps[2]]})
    assert again.json()["code"] == "state_changed"
    assert (await bot.ask("GET", f"{STATE}/seen/1")).status_code == 200

    over = [{"do": "put", "key": "seen/2", "value": {"ended": True}}, {"do": "remove", "key": "turn/1"}]
    assert (await bot.ask("POST", STATE, {"steps": over})).json()["items"][1] is None
    assert (await bot.ask("GET", f"{STATE}/turn/1")).status_code == 404


async def test_two_bots_that_want_the_same_keys_at_once_both_get_an_answer(bot: Bot) -> None:
    """Whatever the order in which they name them."""
    keys = [f"turn/{n}" for n in range(8)]
    nothing: dict[str, str] = {}
    puts = [{"do": "put", "key": key, "value": nothing} for key in keys]
    asked = [puts, list(reversed(puts))] * 6
    answers = await asyncio.gather(*(bot.ask("POST", STATE, {"steps": steps}) for steps in asked))
    assert {answer.status_code for answer in answers} == {200}
    assert (await bot.ask("GET", f"{STATE}/turn/0")).json()["version"] == 12


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [{"do": "get", "key": "a"}, {"do": "remove", "key": "a"}],
        [{"do": "put", "key": "a"}],
        [{"do": "get", "key": "a", "value": {}}],
        [{"do": "get", "key": "a b"}],
        [{"do": "get", "key": f"{n}"} for n in range(65)],
    ],
)
async def test_steps_that_make_no_sense_are_refused(bot: Bot, steps: list[dict[str, object]]) -> None:
    assert (await bot.ask("POST", STATE, {"steps": steps})).status_code == 422


async def test_several_at_once_are_the_bots_alone(people: People, client: AsyncClient, bot: Bot) -> None:
    steps = {"steps": [{"do": "get", "key": "install/T1"}]}
    teams = await Bot.of(people, client, "teams")
    assert (await teams.ask("POST", STATE, steps)).status_code == 403
    assert (await people.ada.post(STATE, json=steps)).status_code == 403
    assert (await bot.ask("POST", STATE, steps, as_="slack:T1/U1")).status_code == 403
