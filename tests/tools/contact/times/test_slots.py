"""Free slots, in any zone, across changes of the clock."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.engines import full_run
from tools.servers.contact.calendars.port import Busy, Event, Placed
from tools.servers.contact.people import Owner
from tools.servers.contact.times import slots, zones
from tools.servers.contact.times.finding import find_slots
from tools.servers.contact.times.hours import Hours, OfficeHours, UnknownHolidays
from tools.servers.contact.times.shapes import PARTS, PartOfDay, Wanted
from tools.servers.contact.times.zones import UnknownZone

SOMEBODY = Owner(UUID(int=1), UUID(int=2))
EXAMPLES = 1000 if full_run() else 50
SYDNEY = ZoneInfo("Australia/Sydney")
MINUTE = timedelta(minutes=1)
# Half-hour changes, changes at midnight, offsets of 45 minutes, no changes at all.
ZONES = st.sampled_from(
    [
        *("Australia/Sydney", "Australia/Lord_Howe", "Europe/Berlin", "America/St_Johns", "Africa/Cairo"),
        *("America/Santiago", "Asia/Kathmandu", "Pacific/Chatham", "Asia/Beirut", "UTC"),
    ]
)


class Kept:
    """A calendar that knows what it was told."""

    def __init__(self, **busy: Sequence[Busy]) -> None:
        self._busy = busy
        self.asked = 0

    async def busy(
        self, owner: Owner, people: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Sequence[Busy]]:
        self.asked += 1
        named = {one: self._busy[one.partition("@")[0]] for one in people}
        return {one: [b for b in busy if b.start < end and b.end > start] for one, busy in named.items()}

    async def place(self, owner: Owner, event: Event) -> Placed:
        raise NotImplementedError

    async def move(self, owner: Owner, event: Event) -> Placed:
        raise NotImplementedError

    async def remove(self, owner: Owner, uid: str, sequence: int) -> None:
        raise NotImplementedError

    async def find(self, owner: Owner, uid: str) -> Placed | None:
        raise NotImplementedError


def at(day: int, clock: str, tz: ZoneInfo = SYDNEY, month: int = 12) -> datetime:
    return datetime.combine(date(2026, month, day), time.fromisoformat(clock), tz)


def busy(day: int, start: str, end: str) -> Busy:
    return Busy(at(day, start).astimezone(UTC), at(day, end).astimezone(UTC))


def wanted(
    first: datetime,
    last: datetime,
    hours: tuple[OfficeHours, ...] = (OfficeHours("Australia/Sydney"),),
    *,
    minutes: int = 30,
    min_slots: int = 3,
    part: PartOfDay | None = None,
    around: datetime | None = None,
    shown: frozenset[datetime] = frozenset(),
    participants: tuple[str, ...] = ("dana@x",),
) -> Wanted:
    return Wanted(
        participants=participants,
        duration=timedelta(minutes=minutes),
        start=first,
        end=last,
        now=at(1, "09:00"),
        tz="Australia/Sydney",
        hours=hours,
        min_slots=min_slots,
        part_of_day=part,
        around=around,
        shown=shown,
    )


async def starts(calendar: Kept, asked: Wanted) -> list[str]:
    found = await find_slots(calendar, SOMEBODY, asked)
    return [f"{one.start:%d %H:%M}" for one in found.slots]


async def test_choices_are_spread_over_days_and_parts_of_a_day() -> None:
    found = await find_slots(Kept(dana=[]), SOMEBODY, wanted(at(7, "00:00"), at(12, "00:00")))
    assert len({one.start.date() for one in found.slots}) == 3
    assert {one.start.hour < 12 for one in found.slots} == {True, False}
    assert found.next_window is None


async def test_choices_of_one_afternoon_lie_apart() -> None:
    asked = wanted(at(8, "00:00"), at(9, "00:00"), part="afternoon")
    found = await find_slots(Kept(dana=[]), SOMEBODY, asked)
    assert [one.start.date().day for one in found.slots] == [8, 8, 8]
    assert all(12 <= one.start.hour < 17 for one in found.slots)
    gaps = [b.start - a.start for a, b in pairwise(found.slots)]
    assert min(gaps) >= timedelta(hours=1)


async def test_other_times_are_others() -> None:
    asked = wanted(at(8, "00:00"), at(9, "00:00"), part="afternoon")
    first = await find_slots(Kept(dana=[]), SOMEBODY, asked)
    shown = frozenset(one.start for one in first.slots)
    again = await find_slots(
        Kept(dana=[]), SOMEBODY, wanted(at(8, "00:00"), at(9, "00:00"), part="afternoon", shown=shown)
    )
    assert len(again.slots) == 3
    assert not shown & {one.start for one in again.slots}


async def test_around_a_named_time_the_nearest_come_first() -> None:
    asked = wanted(at(8, "00:00"), at(9, "00:00"), around=at(8, "15:00"))
    assert await starts(Kept(dana=[busy(8, "14:00", "15:30")]), asked) == ["08 15:30", "08 16:00", "08 13:30"]
    assert (await starts(Kept(dana=[]), asked))[0] == "08 15:00"


async def test_all_participants_are_free() -> None:
    calendar = Kept(dana=[busy(8, "09:00", "12:00")], omar=[busy(8, "12:30", "17:00")])
    asked = wanted(at(8, "00:00"), at(9, "00:00"), participants=("dana@x", "omar@x"))
    found = await find_slots(calendar, SOMEBODY, asked)
    assert [f"{one.start:%H:%M}" for one in found.slots] == ["12:00"]
    assert found.next_window is not None
    assert found.next_window.start == at(9, "00:00")


async def test_hosts_of_two_zones_meet_where_both_are_open() -> None:
    both = (OfficeHours("Australia/Sydney", {1: ((time(15), time(21)),)}), OfficeHours("Europe/Berlin"))
    found = await find_slots(
        Kept(dana=[]), SOMEBODY, wanted(at(8, "00:00"), at(9, "00:00"), both, min_slots=20)
    )
    # 9:00 in Berlin is 19:00 in Sydney
    assert [f"{one.start:%H:%M}" for one in found.slots] == ["19:00", "19:30", "20:00", "20:30"]


async def test_buffers_are_kept_before_and_after_what_is_busy() -> None:
    hours = OfficeHours("Australia/Sydney", before=10 * MINUTE, after=15 * MINUTE, step=5 * MINUTE)
    asked = wanted(at(8, "09:00"), at(8, "13:00"), (hours,), min_slots=99)
    found = await find_slots(Kept(dana=[busy(8, "10:00", "11:00")]), SOMEBODY, asked)
    mornings = [one for one in found.slots if one.start < at(8, "10:00")]
    assert max(one.end for one in mornings) == at(8, "09:45")
    assert min(one.start for one in found.slots if one.start > at(8, "10:00")) == at(8, "11:15")


async def test_a_meeting_fits_exactly_between_two_buffers() -> None:
    hours = OfficeHours("Australia/Sydney", before=15 * MINUTE, after=15 * MINUTE, step=15 * MINUTE)
    calendar = Kept(dana=[busy(8, "09:00", "10:00"), busy(8, "11:00", "17:00")])
    assert await starts(calendar, wanted(at(8, "09:00"), at(8, "17:00"), (hours,), min_slots=99)) == [
        "08 10:15"
    ]


async def test_holidays_and_closed_days_are_closed() -> None:
    hours = OfficeHours(
        "Australia/Sydney", country="AU", subdivision="NSW", closed=frozenset({date(2026, 12, 24)})
    )
    asked = wanted(at(24, "00:00"), at(29, "00:00"), (hours,))
    # 25 Friday, 26-27 weekend, 28 Boxing Day as observed
    found = await find_slots(Kept(dana=[]), SOMEBODY, asked)
    assert found.slots == ()
    assert found.next_window is not None
    assert found.next_window.start == at(29, "00:00")
    with pytest.raises(UnknownHolidays):
        await find_slots(
            Kept(dana=[]),
            SOMEBODY,
            wanted(at(7, "00:00"), at(8, "00:00"), (OfficeHours("UTC", country="ZZ"),)),
        )


async def test_nothing_is_offered_within_the_notice_or_in_the_past() -> None:
    found = await starts(Kept(dana=[]), wanted(at(1, "00:00"), at(2, "00:00"), min_slots=99))
    assert found[0] == "01 11:00"


async def test_an_empty_window_is_answered_without_asking_for_it() -> None:
    calendar = Kept(dana=[])
    found = await find_slots(calendar, SOMEBODY, wanted(at(3, "10:00"), at(2, "10:00")))
    assert found.slots == ()
    assert found.next_window is not None
    assert calendar.asked == 1


def test_a_zone_that_does_not_exist_is_refused_with_words() -> None:
    for name in ("Mars/Olympus", "../etc/passwd", "Australia", ""):
        with pytest.raises(UnknownZone):
            zones.zone(name)


def _hours(cuts: list[int]) -> Hours:
    times = [time(cut // 2, cut % 2 * 30) for cut in sorted(cuts)]
    return tuple(zip(times[::2], times[1::2], strict=False))


_HOURS = st.lists(st.integers(0, 47), min_size=2, max_size=4, unique=True).map(_hours)
_WEEKS = st.dictionaries(st.integers(0, 6), _HOURS, min_size=1, max_size=7)
# Around changes of the clock in some of the zones, and anywhere.
_FROM = st.one_of(
    st.sampled_from(
        [date(2026, 3, 28), date(2026, 4, 4), date(2026, 10, 3), date(2026, 10, 24), date(2026, 9, 5)]
    ),
    st.sampled_from([date(2026, 4, 23), date(2026, 10, 29), date(2026, 3, 7), date(2026, 10, 31)]),
    st.dates(date(2025, 1, 1), date(2030, 1, 1)),
)
_BUSY = st.lists(st.tuples(st.integers(-600, 5000), st.integers(5, 1500)), max_size=8)
_MINUTES = st.sampled_from([15, 30, 45, 60, 90, 240])


@pytest.mark.proves("CAL-104")
@settings(max_examples=EXAMPLES)
@given(ZONES, ZONES, _WEEKS, _FROM, _BUSY, _MINUTES, st.integers(0, 60), st.integers(0, 60), st.data())
def test_no_slot_is_ever_outside_of_hours_or_inside_of_what_is_busy(
    tz: str,
    asker: str,
    week: dict[int, Hours],
    first: date,
    taken: list[tuple[int, int]],
    minutes: int,
    before: int,
    after: int,
    data: st.DataObject,
) -> None:
    begins = datetime.combine(first, time(), UTC)
    hours = OfficeHours(
        tz, week, before=before * MINUTE, after=after * MINUTE, notice=timedelta(hours=3), step=15 * MINUTE
    )
    part = data.draw(st.sampled_from([None, *PARTS]))
    asked = Wanted(
        participants=("dana@x",),
        duration=minutes * MINUTE,
        start=begins,
        end=begins + timedelta(days=3),
        now=begins - timedelta(hours=1),
        tz=asker,
        hours=(hours,),
        min_slots=data.draw(st.integers(1, 6)),
        part_of_day=part,
    )
    occupied = [Busy(begins + start * MINUTE, begins + (start + long) * MINUTE) for start, long in taken]
    possible = slots.possible(asked, occupied, asked.start, asked.end)
    found = slots.chosen(asked, possible)

    assert len(found) == min(asked.min_slots, len(possible))
    assert len({one.start for one in found}) == len(found)
    apart = max(before, after) * MINUTE
    for slot in found:
        start, end = slot.start.astimezone(UTC), slot.end.astimezone(UTC)
        assert end - start == asked.duration
        assert start >= asked.now + hours.notice
        assert begins <= start
        assert end <= asked.end
        assert all(end + apart <= one.start or one.end + apart <= start for one in occupied)
        for minute in range(minutes):
            moment = start + minute * MINUTE
            assert _open(hours, moment)
            if part:
                assert PARTS[part][0] <= moment.astimezone(ZoneInfo(asker)).time() < PARTS[part][1]


def _open(hours: OfficeHours, moment: datetime) -> bool:
    """By the clock on the wall, minute for minute: another way than the one that is tested."""
    wall = moment.astimezone(ZoneInfo(hours.tz))
    return any(
        opens <= wall.time() and (wall.time() < closes or closes == time())
        for opens, closes in hours.weekly.get(wall.weekday(), ())
    )


@pytest.mark.proves("CAL-104")
@settings(max_examples=EXAMPLES)
@given(ZONES, _WEEKS, _FROM, _BUSY, _MINUTES)
def test_every_slot_that_is_possible_is_found(
    tz: str, week: dict[int, Hours], first: date, taken: list[tuple[int, int]], minutes: int
) -> None:
    begins = datetime.combine(first, time(), UTC)
    hours = OfficeHours(tz, week, notice=timedelta(), step=30 * MINUTE)
    asked = Wanted(("dana@x",), minutes * MINUTE, begins, begins + timedelta(days=2), begins, tz, (hours,))
    occupied = [Busy(begins + start * MINUTE, begins + (start + long) * MINUTE) for start, long in taken]
    expected: list[datetime] = []
    for number in range(2 * 24 * 12):
        start = begins + number * 5 * MINUTE
        end = start + asked.duration
        wall = start.astimezone(ZoneInfo(tz))
        if (wall.minute % 30, wall.second) != (0, 0) or end > asked.end:
            continue
        free = all(end <= one.start or one.end <= start for one in occupied)
        if free and all(_open(hours, start + minute * MINUTE) for minute in range(minutes)):
            expected.append(start)
    assert slots.possible(asked, occupied, asked.start, asked.end) == expected


@given(ZONES, st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.times())
def test_a_clock_time_is_the_first_instant_that_shows_it(tz: str, day: date, clock: time) -> None:
    place = ZoneInfo(tz)
    clock = clock.replace(second=0, microsecond=0, fold=0)
    found = zones.instant(place, day, clock)
    shown = found.astimezone(place).replace(tzinfo=None)
    assert shown >= datetime.combine(day, clock)
    just_before = (found - timedelta(seconds=1)).astimezone(place).replace(tzinfo=None)
    assert just_before < datetime.combine(day, clock)


@settings(max_examples=EXAMPLES)
@given(ZONES, st.dates(date(2020, 1, 1), date(2035, 1, 1)), st.integers(1, 400))
def test_stretches_cover_the_time_without_gaps(tz: str, day: date, length: int) -> None:
    place, start = ZoneInfo(tz), datetime.combine(day, time(), UTC)
    end = start + timedelta(days=length)
    found = list(zones.stretches(place, start, end))
    assert found[0].start == start
    assert found[-1].end == end
    assert all(a.end == b.start and a.offset != b.offset for a, b in pairwise(found))
    for one in found:
        for moment in (one.start, one.start + (one.end - one.start) / 2, one.end - timedelta(seconds=1)):
            assert moment.astimezone(place).utcoffset() == one.offset


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 60)), max_size=12))
def test_merged_intervals_are_the_same_time(pieces: list[tuple[int, int]]) -> None:
    origin = datetime(2026, 1, 1, tzinfo=UTC)
    given_ = [(origin + a * MINUTE, origin + (a + long) * MINUTE) for a, long in pieces]
    assume(any(long for _, long in pieces))
    joined = zones.merged(given_)
    minutes = {a + k for a, long in pieces for k in range(long)}
    assert sum(((end - start) for start, end in joined), timedelta()) == len(minutes) * MINUTE
    assert all(a[1] < b[0] for a, b in pairwise(joined))
