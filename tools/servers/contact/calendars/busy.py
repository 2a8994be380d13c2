"""Busy times, put into the one form in which every calendar answers."""

from collections.abc import Iterable
from datetime import UTC, datetime

from tools.servers.contact.calendars.port import Busy


def merged(busy: Iterable[Busy], start: datetime, end: datetime) -> list[Busy]:
    """In UTC, within [start, end), sorted, apart; what only touches is joined."""
    joined: list[Busy] = []
    for one in sorted(_within(busy, start.astimezone(UTC), end.astimezone(UTC))):
        if joined and one.start <= joined[-1].end:
            joined[-1] = Busy(joined[-1].start, max(joined[-1].end, one.end))
        else:
            joined.append(one)
    return joined


def overlaps(busy: Iterable[Busy], start: datetime, end: datetime) -> bool:
    return any(one.start < end and start < one.end for one in busy)


def _within(busy: Iterable[Busy], start: datetime, end: datetime) -> Iterable[Busy]:
    for one in busy:
        begins, ends = max(one.start.astimezone(UTC), start), min(one.end.astimezone(UTC), end)
        if begins < ends:
            yield Busy(begins, ends)
