"""Microsoft 365 calendars through Graph (getSchedule, events), with an application's own rights.

An event bears its uid and sequence as extended properties of ours: by these it is found after a crash, and
`transactionId` keeps a repeated request from making a second one.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx

from kit.errors import Unavailable
from tools.servers.contact.calendars.busy import merged
from tools.servers.contact.calendars.errors import CalendarRefused, CalendarUnavailable, NoSuchEvent
from tools.servers.contact.calendars.outside import AlreadyThere, Changed, Mailboxes, Standing, unavailable
from tools.servers.contact.calendars.port import Busy, Event
from tools.servers.contact.graph import Graph, GraphRefused, segment
from tools.servers.contact.people import Owner, Person, address

_UID: Final = "String {c5b1b0c4-2f0e-4d0e-9b0a-3a7f6f1d9e11} Name SwitchboardUid"
_SEQUENCE: Final = "Integer {c5b1b0c4-2f0e-4d0e-9b0a-3a7f6f1d9e11} Name SwitchboardSequence"
_AT_ONCE: Final = 20
"""Mailboxes that one getSchedule answers for."""
_IN_UTC: Final = {"prefer": 'outlook.timezone="UTC", IdType="ImmutableId"'}
_BUSY: Final = frozenset({"busy", "oof", "tentative", "unknown"})
_SELECT: Final = "id,webLink,start,end"
_EXPAND: Final = f"singleValueExtendedProperties($filter=id eq '{_SEQUENCE}')"


@dataclass(frozen=True, slots=True)
class GraphCalendar:
    """Needs Calendars.ReadWrite as an application permission; limit it to the hosts' mailboxes in
    Exchange."""

    graph: Graph
    notifies: bool = True

    async def busy(
        self, owner: Owner, people: Sequence[str], start: datetime, end: datetime, but: str | None = None
    ) -> Mapping[str, list[Busy]]:
        """`but` cannot be told apart here."""
        found: dict[str, list[Busy]] = {}
        for at in range(0, len(people), _AT_ONCE):
            found |= await self._busy(people[at : at + _AT_ONCE], start, end)
        return found

    async def _busy(self, people: Sequence[str], start: datetime, end: datetime) -> dict[str, list[Busy]]:
        asked = {
            "schedules": list(people),
            "startTime": _moment(start, "UTC"),
            "endTime": _moment(end, "UTC"),
            "availabilityViewInterval": 30,
        }
        path = f"/users/{segment(people[0])}/calendar/getSchedule"
        answer = _taken(await self._call("POST", path, json=asked), 200)
        given = {address(str(one["scheduleId"])): one for one in answer["value"]}
        return {one: merged(_items(given, one), start, end) for one in people}

    async def create(self, event: Event, mailboxes: Mailboxes) -> Standing:
        body = _written(event) | {
            "transactionId": str(UUID(bytes=_digest(event.uid)[:16])),
            "singleValueExtendedProperties": [
                {"id": _UID, "value": event.uid},
                {"id": _SEQUENCE, "value": str(event.sequence)},
            ],
        }
        answer = await self._call("POST", _path(mailboxes), json=body, headers=_IN_UTC)
        if answer.status_code == 409:
            raise AlreadyThere
        return _standing(_taken(answer, 201), event.sequence)

    async def change(self, event: Event, mailboxes: Mailboxes, standing: Standing) -> Standing:
        body = _written(event) | {
            "singleValueExtendedProperties": [{"id": _SEQUENCE, "value": str(event.sequence)}]
        }
        headers = {**_IN_UTC, "if-match": standing.version}
        answer = await self._call("PATCH", _path(mailboxes, standing.event_id), json=body, headers=headers)
        if answer.status_code == 412:
            raise Changed
        if answer.status_code == 404:
            raise NoSuchEvent
        return _standing(_taken(answer, 200), event.sequence)

    async def delete(self, uid: str, mailboxes: Mailboxes, sequence: int) -> None:
        """Exchange tells the attendees, since the organiser's event goes."""
        standing = await self.get(uid, mailboxes)
        if standing is None:
            return
        answer = await self._call("DELETE", _path(mailboxes, standing.event_id), headers=_IN_UTC)
        if answer.status_code not in {204, 404}:
            raise _refused(answer)

    async def get(self, uid: str, mailboxes: Mailboxes) -> Standing | None:
        quoted = uid.replace("'", "''")
        asked = {
            "$filter": f"singleValueExtendedProperties/Any(ep: ep/id eq '{_UID}' and ep/value eq '{quoted}')",
            "$expand": _EXPAND,
            "$select": _SELECT,
            "$top": "1",
        }
        answer = _taken(await self._call("GET", _path(mailboxes), params=asked, headers=_IN_UTC), 200)
        return next((_standing(one, _sequence(one)) for one in answer["value"]), None)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        try:
            answer = await self.graph.call(method, path, json=json, params=params, headers=headers)
        except Unavailable as error:
            raise unavailable(error, "Microsoft's calendar") from error
        except GraphRefused as error:
            raise CalendarRefused(error.detail, hint=error.hint) from error
        if answer.status_code in {408, 423}:
            raise CalendarUnavailable
        return answer


