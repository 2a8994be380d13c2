"""An IANA zone as VTIMEZONE: its changes of clock around an event.

icalendar's own generator reads the onset of a change from the clock after it (03:00 instead of 02:00 in
spring); RFC 5545, 3.6.5 wants the one before, and strict readers are an hour off otherwise.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from tools.servers.contact.ical import add

if TYPE_CHECKING:
    from icalendar import Timezone

_STEP = timedelta(hours=12)
_SECOND = timedelta(seconds=1)


@lru_cache(maxsize=64)
def vtimezone(tz: str, first_year: int, last_year: int) -> "Timezone":
    """Right from a year before to a year after; no table of the last century."""
    # lazy: 60 ms, needed only where a letter is written
    from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

    zone = ZoneInfo(tz)
    begin, end = datetime(first_year - 1, 1, 1, tzinfo=UTC), datetime(last_year + 2, 1, 1, tzinfo=UTC)
    component = Timezone()
    add(component, "tzid", tz)
    for moment, before in [(begin, _offset(zone, begin)), *_changes(zone, begin, end)]:
        local = moment.astimezone(zone)
        observance = TimezoneDaylight() if local.dst() else TimezoneStandard()
        add(observance, "tzoffsetfrom", before)
        add(observance, "tzoffsetto", _offset(zone, moment))
        add(observance, "tzname", local.tzname() or tz)
        add(observance, "dtstart", (moment + before).replace(tzinfo=None))
        component.add_component(observance)
    return component


def _changes(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[tuple[datetime, timedelta]]:
    """The first second of each new offset, in UTC, and the offset before it."""
    moment = begin
    while moment < end:
        after = moment + _STEP
        if _offset(zone, moment) != _offset(zone, after):
            yield _onset(zone, moment, after), _offset(zone, moment)
        moment = after


def _onset(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if _offset(zone, middle) == _offset(zone, before):
            before = middle
        else:
            after = middle
    return after


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()
