"""Free slots: out of hours, busy times, buffers and notice, those few that are worth offering. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from itertools import pairwise

from tools.servers.contact.calendars.port import Busy
from tools.servers.contact.times import zones
from tools.servers.contact.times.hours import OfficeHours
from tools.servers.contact.times.shapes import PARTS, Slot, Wanted
from tools.servers.contact.times.zones import Interval

_NOBODYS_STEP = timedelta(minutes=30)


def possible(wanted: Wanted, busy: Iterable[Busy], start: datetime, end: datetime) -> list[datetime]:
    """Every start within [start, end), in UTC, at which the whole meeting fits."""
    free = _free(wanted, busy, start, end)
    return [at for at in _grid(wanted, start, end) if _inside(free, at, at + wanted.duration)]


def around_busy(wanted: Wanted) -> timedelta:
    """How far busy times beyond the window matter."""
    return max((max(hours.before, hours.after) for hours in wanted.hours), default=timedelta())


def chosen(wanted: Wanted, starts: Sequence[datetime]) -> tuple[Slot, ...]:
    """min_slots of them: nearest first where a time was named, else over days and parts of a day, by time."""
    place = zones.zone(wanted.tz)
    fresh = [at for at in starts if at not in wanted.shown]
    around = wanted.around
    if around is not None:
        picked = sorted(fresh, key=lambda at: (abs(at - around), at))[: wanted.min_slots]
    else:
        picked = sorted(_spread([at.astimezone(place) for at in fresh], wanted.min_slots))
    return tuple(Slot(at.astimezone(place), (at + wanted.duration).astimezone(place)) for at in _utc(picked))


def _utc(starts: Iterable[datetime]) -> Iterator[datetime]:
    # Aware datetimes of one zone are added and compared by the clock: instants only in UTC.
    return (at.astimezone(zones.UTC) for at in starts)


def _free(wanted: Wanted, busy: Iterable[Busy], start: datetime, end: datetime) -> list[Interval]:
    """Open to everybody who receives, after the notice, apart from what is busy."""
    notice = max((hours.notice for hours in wanted.hours), default=timedelta())
    free: list[Interval] = [(max(start, wanted.now + notice), end)]
    if free[0][0] >= end:
        return []
    for hours in wanted.hours:
        free = zones.common(free, hours.opened(start, end))
    if wanted.part_of_day:
        free = zones.common(free, _part_hours(wanted).opened(start, end))
    return zones.common(free, _gaps(wanted, busy, start, end))


def _part_hours(wanted: Wanted) -> OfficeHours:
    assert wanted.part_of_day
    return OfficeHours(wanted.tz, dict.fromkeys(range(7), (PARTS[wanted.part_of_day],)))


def _gaps(wanted: Wanted, busy: Iterable[Busy], start: datetime, end: datetime) -> list[Interval]:
    apart = around_busy(wanted)
    taken = zones.merged((one.start - apart, one.end + apart) for one in busy)
    edges = [start, *(edge for one in taken for edge in one), end]
    gaps = list(pairwise(edges))[::2]
    return zones.merged((max(begins, start), min(ends, end)) for begins, ends in gaps)


def _grid(wanted: Wanted, start: datetime, end: datetime) -> Iterator[datetime]:
    place = zones.zone(wanted.hours[0].tz if wanted.hours else wanted.tz)
    step = wanted.hours[0].step if wanted.hours else _NOBODYS_STEP
    for stretch in zones.stretches(place, start, end):
        for day in zones.days(stretch):
            for number in range(timedelta(days=1) // step):
                at = zones.clock(stretch, day, number * step)
                if stretch.start <= at < stretch.end:
                    yield at


def _inside(free: Sequence[Interval], start: datetime, end: datetime) -> bool:
    return any(begins <= start and end <= ends for begins, ends in free)


def _spread(starts: Sequence[datetime], wanted: int) -> list[datetime]:
    """The soonest, then each time of the least used day and part of a day, as far by the clock as can be
    from those that are picked already."""
    left, picked = sorted(starts, key=lambda at: at.timestamp()), list[datetime]()
    of_day, of_part = Counter[object](), Counter[str]()
    while left and len(picked) < wanted:
        best = min(left, key=lambda at: _merit(at, picked, of_day, of_part))
        left.remove(best)
        picked.append(best)
        of_day[best.date()] += 1
        of_part[_part(best)] += 1
    return picked


def _merit(
    at: datetime, picked: Sequence[datetime], of_day: Counter[object], of_part: Counter[str]
) -> tuple[int, int, int, int, float]:
    apart = min((abs(_minutes(at.time()) - _minutes(one.time())) for one in picked), default=0)
    return of_day[at.date()], of_part[_part(at)], at.toordinal(), -apart, at.timestamp()


def _part(at: datetime) -> str:
    return "morning" if at.hour < 12 else "afternoon" if at.hour < 17 else "evening"


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute
