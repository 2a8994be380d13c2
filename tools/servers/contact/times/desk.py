"""Where the tools ask for times: calendar, hosts, cache and clock in one place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from kit.clock import Clock
from tools.servers.contact.calendars.port import Calendar
from tools.servers.contact.people import Owner
from tools.servers.contact.shapes import FindSlots, Slots, TimeRange
from tools.servers.contact.times.cache import SlotCache
from tools.servers.contact.times.finding import find_slots
from tools.servers.contact.times.hosts import Hosts
from tools.servers.contact.times.hours import OfficeHours
from tools.servers.contact.times.shapes import Found, Slot, Wanted

_NEAR: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Desk:
    """cache: None asks the calendar each time."""

    calendar: Calendar
    hosts: Hosts
    clock: Clock
    cache: SlotCache | None = None

    async def find(self, owner: Owner, wanted: Wanted) -> Found:
        """Raises CalendarUnavailable, UnknownZone, UnknownHolidays."""
        if self.cache is not None:
            return await self.cache.find_slots(owner, wanted)
        return await find_slots(self.calendar, owner, wanted)

    async def tool(self, owner: Owner, asked: FindSlots) -> Slots:
        """calendar.find_slots."""
        wanted = Wanted(
            participants=tuple(asked.participants),
            duration=timedelta(minutes=asked.duration_min),
            start=asked.window_start,
            end=asked.window_end,
            now=self.clock.now(),
            tz=asked.tz,
            hours=self.hours(owner, asked.participants),
            min_slots=asked.min_slots,
        )
        found = await self.find(owner, wanted)
        further = found.next_window
        return Slots(
            slots=[TimeRange(start=one.start, end=one.end) for one in found.slots],
            generated_at=self.clock.now(),
            next_window=TimeRange(start=further.start, end=further.end) if further else None,
        )

    async def alternatives(
        self, owner: Owner, participants: Sequence[str], duration: timedelta, near: datetime, tz: str
    ) -> tuple[Slot, ...]:
        """Three other times, the nearest to what was taken first; fewer where there are not more within the
        weeks after. Never from the cache: it has just been wrong."""
        now = self.clock.now()
        wanted = Wanted(
            participants=tuple(participants),
            duration=duration,
            start=max(now, near - _NEAR),
            end=near + _NEAR,
            now=now,
            tz=tz,
            hours=self.hours(owner, participants),
            around=near,
            shown=frozenset({near}),
        )
        found = await find_slots(self.calendar, owner, wanted)
        window = found.next_window
        if window is None:
            return found.slots
        more = await find_slots(
            self.calendar, owner, replace(wanted, start=window.start, end=window.end, around=None)
        )
        return (*found.slots, *more.slots)[: wanted.min_slots]

    def hours(self, owner: Owner, participants: Sequence[str]) -> tuple[OfficeHours, ...]:
        """Of those participants who receive."""
        found: list[OfficeHours] = []
        for one in participants:
            host = self.hosts.at(owner, one)
            if host is not None and host.hours not in found:
                found.append(host.hours)
        return tuple(found)
