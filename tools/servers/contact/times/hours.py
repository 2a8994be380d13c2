"""When somebody receives: weekly hours in their own zone, holidays, buffers, notice."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cache

from kit.errors import Invalid
from tools.servers.contact.times import zones
from tools.servers.contact.times.zones import Interval

Hours = tuple[tuple[time, time], ...]
"""Of one day, by the clock of the zone: half-open. 00:00 as an end is the end of the day."""
_NINE_TO_FIVE: Hours = ((time(9), time(17)),)
_DAY = timedelta(days=1)


class UnknownHolidays(Invalid):
    code = "unknown_holidays"
    title = "The holidays of this country or subdivision are not known"
    default_hint = "Use ISO 3166 codes: country AU, subdivision NSW. Or list the days under 'closed'."


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """weekly: Monday is 0; a day left out is closed. country, subdivision: ISO 3166; their public holidays
    and `closed` are closed for the whole local day. before, after: free time kept around every meeting,
    so two meetings lie the larger of the two apart. notice: how soon a meeting may begin from now.
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

    def is_open(self, day: date) -> bool:
        if day in self.closed or not self.weekly.get(day.weekday()):
            return False
        return self.country is None or day not in public_holidays(self.country, self.subdivision, day.year)

    def opened(self, start: datetime, end: datetime) -> list[Interval]:
        """All of [start, end) in which the clock shows hours of an open day."""
        return zones.merged(self._pieces(start, end))

    def _pieces(self, start: datetime, end: datetime) -> Iterator[Interval]:
        for stretch in zones.stretches(zones.zone(self.tz), start, end):
            for day in filter(self.is_open, zones.days(stretch)):
                for opens, closes in self.weekly[day.weekday()]:
                    begins = zones.clock(stretch, day, _since_midnight(opens))
                    ends = zones.clock(stretch, day, _since_midnight(closes) or _DAY)
                    yield max(begins, stretch.start), min(ends, stretch.end)


@cache
def public_holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    """Reads the country's rules at the first call, some 0.5 s: in a thread. Raises UnknownHolidays."""
    import holidays  # lazy: 0.4 s, for hosts with a country only

    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))
    except NotImplementedError as error:
        raise UnknownHolidays(
            f"There are no holidays for {country}" + (f", {subdivision}." if subdivision else ".")
        ) from error


def _since_midnight(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute, seconds=clock.second)
