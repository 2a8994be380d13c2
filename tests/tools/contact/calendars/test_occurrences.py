"""Recurring, all-day, moved and left out: when they make somebody busy; the same in a real server."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from dateutil import rrule
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.contact.calendars.backends import in_sydney
from tests.tools.contact.calendars.radicale import Radicale, vcalendar
from tests.tools.contact.calendars.world import DANA, MovedNow, somebody
from tools.servers.contact.calendars.caldav import CalDav
from tools.servers.contact.calendars.occurrences import Unreadable, busy_times

SYDNEY = ZoneInfo("Australia/Sydney")
FIRST, LAST = datetime(2027, 3, 28, tzinfo=UTC), datetime(2027, 4, 12, tzinfo=UTC)
"""Daylight saving ends in Sydney on 4 April 2027."""


def local(day: int, hour: int = 0, minute: int = 0, month: int = 4) -> datetime:
    return datetime(2027, month, day, hour, minute, tzinfo=SYDNEY).astimezone(UTC)


def times(text: str, start: datetime = FIRST, end: datetime = LAST) -> list[tuple[datetime, datetime]]:
    return sorted((one.start, one.end) for one in busy_times(text, SYDNEY, start, end, None))


TZID = "DTSTART;TZID=Australia/Sydney"
CASES = {
    "weekly, at nine on either side of the change": (
        vcalendar(f"{TZID}:20270104T090000\nDTEND;TZID=Australia/Sydney:20270104T100000\nRRULE:FREQ=WEEKLY"),
        [
            (local(29, 9, month=3), local(29, 10, month=3)),
            (local(5, 9), local(5, 10)),
            (local(12, 9), local(12, 10)),
        ],
    ),
    "a whole day is the person's, and that of the change has 25 hours": (
        vcalendar("DTSTART;VALUE=DATE:20270404\nDTEND;VALUE=DATE:20270405"),
        [(local(4), local(5))],
    ),
    "a whole day without an end": (vcalendar("DTSTART;VALUE=DATE:20270406"), [(local(6), local(7))]),
    "whole days that recur": (
        vcalendar("DTSTART;VALUE=DATE:20270331\nRRULE:FREQ=DAILY;INTERVAL=4;COUNT=3"),
        [(local(31, month=3), local(1)), (local(4), local(5)), (local(8), local(9))],
    ),
    "left out and added": (
        vcalendar(
            f"{TZID}:20270330T140000\nDURATION:PT30M\nRRULE:FREQ=DAILY;COUNT=4\n"
            "EXDATE;TZID=Australia/Sydney:20270331T140000,20270401T140000\n"
            "RDATE;TZID=Australia/Sydney:20270408T110000"
        ),
        [
            (local(30, 14, month=3), local(30, 14, 30, month=3)),
            (local(2, 14), local(2, 14, 30)),
            (local(8, 11), local(8, 11, 30)),
        ],
    ),
    "one occurrence is moved to another day": (
        vcalendar(
            f"{TZID}:20270330T140000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=2",
            f"RECURRENCE-ID;TZID=Australia/Sydney:20270406T140000\n{TZID}:20270407T080000\nDURATION:PT1H",
            uid="series@tests",
        ),
        [(local(30, 14, month=3), local(30, 15, month=3)), (local(7, 8), local(7, 9))],
    ),
    "one occurrence is cancelled": (
        vcalendar(
            f"{TZID}:20270330T140000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;COUNT=2",
            f"RECURRENCE-ID;TZID=Australia/Sydney:20270406T140000\n{TZID}:20270406T140000\nDURATION:PT1H\n"
            "STATUS:CANCELLED",
            uid="another@tests",
        ),
        [(local(30, 14, month=3), local(30, 15, month=3))],
    ),
    "until an instant": (
        vcalendar(f"{TZID}:20270330T090000\nDURATION:PT1H\nRRULE:FREQ=DAILY;UNTIL=20270330T220000Z"),
        [(local(30, 9, month=3), local(30, 10, month=3)), (local(31, 9, month=3), local(31, 10, month=3))],
    ),
    "free by its own word": (
        vcalendar("DTSTART:20270401T000000Z\nDTEND:20270401T010000Z\nTRANSP:TRANSPARENT"),
        [],
    ),
    "cancelled": (vcalendar("DTSTART:20270402T000000Z\nDTEND:20270402T010000Z\nSTATUS:CANCELLED"), []),
    "over midnight of the first day that is asked for": (
        vcalendar("DTSTART:20270327T220000Z\nDTEND:20270328T020000Z"),
        [(datetime(2027, 3, 27, 22, tzinfo=UTC), datetime(2027, 3, 28, 2, tzinfo=UTC))],
    ),
    "by the person's clock where no zone is said": (
        vcalendar("DTSTART:20270405T090000\nDTEND:20270405T100000"),
        [(local(5, 9), local(5, 10))],
    ),
}


@pytest.mark.proves("CAL-108")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_when_an_event_makes_busy(case: str) -> None:
    text, expected = CASES[case]
    assert times(text) == expected


@pytest.mark.proves("CAL-108")
async def test_all_of_them_as_a_server_gives_them_back(caldav_server: Radicale, now: MovedNow) -> None:
    caldav_server.makes(DANA.email)
    cut: list[tuple[datetime, datetime]] = []
    for text, expected in CASES.values():
        await caldav_server.puts(DANA.email, text)
        cut += [(max(start, FIRST), end) for start, end in expected]
    async with httpx.AsyncClient(auth=caldav_server.auth, trust_env=False) as http:
        outside = CalDav(http, caldav_server.template, in_sydney, now, 20)
        found = await outside.busy(somebody(), [DANA.email], FIRST, LAST)
    minute = timedelta(minutes=1)
    minutes = {start + m * minute for start, end in cut for m in range((end - start) // minute)}
    busy = found[DANA.email]
    assert sum(((one.end - one.start) for one in busy), timedelta()) == timedelta(minutes=len(minutes))
    assert all(any(one.start <= moment < one.end for one in busy) for moment in minutes)


@pytest.mark.parametrize("rule", ["FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6"])
def test_a_rule_without_any_day_is_not_followed_to_the_end_of_time(
    monkeypatch: pytest.MonkeyPatch, rule: str
) -> None:
    vendor: Any = rrule
    seen, prepare = list[int](), vendor._iterinfo.rebuild

    def rebuild(self: Any, year: int, month: int) -> None:
        seen.append(year)
        prepare(self, year, month)

    monkeypatch.setattr(vendor._iterinfo, "rebuild", rebuild)
    assert times(vcalendar(f"DTSTART:20200101T090000Z\nDURATION:PT1H\nRRULE:{rule}")) == []
    assert max(seen) < 2100


def test_every_day_for_centuries_is_refused() -> None:
    with pytest.raises(Unreadable):
        times(vcalendar("DTSTART:16010101T090000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY;BYMONTH=2"))
    # what Apple writes for a birthday without a year
    assert times(vcalendar("DTSTART;VALUE=DATE:16040402\nRRULE:FREQ=YEARLY")) == [(local(2), local(3))]


@pytest.mark.parametrize(
    "text",
    [
        vcalendar("DTSTART:19700101T000000Z\nDURATION:PT1M\nRRULE:FREQ=SECONDLY"),
        vcalendar("DTSTART:19700101T000000Z\nDURATION:PT1M\nRRULE:FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30"),
        vcalendar("DTSTART:00010101T000000Z\nDURATION:PT1M\nRRULE:FREQ=DAILY"),
        vcalendar("DTSTART:not-a-time"),
        vcalendar("DURATION:PT1H"),
        "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n",
        "nothing at all",
    ],
)
def test_what_cannot_be_read_is_not_taken_for_free(text: str) -> None:
    with pytest.raises(Unreadable):
        times(text)


@pytest.mark.proves("CAL-108")
@given(
    st.sampled_from(["Australia/Sydney", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]),
    st.dates(date(2027, 1, 1), date(2027, 12, 1)),
    st.integers(0, 23),
    st.integers(15, 600),
    st.integers(1, 9),
)
def test_a_daily_event_is_at_its_clock_time_every_day(
    tz: str, day: date, hour: int, minutes: int, interval: int
) -> None:
    place = ZoneInfo(tz)
    text = vcalendar(
        f"DTSTART;TZID={tz}:{day:%Y%m%d}T{hour:02}0000\nDURATION:PT{minutes}M\nRRULE:FREQ=DAILY;INTERVAL={interval}"
    )
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=40)
    found = times(text, start, start + timedelta(days=30))
    assert found
    for begins, ends in found:
        assert ends - begins == timedelta(minutes=minutes)
        wall = begins.astimezone(place)
        # where the clock jumps over the hour, it shows a later one on that day
        asked = wall.replace(hour=hour, minute=0)
        jumped = asked.astimezone(UTC).astimezone(place).hour != hour
        assert jumped or (wall.hour, wall.minute) == (hour, 0)
        assert (wall.date() - day).days % interval == 0
