"""When the events of an iCalendar text make somebody busy: recurring, all-day, moved and left out ones.

Rules are expanded by the clock of the event's own zone, so a meeting at nine stays at nine across a change of
the clock; a day without a zone is the person's own (RFC 5545, 3.3.10, 3.8.4.4, 3.8.5).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from tools.servers.contact.calendars.port import Busy

_MOST: Final = 50_000
_FREQUENCIES: Final = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
"""Whoever sends an invitation chooses its rule: one "every second since 1970" must not stop us."""
_OFTEN: Final = frozenset({"DAILY", "WEEKLY"})
_CENTURIES: Final = 200
"""Years; a yearly one may be older: birthdays without a year are written as of 1604."""
_DAY = timedelta(days=1)
_NOT_BUSY: Final = frozenset({"CANCELLED"})


class _Over(Exception):
    """Past the time that was asked about."""


class Unreadable(ValueError):
    """This is not a calendar that we can read; treating it as free time would be wrong."""


def busy_times(text: str, place: ZoneInfo, start: datetime, end: datetime, but: str | None) -> Iterator[Busy]:
    """Of all its events but the one with this uid, as far as they overlap [start, end). place: whose days are
    meant where no zone is said. Raises Unreadable."""
    # lazy: 60 ms, for who has chosen CalDAV
    from icalendar import Calendar

    try:
        events = cast(Any, Calendar.from_ical(text)).walk("VEVENT")
        series: dict[str, list[Any]] = {}
        for event in events:
            if str(event.get("UID", "")) != but:
                series.setdefault(str(event.get("UID", "")), []).append(event)
        for events_of_one in series.values():
            yield from _of_series(events_of_one, place, start, end)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unreadable("an event of the calendar cannot be read") from error


def _of_series(events: Sequence[Any], place: ZoneInfo, start: datetime, end: datetime) -> Iterator[Busy]:
    """A series' own event, and those of its occurrences that were changed (RECURRENCE-ID)."""
    changed = {_key(one["RECURRENCE-ID"].dt, place): one for one in events if "RECURRENCE-ID" in one}
    for event in events:
        if "RECURRENCE-ID" in event:
            yield from _if_busy(event, _begins(event), place, start, end)
            continue
        for begins in _starts(event, place, start, end):
            if _key(begins, place) not in changed:
                yield from _if_busy(event, begins, place, start, end)


def _if_busy(
    event: Any, begins: date | datetime, place: ZoneInfo, start: datetime, end: datetime
) -> Iterator[Busy]:
    if str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
        return
    if str(event.get("STATUS", "")).upper() in _NOT_BUSY:
        return
    first, last = _instants(event, begins, place)
    if first < end and last > start and first < last:
        yield Busy(first, last)


def _begins(event: Any) -> date | datetime:
    return event["DTSTART"].dt


def _instants(event: Any, begins: date | datetime, place: ZoneInfo) -> tuple[datetime, datetime]:
    """A whole day is from midnight to midnight of its place, whether that is 23, 24 or 25 hours; so are the
    days of a DURATION. All else is elapsed time, the same for every occurrence (RFC 5545, 3.8.5.3)."""
    if not isinstance(begins, datetime):
        days = _length(event).days or 1
        return _midnight(begins, place), _midnight(begins + days * _DAY, place)
    first = _instant(begins, place)
    if "DURATION" in event:
        length = _length(event)
        rest = length - length.days * _DAY
        return first, _instant(begins + length.days * _DAY, place) + rest
    if "DTEND" not in event:
        return first, first
    return first, first + (_instant(event["DTEND"].dt, place) - _instant(event["DTSTART"].dt, place))


def _length(event: Any) -> timedelta:
    if "DURATION" in event:
        return event["DURATION"].dt
    if "DTEND" in event:
        return event["DTEND"].dt - event["DTSTART"].dt
    return timedelta()


def _instant(at: datetime, place: ZoneInfo) -> datetime:
    """Floating times are the person's own."""
    return (at if at.tzinfo else at.replace(tzinfo=place)).astimezone(UTC)


def _midnight(day: date, place: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), place).astimezone(UTC)


def _key(at: date | datetime, place: ZoneInfo) -> datetime:
    return _instant(at, place) if isinstance(at, datetime) else _midnight(at, place)


