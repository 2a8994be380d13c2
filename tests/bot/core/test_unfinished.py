"""What is begun and not ended is found again; what has ended is not begun again (SPEC 1 J1)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from switchboard_sdk import Switchboard

from bot.core import unfinished
from bot.core.unfinished import Unfinished
from tests.bot import small_platform
from tests.bot.small_platform import SmallPlatform

PLACE = "T1/C1/1764057601.000200"


@pytest.fixture
async def small() -> AsyncIterator[SmallPlatform]:
    async with small_platform.running() as running:
        yield running


@pytest.fixture
async def bot(small: SmallPlatform) -> AsyncIterator[Switchboard]:
    async def at_once(seconds: float) -> None:
        return None

    async with Switchboard(small.url, "key", sleep=at_once) as switchboard:
        yield switchboard


def replica(bot: Switchboard, name: str) -> Unfinished:
    return Unfinished(bot, "slack", name)


async def test_of_two_replicas_one_begins(bot: Switchboard) -> None:
    first, second = replica(bot, "one"), replica(bot, "two")
    assert await first.begin(PLACE, {}) is not None
    assert await second.begin(PLACE, {}) is None
    assert await first.begin(PLACE, {}) is None


async def test_what_has_ended_is_begun_by_nobody(bot: Switchboard, small: SmallPlatform) -> None:
    first = replica(bot, "one")
    begun = await first.begin(PLACE, {})
    assert begun is not None
    await first.end(begun, answer="1764057602.000100")
    await first.settled()
    assert small.unfinished() == []
    second = replica(bot, "two")
    assert await second.begin(PLACE, {}) is None
    assert small.unfinished() == []
    assert (await second.ended(PLACE) or {})["answer"] == "1764057602.000100"


@pytest.mark.proves("SLACK-102")
async def test_what_a_dead_replica_left_is_taken_up_by_one(bot: Switchboard, small: SmallPlatform) -> None:
    await replica(bot, "dead").begin(PLACE, {"text": "How much leave?"})
    heirs = [replica(bot, "one"), replica(bot, "two")]
    assert await heirs[0].abandoned(datetime.now(UTC)) == []
    small.grow_old("turn/")
    found = [await heir.abandoned(datetime.now(UTC)) for heir in heirs]
    taken = [await heir.take_up(entries[0]) for heir, entries in zip(heirs, found, strict=True)]
    assert [begun is not None for begun in taken] == [True, False]
    assert taken[0] is not None
    assert taken[0].value["text"] == "How much leave?"


async def test_after_a_restart_its_own_are_taken_up_at_once(bot: Switchboard) -> None:
    await replica(bot, "same").begin(PLACE, {})
    again = replica(bot, "same")
    [entry] = await again.abandoned(datetime.now(UTC), mine_too=True)
    assert await again.take_up(entry) is not None


async def test_a_note_that_came_too_late_brings_nothing_back(bot: Switchboard, small: SmallPlatform) -> None:
    first = replica(bot, "one")
    begun = await first.begin(PLACE, {})
    assert begun is not None
    await first.end(begun)
    await first.settled()
    await first.note(begun, answer="1")
    small.grow_old("turn/")
    second = replica(bot, "two")
    [entry] = await second.abandoned(datetime.now(UTC))
    assert await second.take_up(entry) is None
    assert small.unfinished() == []


async def test_a_platform_that_is_away_stops_nobody(bot: Switchboard, small: SmallPlatform) -> None:
    small.away = True
    one = replica(bot, "one")
    begun = await one.begin(PLACE, {})
    assert begun is not None
    assert await one.begin(PLACE, {}) is None
    assert await one.first("refused/somebody")
    assert not await one.first("refused/somebody")


@pytest.mark.proves("SLACK-401")
async def test_an_end_is_told_until_the_platform_has_heard_it(
    bot: Switchboard, small: SmallPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise another replica would answer once more what has its answer."""
    monkeypatch.setattr(unfinished, "_TOLD_EVERY_S", 0.01)
    one = replica(bot, "one")
    begun = await one.begin(PLACE, {})
    assert begun is not None
    small.away = True
    await one.end(begun, answer="1")
    await one.settled()
    assert small.unfinished() == [f"turn/{PLACE}"]
    small.away = False
    assert await one.abandoned(datetime.now(UTC), mine_too=True) == []
    async with one.beating(), asyncio.timeout(10):
        while small.unfinished():
            await asyncio.sleep(0.01)
    assert await replica(bot, "two").begin(PLACE, {}) is None


async def test_a_beginning_whose_answer_got_lost_is_still_ours(
    bot: Switchboard, small: SmallPlatform
) -> None:
    """The platform did it, said 503, and is asked once more."""
    small.lost = 1
    begun = await replica(bot, "one").begin(PLACE, {})
    assert begun is not None
    assert begun.kept
