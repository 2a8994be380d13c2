"""What is wanted and what was found. Every datetime is aware."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Literal

from tools.servers.contact.times.hours import OfficeHours

PartOfDay = Literal["morning", "afternoon", "evening", "lunch"]
PARTS: dict[PartOfDay, tuple[time, time]] = {
    "morning": (time(0), time(12)),
    "afternoon": (time(12), time(17, 30)),
    "evening": (time(17), time(22)),
    "lunch": (time(11, 30), time(14)),
}
"""Local clock times, half-open."""


@dataclass(frozen=True, slots=True)
class Slot:
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Window:
    """Half-open. part_of_day: of every day in it, by the clock of the zone in which it was said.
    around: an exact time that was named ("tomorrow at 3"): the window is then its day."""

    start: datetime
    end: datetime
    part_of_day: PartOfDay | None = None
    around: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """duration is elapsed time. tz: whose clock part_of_day, days and answers go by. hours: of everybody
    who receives, all at once; none: any time. shown: starts that were offered already and not taken."""

    participants: tuple[str, ...]
    duration: timedelta
    start: datetime
    end: datetime
    now: datetime
    tz: str
    hours: tuple[OfficeHours, ...] = ()
    min_slots: int = 3
    part_of_day: PartOfDay | None = None
    around: datetime | None = None
    shown: frozenset[datetime] = field(default_factory=frozenset[datetime])


@dataclass(frozen=True, slots=True)
class Found:
    """slots: sorted, in Wanted.tz; min_slots of them, or all where there are fewer. next_window: where to
    look further when there are fewer; None: nothing within four weeks after the window."""

    slots: tuple[Slot, ...]
    next_window: Window | None = None