def _starts(event: Any, place: ZoneInfo, start: datetime, end: datetime) -> Iterator[date | datetime]:
    own = _begins(event)
    left_out = {_key(one.dt, place) for one in _dates(event, "EXDATE")}
    seen = set[datetime]()
    extra = [_first(one.dt) for one in _dates(event, "RDATE")]
    for at in (own, *_by_rules(event, own, place, start, end), *extra):
        key = _key(at, place)
        if key not in left_out and key not in seen:
            seen.add(key)
            yield at


def _first(given: Any) -> date | datetime:
    """Of RDATE;VALUE=PERIOD we take the start; its length is the event's."""
    return cast(Any, given)[0] if isinstance(given, tuple) else given


def _dates(event: Any, name: str) -> list[Any]:
    return [one for many in _many(event, name) for one in many.dts]


def _many(event: Any, name: str) -> list[Any]:
    """A property that stands once is not in a list."""
    found: Any = event.get(name, [])
    return cast(list[Any], found) if isinstance(found, list) else [found]


def _by_rules(
    event: Any, own: date | datetime, place: ZoneInfo, start: datetime, end: datetime
) -> Iterator[date | datetime]:
    for rule in _many(event, "RRULE"):
        yield from _by_rule(rule, own, _span(event, place, start, end))


def _span(event: Any, place: ZoneInfo, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    """By any clock: an occurrence that begins outside of it cannot overlap [start, end)."""
    longest = abs(_length(event)) + 2 * _DAY
    return (start - longest).replace(tzinfo=None), (end + 2 * _DAY).replace(tzinfo=None)


def _by_rule(
    rule: Mapping[str, Any], own: date | datetime, span: tuple[datetime, datetime]
) -> Iterator[date | datetime]:
    """Expanded without a zone, by the clock; each is put into the zone afterwards."""
    # lazy: see `busy_times`
    from dateutil.rrule import rrulestr

    zone = own.tzinfo if isinstance(own, datetime) else None
    naive = own.replace(tzinfo=None) if isinstance(own, datetime) else datetime.combine(own, time())
    text = cast(Any, rule).to_ical().decode()
    parts = [part for part in text.split(";") if not part.upper().startswith("UNTIL=")]
    if until := cast(Any, rule).get("UNTIL"):
        parts.append(f"UNTIL={_until(until[0], zone):%Y%m%dT%H%M%S}")
    frequency = str(cast(Any, rule).get("FREQ", [""])[0]).upper()
    if frequency not in _FREQUENCIES:
        raise Unreadable("an event recurs within the day")
    years = span[1].year - naive.year
    if frequency in _OFTEN and years > _CENTURIES:
        raise Unreadable("an event recurs daily for centuries")
    expanded: Any = cast(Any, rrulestr)(";".join(parts), dtstart=naive)
    for number, at in enumerate(_ending(expanded, years)):
        if at > span[1]:
            return
        if number > _MOST:
            raise Unreadable("an event has too many occurrences")
        if at >= span[0]:
            yield at.replace(tzinfo=zone) if isinstance(own, datetime) else at.date()


def _ending(rule: Any, years: int) -> Iterator[datetime]:
    """The rule's occurrences, looked for no further than in so many years after its first.

    A rule that has no occurrence (30 February, daily) is otherwise followed to the year 9999, for ten
    seconds: dateutil looks at its end only where it has found something. It prepares each year by
    reading `_byweekno`, once to five times.
    """
    left = 6 * (max(years, 0) + 2)

    def counted(self: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise _Over
        return self.__dict__["_byweekno"]

    rule.__class__ = type("Ending", (cast(type[Any], type(rule)),), {"_byweekno": property(counted)})
    with suppress(_Over):
        yield from rule


def _until(until: date | datetime, zone: Any) -> datetime:
    """In UTC it is meant as an instant (RFC 5545, 3.3.10); a date is the whole of that day."""
    if not isinstance(until, datetime):
        return datetime.combine(until, time(23, 59, 59))
    if until.tzinfo is not None and zone is not None:
        return until.astimezone(zone).replace(tzinfo=None)
    return until.replace(tzinfo=None)
