"""Slots through the tool, and out of the cache."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis

from ports.redis import CacheDoor, CacheScopes, CacheSettings, connect
from tests.clocks import HandClock
from tests.tools.contact.times.test_slots import SYDNEY, Kept, at, busy, wanted
from tools.servers.contact.calendars.port import Busy, Event, Placed
from tools.servers.contact.people import Owner, Person
from tools.servers.contact.shapes import FindSlots
from tools.servers.contact.times.cache import Remembering, SlotCache
from tools.servers.contact.times.desk import Desk
from tools.servers.contact.times.hosts import Host, Hosts
from tools.servers.contact.times.hours import OfficeHours

MAYA = Owner(UUID(int=1), UUID(int=2))
TOM = Owner(UUID(int=1), UUID(int=3))
ELSEWHERE = Owner(UUID(int=9), UUID(int=2))
HOSTS = Hosts((Host("dana", "Dana", (Person("dana@x", "Dana"),), OfficeHours("Australia/Sydney")),))


class Changing(Kept):
    async def place(self, owner: Owner, event: Event) -> Placed:
        self._busy["dana"] = [
            *self._busy["dana"],
            Busy(event.start.astimezone(UTC), event.end.astimezone(UTC)),
        ]
        return Placed(event.uid, "", event.start, notified=False)

    async def remove(self, owner: Owner, uid: str, sequence: int) -> None:
        self._busy["dana"] = []


def event(start: datetime, organiser: str = "dana@x") -> Event:
    return Event("uid", "About it", start, start + timedelta(hours=1), "Australia/Sydney", Person(organiser))


@pytest.fixture
def calendar() -> Changing:
    return Changing(dana=[], omar=[])


@pytest.fixture
def door(redis: Redis) -> CacheDoor:
    return CacheDoor(redis, CacheSettings(deadline_ms=10_000))


@pytest.fixture
def cache(door: CacheDoor, calendar: Changing) -> SlotCache:
    return SlotCache(door, calendar)


HALF_AN_HOUR = timedelta(minutes=30)
ASKED = wanted(at(7, "00:00"), at(9, "00:00"))


async def test_the_same_question_is_answered_from_the_cache_in_the_askers_zone(
    cache: SlotCache, calendar: Changing
) -> None:
    first = await cache.find_slots(MAYA, ASKED)
    await cache._cache.settled()  # pyright: ignore[reportPrivateUsage]
    again = await cache.find_slots(TOM, replace(ASKED, participants=("DANA@x",)))
    assert calendar.asked == 1
    assert again == first
    assert all(one.start.tzinfo == SYDNEY for one in again.slots)


@pytest.mark.proves("CAL-106")
async def test_no_organisation_is_shown_what_another_one_found(cache: SlotCache, calendar: Changing) -> None:
    await cache.find_slots(MAYA, ASKED)
    await cache._cache.settled()  # pyright: ignore[reportPrivateUsage]
    await cache.find_slots(ELSEWHERE, ASKED)
    assert calendar.asked == 2


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, participants=("omar@x",)),
        replace(ASKED, duration=timedelta(minutes=45)),
        replace(ASKED, end=at(10, "00:00")),
        replace(ASKED, tz="Europe/Berlin"),
        replace(ASKED, min_slots=4),
        replace(ASKED, part_of_day="morning"),
        replace(ASKED, shown=frozenset({at(7, "09:00")})),
        replace(ASKED, around=at(7, "09:00")),
        replace(ASKED, now=ASKED.now + timedelta(minutes=2)),
        replace(ASKED, hours=(replace(ASKED.hours[0], before=timedelta(minutes=5)),)),
        replace(ASKED, hours=(replace(ASKED.hours[0], closed=frozenset({at(7, "09:00").date()})),)),
    ],
)
async def test_another_question_is_another_answer(
    cache: SlotCache, calendar: Changing, other: object
) -> None:
    await cache.find_slots(MAYA, ASKED)
    await cache._cache.settled()  # pyright: ignore[reportPrivateUsage]
    await cache.find_slots(MAYA, other)
    assert calendar.asked == 2


@pytest.mark.proves("CAL-106")
async def test_an_event_that_changes_is_known_at_once_to_those_who_ask_for_its_people(
    cache: SlotCache, calendar: Changing, redis: Redis
) -> None:
    watched = Remembering(calendar, CacheScopes(redis))
    day = wanted(at(8, "00:00"), at(9, "00:00"), around=at(8, "15:00"))
    first = await cache.find_slots(MAYA, day)
    await cache.find_slots(MAYA, replace(day, participants=("omar@x",)))
    await cache._cache.settled()  # pyright: ignore[reportPrivateUsage]
    assert first.slots[0].start == at(8, "15:00")

    await watched.place(TOM, event(at(8, "15:00")))
    assert (await cache.find_slots(MAYA, day)).slots[0].start != at(8, "15:00")
    before = calendar.asked
    await cache.find_slots(MAYA, replace(day, participants=("omar@x",)))
    assert calendar.asked == before

    await watched.remove(TOM, "uid", 1)
    assert (await cache.find_slots(MAYA, day)).slots[0].start == at(8, "15:00")


async def test_without_redis_slots_are_found_and_events_placed(calendar: Changing) -> None:
    nowhere = connect("redis://127.0.0.1:9", timeout_s=1)
    cache = SlotCache(CacheDoor(nowhere, CacheSettings()), calendar)
    assert len((await cache.find_slots(MAYA, ASKED)).slots) == 3
    placed = await Remembering(calendar, CacheScopes(nowhere)).place(MAYA, event(at(7, "09:00")))
    assert placed.event_id == "uid"
    await nowhere.aclose()


async def test_a_kept_answer_is_never_inside_the_notice(cache: SlotCache) -> None:
    early = replace(
        ASKED, start=at(1, "00:00"), end=at(2, "00:00"), now=at(1, "09:00") + timedelta(seconds=1)
    )
    found = await cache.find_slots(MAYA, early)
    # two hours after 9:00:01 is not yet 11:00
    assert found.slots[0].start == at(1, "11:30")


async def test_the_tool_gives_slots_within_the_hours_of_the_host(calendar: Changing) -> None:
    clock = HandClock()
    clock.at = at(1, "09:00")
    asked = FindSlots(
        participants=["dana@x.example", "guest@y.example"],
        window_start=at(8, "00:00"),
        window_end=at(9, "00:00"),
        min_slots=20,
        tz="Australia/Sydney",
    )
    hosts = Hosts((Host("dana", "Dana", (Person("dana@x.example"),), OfficeHours("Australia/Sydney")),))
    people = {"dana": [busy(8, "10:00", "16:00")], "guest": []}
    found = await Desk(Kept(**people), hosts, clock).tool(MAYA, asked)
    assert [f"{one.start:%H:%M}" for one in found.slots] == ["09:00", "09:30", "16:00", "16:30"]
    assert found.next_window is not None
    assert found.generated_at == clock.at


async def test_alternatives_are_three_and_the_nearest_first(calendar: Changing) -> None:
    clock = HandClock()
    clock.at = at(1, "09:00")
    desk = Desk(Kept(dana=[busy(8, "15:00", "15:30")]), HOSTS, clock)
    found = await desk.alternatives(
        MAYA, ["dana@x"], timedelta(minutes=30), at(8, "15:00"), "Australia/Sydney"
    )
    assert [f"{one.start:%d %H:%M}" for one in found] == ["08 14:30", "08 15:30", "08 14:00"]


async def test_alternatives_of_a_full_week_are_in_the_weeks_after() -> None:
    clock = HandClock()
    clock.at = at(1, "09:00")
    full = Busy(at(1, "00:00").astimezone(UTC), at(20, "00:00").astimezone(UTC))
    desk = Desk(Kept(dana=[full]), HOSTS, clock)
    found = await desk.alternatives(
        MAYA, ["dana@x"], timedelta(minutes=30), at(8, "15:00"), "Australia/Sydney"
    )
    assert len(found) == 3
    assert found[0].start == at(21, "09:00")
