"""Free slots of people: their calendars, their hours, and what is worth offering out of it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from tools.servers.contact.calendars.port import Busy, Calendar
from tools.servers.contact.people import Owner, address
from tools.servers.contact.times import slots, zones
from tools.servers.contact.times.hours import OfficeHours, public_holidays
from tools.servers.contact.times.shapes import Found, Wanted, Window

LONGEST = timedelta(days=60)
"""Microsoft Graph answers for 62 days at once."""
_FURTHER = timedelta(days=28)
_DAY = timedelta(days=1)


async def find_slots(calendar: Calendar, owner: Owner, wanted: Wanted) -> Found:
    """What is free of [start, end), the first sixty days of it. Raises CalendarUnavailable, UnknownZone,
    UnknownHolidays."""
    await asyncio.to_thread(_read_holidays, wanted)
    start = max(wanted.start, wanted.now).astimezone(UTC)
    end = min(wanted.end.astimezone(UTC), start + LONGEST)
    starts = await _starts(calendar, owner, wanted, start, end)
    found = slots.chosen(wanted, starts)
    if len(found) >= wanted.min_slots:
        return Found(found)
    return Found(found, await _next_window(calendar, owner, wanted, max(start, end)))


async def _starts(
    calendar: Calendar, owner: Owner, wanted: Wanted, start: datetime, end: datetime
) -> list[datetime]:
    if start >= end:
        return []
    apart = slots.around_busy(wanted)
    people = sorted({address(one) for one in wanted.participants})
    kept = await calendar.busy(owner, people, start - apart, end + apart)
    return slots.possible(wanted, _all(kept), start, end)


def _all(kept: Mapping[str, Sequence[Busy]]) -> list[Busy]:
    return [one for busy in kept.values() for one in busy]


async def _next_window(calendar: Calendar, owner: Owner, wanted: Wanted, after: datetime) -> Window | None:
    """As long as what was asked for (a day at least), from the first day after it with something free."""
    starts = await _starts(calendar, owner, wanted, after, after + _FURTHER)
    fresh = [at for at in starts if at not in wanted.shown]
    if not fresh:
        return None
    place = zones.zone(wanted.tz)
    begins = max(after, zones.midnight(place, fresh[0].astimezone(place).date()))
    asked = min(wanted.end - wanted.start, LONGEST)
    last = (begins.astimezone(place) + max(asked, _DAY)).date()
    ends = max(zones.midnight(place, last), fresh[0] + wanted.duration)
    return Window(begins.astimezone(place), ends.astimezone(place), wanted.part_of_day)


def _read_holidays(wanted: Wanted) -> None:
    for hours in wanted.hours:
        if hours.country:
            for year in _years(wanted, hours):
                public_holidays(hours.country, hours.subdivision, year)


def _years(wanted: Wanted, hours: OfficeHours) -> range:
    place = zones.zone(hours.tz)
    last = max(min(wanted.end, wanted.now + 2 * LONGEST), wanted.now) + _FURTHER + _DAY
    return range(wanted.now.astimezone(place).year, last.astimezone(place).year + 1)
