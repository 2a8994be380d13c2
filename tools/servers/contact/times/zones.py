"""Instants and clocks. All arithmetic is on instants: a clock time may come twice, or not at all."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kit.errors import Invalid

_LOOK = timedelta(hours=3)
"""No zone has ever changed its offset twice within so little."""
_DAY = timedelta(days=1)

Interval = tuple[datetime, datetime]
"""Half-open, aware, in UTC."""


class UnknownZone(Invalid):
    code = "unknown_zone"
    title = "This time zone is not known"
    default_hint = "Name it as in the IANA database: Australia/Sydney, Europe/Berlin, UTC."


def zone(name: str) -> ZoneInfo:
    """Raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        # OSError: the name of a folder of the database, such as "Australia"
        raise UnknownZone("That is not the name of a time zone.") from error


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time in which a zone keeps one offset."""

    start: datetime
    end: datetime
    offset: timedelta


def stretches(place: ZoneInfo, start: datetime, end: datetime) -> Iterator[Stretch]:
    """[start, end) cut where the clock jumps."""
    begun, at = start.astimezone(UTC), start.astimezone(UTC)
    last = end.astimezone(UTC)
    offset = _offset(place, at)
    while at < last:
        further = min(at + _LOOK, last)
        if (other := _offset(place, further)) != offset:
            jump = _jump(place, at, further)
            yield Stretch(begun, jump, offset)
            begun, offset = jump, other
        at = further
    if begun < last:
        yield Stretch(begun, last, offset)


def instant(place: ZoneInfo, day: date, clock: time) -> datetime:
    """When the clock there shows this, in UTC: the first time of two; where the clock jumps over it, the
    moment of the jump."""
    naive = datetime.combine(day, clock)
    early = naive.replace(tzinfo=place, fold=0).astimezone(UTC)
    if early.astimezone(place).replace(tzinfo=None) == naive:
        return early
    return _jump(place, naive.replace(tzinfo=place, fold=1).astimezone(UTC), early)


def midnight(place: ZoneInfo, day: date) -> datetime:
    """When that day begins there, in UTC."""
    return instant(place, day, time())


def days(stretch: Stretch) -> Iterator[date]:
    """The local dates that the stretch touches."""
    day = (stretch.start + stretch.offset).date()
    last = stretch.end + stretch.offset
    while datetime.combine(day, time(), UTC) < last:
        yield day
        day += _DAY


def clock(stretch: Stretch, day: date, since_midnight: timedelta) -> datetime:
    """The instant at which the clock of the stretch shows that; it may lie outside the stretch."""
    return datetime.combine(day, time(), UTC) + since_midnight - stretch.offset


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Sorted, apart; empty ones are gone."""
    joined: list[Interval] = []
    for start, end in sorted(one for one in intervals if one[0] < one[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def common(left: Sequence[Interval], right: Sequence[Interval]) -> list[Interval]:
    """What lies in both; each is merged."""
    found: list[Interval] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < end:
            found.append((start, end))
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return found


def _offset(place: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(place).utcoffset() or timedelta()


def _jump(place: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first instant of the offset that holds at `after`; the two hold different ones."""
    old = _offset(place, before)
    low, high = int(before.timestamp()), int(after.timestamp())
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(place, datetime.fromtimestamp(middle, UTC)) == old:
            low = middle
        else:
            high = middle
    return datetime.fromtimestamp(high, UTC)
