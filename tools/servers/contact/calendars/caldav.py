"""CalDAV (RFC 4791): one collection per person, one account of ours that may read and write them."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import httpx
from defusedxml import ElementTree

from kit.clock import Clock
from tools.servers.contact.calendars.busy import merged
from tools.servers.contact.calendars.errors import CalendarRefused, CalendarUnavailable, NoSuchEvent
from tools.servers.contact.calendars.occurrences import Unreadable, busy_times
from tools.servers.contact.calendars.outside import AlreadyThere, Changed, Mailboxes, Standing, unavailable
from tools.servers.contact.calendars.port import Busy, Event
from tools.servers.contact.calendars.vevent import read_back, written
from tools.servers.contact.graph import wait_of
from tools.servers.contact.people import Owner

ZoneOf = Callable[[Owner, str], str]
"""Whose whole days and floating times are meant by whose clock."""
_LARGEST: Final = 8_000_000
_DAY = timedelta(days=1)
_ICS: Final = {"content-type": "text/calendar; charset=utf-8"}
_DATA: Final = "{urn:ietf:params:xml:ns:caldav}calendar-data"
_QUERY: Final = """<?xml version="1.0" encoding="utf-8"?>
<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">
  <D:prop><C:calendar-data/></D:prop>
  <C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">
    <C:time-range start="{start:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"/>
  </C:comp-filter></C:comp-filter></C:filter>
</C:calendar-query>"""


@dataclass(frozen=True, slots=True)
class CalDav:
    """collection: the address of a person's calendar, with `{email}` or `{name}` (what stands before the @).
    http: signs in by itself. timeout_s: of one call, as a whole."""

    http: httpx.AsyncClient
    collection: str
    zone_of: ZoneOf
    clock: Clock
    timeout_s: float
    notifies: bool = False

    async def busy(
        self, owner: Owner, people: Sequence[str], start: datetime, end: datetime, but: str | None = None
    ) -> Mapping[str, list[Busy]]:
        """Expanded by us: a server's own free/busy puts whole days into UTC."""
        found = await asyncio.gather(*(self._busy(owner, one, start, end, but) for one in people))
        return dict(zip(people, found, strict=True))

    async def _busy(
        self, owner: Owner, person: str, start: datetime, end: datetime, but: str | None
    ) -> list[Busy]:
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        # A whole day of the person's zone begins up to 14 hours before or after that of UTC.
        query = _QUERY.format(start=start - _DAY, end=end + _DAY)
        headers = {"content-type": "application/xml; charset=utf-8", "depth": "1"}
        answer = await self._call("REPORT", self._collection(person), query.encode(), headers)
        if answer.status_code != 207:
            raise _refused(answer)
        place = ZoneInfo(self.zone_of(owner, person))
        return await asyncio.to_thread(_read, answer.content, place, start, end, but)

    async def create(self, event: Event, mailboxes: Mailboxes) -> Standing:
        """The organiser's last: what stands there stands everywhere."""
        body = written(event, self.clock.now())
        for person in (*mailboxes.others, mailboxes.organiser):
            address = self._address(person, event.uid)
            answer = await self._call("PUT", address, body, {**_ICS, "if-none-match": "*"})
            if answer.status_code == 412 and person == mailboxes.organiser:
                raise AlreadyThere
            if answer.status_code not in {200, 201, 204, 412}:
                raise _refused(answer)
        return await self._read_back(event, mailboxes)

    async def change(self, event: Event, mailboxes: Mailboxes, standing: Standing) -> Standing:
        body = written(event, self.clock.now())
        headers = {**_ICS, "if-match": standing.version}
        answer = await self._call("PUT", self._address(mailboxes.organiser, event.uid), body, headers)
        if answer.status_code == 412:
            raise Changed
        if answer.status_code not in {200, 201, 204}:
            raise _refused(answer)
        for person in mailboxes.others:
            copied = await self._call("PUT", self._address(person, event.uid), body, _ICS)
            if copied.status_code not in {200, 201, 204}:
                raise _refused(copied)
        return await self._read_back(event, mailboxes)

    async def delete(self, uid: str, mailboxes: Mailboxes, sequence: int) -> None:
        for person in (*mailboxes.others, mailboxes.organiser):
            answer = await self._call("DELETE", self._address(person, uid))
            if answer.status_code not in {200, 204, 404, 410}:
                raise _refused(answer)

    async def get(self, uid: str, mailboxes: Mailboxes) -> Standing | None:
        address = self._address(mailboxes.organiser, uid)
        answer = await self._call("GET", address)
        if answer.status_code in {404, 410}:
            return None
        if answer.status_code != 200:
            raise _refused(answer)
        try:
            start, end, sequence = read_back(answer.text)
        except (ValueError, KeyError) as error:
            raise CalendarRefused("The event in the calendar cannot be read any more.") from error
        return Standing(uid, address, start, end, sequence, answer.headers.get("etag", ""))

    async def _read_back(self, event: Event, mailboxes: Mailboxes) -> Standing:
        standing = await self.get(event.uid, mailboxes)
        if standing is None:
            raise NoSuchEvent
        return standing

    def _collection(self, person: str) -> str:
        name = quote(person.partition("@")[0], safe="")
        filled = self.collection.replace("{email}", quote(person, safe="@")).replace("{name}", name)
        return filled if filled.endswith("/") else f"{filled}/"

    def _address(self, person: str, uid: str) -> str:
        # A uid may hold what no path can.
        return f"{self._collection(person)}{hashlib.sha256(uid.encode()).hexdigest()[:40]}.ics"

    async def _call(
        self,
        method: str,
        address: str,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await self.http.request(method, address, content=content, headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            raise unavailable(error, "The calendar") from error
        if answer.status_code == 429 or answer.status_code >= 500:
            wait = wait_of(answer.headers.get("retry-after"))
            raise CalendarUnavailable("The calendar cannot do it now.", retry_after=wait)
        return answer


def _read(body: bytes, place: ZoneInfo, start: datetime, end: datetime, but: str | None) -> list[Busy]:
    if len(body) > _LARGEST:
        raise CalendarRefused("The calendar's answer is larger than 8 MB.")
    try:
        tree = ElementTree.fromstring(body)
        texts = [found.text or "" for found in tree.iter(_DATA)]
        return merged((one for text in texts for one in busy_times(text, place, start, end, but)), start, end)
    except (Unreadable, ElementTree.ParseError) as error:
        raise CalendarRefused("The calendar's answer cannot be read.") from error


def _refused(answer: httpx.Response) -> CalendarRefused:
    """Only its number: what it says may name people."""
    return CalendarRefused(f"The calendar answered {answer.status_code}.")
