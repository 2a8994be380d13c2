"""When somebody receives: weekly hours in their own zone, holidays, buffers, notice."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time, timedelta

Hours = tuple[tuple[time, time], ...]
"""Of one day, by the clock of the zone: half-open, in order, apart. 00:00 as an end is the end of the day."""
_NINE_TO_FIVE: Hours = ((time(9), time(17)),)


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """weekly: Monday is 0; a day left out is closed. holidays: the whole local day is closed.
    before, after: free time kept around a meeting. notice: how soon a meeting may begin from now.
    step: slots begin at multiples of it, counted from local midnight."""

    tz: str
    weekly: Mapping[int, Hours] = field(default_factory=lambda: dict.fromkeys(range(5), _NINE_TO_FIVE))
    country: str | None = None
    subdivision: str | None = None
    closed: frozenset[date] = frozenset()
    before: timedelta = timedelta()
    after: timedelta = timedelta()
    notice: timedelta = timedelta(hours=2)
    step: timedelta = timedelta(minutes=30)