def moment_of(given: Mapping[str, str]) -> datetime:
    """A Graph dateTimeTimeZone, in UTC: seven digits of a second; an IANA or a Windows name of a zone.
    Raises ValueError."""
    clock = datetime.fromisoformat(given["dateTime"][:26].rstrip("Z"))
    name = given.get("timeZone", "UTC")
    if name in {"UTC", "tzone://Microsoft/Utc"}:
        return clock.replace(tzinfo=UTC)
    # lazy: the table comes with a library that takes 60 ms
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    try:
        return clock.replace(tzinfo=ZoneInfo(WINDOWS_TO_OLSON.get(name, name))).astimezone(UTC)
    except (KeyError, OSError) as error:
        raise ValueError("an unknown zone") from error


def _moment(at: datetime, tz: str) -> dict[str, str]:
    """By the clock of the zone, which Outlook shows; in UTC where that clock shows it twice."""
    local = at.astimezone(ZoneInfo(tz))
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        local, tz = at.astimezone(UTC), "UTC"
    return {"dateTime": local.strftime("%Y-%m-%dT%H:%M:%S"), "timeZone": tz}


def _items(given: Mapping[str, Any], person: str) -> Iterable[Busy]:
    """Raises CalendarRefused for somebody of whom Exchange tells nothing: not known is not free."""
    schedule = given.get(address(person))
    if schedule is None or "error" in schedule:
        raise CalendarRefused("Microsoft does not show when one of the people is busy.")
    try:
        return [
            Busy(moment_of(one["start"]), moment_of(one["end"]))
            for one in schedule.get("scheduleItems", [])
            if one.get("status", "unknown").lower() in _BUSY
        ]
    except (ValueError, KeyError) as error:
        raise CalendarRefused("Microsoft's answer cannot be read.") from error


def _written(event: Event) -> dict[str, Any]:
    return {
        "subject": event.title,
        "body": {"contentType": "text", "content": event.notes},
        "start": _moment(event.start, event.tz),
        "end": _moment(event.end, event.tz),
        "location": {"displayName": event.location},
        "attendees": [_attendee(person) for person in event.people[1:]],
        "showAs": "busy",
        "responseRequested": True,
    }


def _attendee(person: Person) -> dict[str, Any]:
    return {"emailAddress": {"address": person.email, "name": person.name}, "type": "required"}


def _path(mailboxes: Mailboxes, event_id: str = "") -> str:
    path = f"/users/{segment(mailboxes.organiser)}/events"
    return f"{path}/{segment(event_id)}" if event_id else path


def _standing(given: Mapping[str, Any], sequence: int) -> Standing:
    try:
        start, end = moment_of(given["start"]), moment_of(given["end"])
    except (ValueError, KeyError) as error:
        raise CalendarRefused("Microsoft's answer cannot be read.") from error
    version = given.get("@odata.etag", "*")
    return Standing(given["id"], given.get("webLink", ""), start, end, sequence, version)


def _sequence(given: Mapping[str, Any]) -> int:
    found = (one["value"] for one in given.get("singleValueExtendedProperties", []) if one["id"] == _SEQUENCE)
    return int(next(found, 0))


def _digest(uid: str) -> bytes:
    return hashlib.sha256(uid.encode()).digest()


def _taken(answer: httpx.Response, status: int) -> Any:
    if answer.status_code != status:
        raise _refused(answer)
    return answer.json()


def _refused(answer: httpx.Response) -> CalendarRefused:
    """What Graph says about it may name people: only its number is told."""
    return CalendarRefused(f"Microsoft Graph answered {answer.status_code}.")
