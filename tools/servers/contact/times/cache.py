"""Slots that were found a moment ago, in Redis for a minute (SPEC 7's caches, by versions).

The key holds the organisation and everything that the answer depends on; the versions are those of the
participants, each of whom gets a new one when an event of theirs changes. What comes out is what would be
computed: time is rounded up to the minute before, so that a kept slot is never inside somebody's notice.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec
import structlog

from ports.redis import Cache, CacheDoor, CacheScopes, CacheUnavailable, Kept
from tools.servers.contact.calendars.port import Busy, Calendar, Event, Placed
from tools.servers.contact.people import Owner, address
from tools.servers.contact.times import zones
from tools.servers.contact.times.finding import find_slots
from tools.servers.contact.times.shapes import Found, Slot, Wanted, Window

LIVES_S: Final = 60
_ALL: Final = "slots"
_MINUTE = timedelta(minutes=1)
_log = structlog.get_logger()
_packed = msgspec.json.Encoder(order="deterministic")
_unpacked = msgspec.json.Decoder(Found)


class SlotCache:
    """find_slots with a memory."""

    def __init__(self, door: CacheDoor, calendar: Calendar) -> None:
        self._calendar = calendar
        self._cache = Cache[Found](door, "slots", LIVES_S, Kept(_packed.encode, _load))

    async def find_slots(self, owner: Owner, wanted: Wanted) -> Found:
        """Raises what finding.find_slots raises."""
        asked = _rounded(wanted)
        scopes = [_ALL, *map(_scope, sorted(map(address, asked.participants)))]
        found, _ = await self._cache.get(
            owner.organisation_id,
            scopes,
            _packed.encode(msgspec.to_builtins(asked, str_keys=True, order="deterministic")),
            lambda: find_slots(self._calendar, owner, asked),
        )
        return _in_zone(found, wanted.tz)


class Remembering:
    """A calendar whose changes are told to the caches, also those of which nobody knows how they ended."""

    def __init__(self, calendar: Calendar, scopes: CacheScopes) -> None:
        self._calendar = calendar
        self._scopes = scopes

    async def busy(
        self, owner: Owner, people: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Sequence[Busy]]:
        return await self._calendar.busy(owner, people, start, end)

    async def place(self, owner: Owner, event: Event) -> Placed:
        try:
            return await self._calendar.place(owner, event)
        finally:
            await self._changed(owner, event)

    async def move(self, owner: Owner, event: Event) -> Placed:
        try:
            return await self._calendar.move(owner, event)
        finally:
            await self._changed(owner, event)

    async def remove(self, owner: Owner, uid: str, sequence: int) -> None:
        try:
            await self._calendar.remove(owner, uid, sequence)
        finally:
            # whose it was is not known here
            await self._tell(owner, _ALL)

    async def find(self, owner: Owner, uid: str) -> Placed | None:
        return await self._calendar.find(owner, uid)

    async def _changed(self, owner: Owner, event: Event) -> None:
        await self._tell(owner, *(_scope(person.address) for person in event.people))

    async def _tell(self, owner: Owner, *scopes: str) -> None:
        try:
            await self._scopes.changed(owner.organisation_id, *scopes)
        except CacheUnavailable:
            # A slot may be offered once more for a minute; placing it is refused all the same.
            _log.warning("contact.slots_not_forgotten")


def _scope(participant: str) -> str:
    return f"slots:{hashlib.sha256(participant.encode()).hexdigest()[:32]}"


def _rounded(wanted: Wanted) -> Wanted:
    """The same for everybody who asks within a minute."""
    whole = wanted.now.replace(second=0, microsecond=0)
    now = (whole if whole == wanted.now else whole + _MINUTE).astimezone(zones.UTC)
    people = tuple(sorted({address(one) for one in wanted.participants}))
    start = max(wanted.start.astimezone(zones.UTC), now)
    return replace(wanted, now=now, participants=people, start=start, end=wanted.end.astimezone(zones.UTC))


def _load(body: bytes) -> Found:
    try:
        return _unpacked.decode(body)
    except msgspec.MsgspecError as error:
        raise ValueError("not slots") from error


def _in_zone(found: Found, tz: str) -> Found:
    """JSON keeps the offset, not the zone."""
    place = zones.zone(tz)
    slots = tuple(Slot(one.start.astimezone(place), one.end.astimezone(place)) for one in found.slots)
    window = found.next_window
    if window is not None:
        window = Window(window.start.astimezone(place), window.end.astimezone(place), window.part_of_day)
    return Found(slots, window)
