"""Google Calendar (v3), by a service account with domain-wide delegation: it acts as each organiser.

The id of an event is ours, made of its uid, so a repeated request meets the first one's event (409).
"""

import asyncio
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import httpx
import jwt

from kit.clock import Clock
from tools.servers.contact.calendars.busy import merged
from tools.servers.contact.calendars.errors import CalendarRefused, CalendarUnavailable, NoSuchEvent
from tools.servers.contact.calendars.outside import AlreadyThere, Changed, Mailboxes, Standing
from tools.servers.contact.calendars.port import Busy, Event
from tools.servers.contact.graph import segment, wait_of
from tools.servers.contact.people import Owner

_SCOPE: Final = "https://www.googleapis.com/auth/calendar"
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LIVES_S: Final = 3600
_EARLY_S: Final = 300
_AT_ONCE: Final = 50
"""Calendars that one freeBusy answers for."""
_PATIENCE: Final = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"})
_TELL: Final = {"sendUpdates": "all"}


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """As in the key file that Google gives. private_key: PEM."""

    email: str
    private_key: str
    key_id: str
    token_url: str


@dataclass(slots=True)
class GoogleToken:
    """An access token for each person that is acted as, kept until five minutes before it ends."""

    account: ServiceAccount
    http: httpx.AsyncClient
    clock: Clock
    _kept: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])

    async def of(self, subject: str) -> str:
        """Raises CalendarUnavailable, CalendarRefused, httpx.HTTPError."""
        now = self.clock.now().timestamp()
        token, until = self._kept.get(subject, ("", 0.0))
        if now < until:
            return token
        answer = await self.http.post(
            self.account.token_url, data={"grant_type": _GRANT, "assertion": self._assertion(subject, now)}
        )
        given = _taken(answer, {200})
        self._kept[subject] = str(given["access_token"]), now + float(given.get("expires_in", 0)) - _EARLY_S
        return self._kept[subject][0]

    def _assertion(self, subject: str, now: float) -> str:
        claims = {
            "iss": self.account.email,
            "sub": subject,
            "scope": _SCOPE,
            "aud": self.account.token_url,
            "iat": int(now),
            "exp": int(now) + _LIVES_S,
        }
        headers = {"kid": self.account.key_id}
        try:
            return jwt.encode(claims, self.account.private_key, "RS256", headers)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise CalendarRefused("The key of Google's service account cannot be used.") from error


@dataclass(frozen=True, slots=True)
class GoogleCalendar:
    """timeout_s: of one call, its token included."""

    http: httpx.AsyncClient
    base_url: str
    token: GoogleToken
    timeout_s: float
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
        asked = {"timeMin": _utc(start), "timeMax": _utc(end), "items": [{"id": one} for one in people]}
        answer = _taken(await self._call("POST", "/freeBusy", people[0], json=asked), {200})
        return {one: merged(_times(answer["calendars"].get(one)), start, end) for one in people}

    async def create(self, event: Event, mailboxes: Mailboxes) -> Standing:
        body = _written(event) | {"id": _id(event.uid)}
        answer = await self._call("POST", _path(mailboxes), mailboxes.organiser, json=body, params=_TELL)
        if answer.status_code != 409:
            return _standing(_taken(answer, {200}))
        if await self.get(event.uid, mailboxes) is not None:
            raise AlreadyThere
        # It was deleted, which keeps its id: the same event is made to be again.
        return await self._again(body, mailboxes)

    async def _again(self, body: dict[str, Any], mailboxes: Mailboxes) -> Standing:
        path = _path(mailboxes, body["id"])
        whole = body | {"status": "confirmed"}
        answer = await self._call("PUT", path, mailboxes.organiser, json=whole, params=_TELL)
        return _standing(_taken(answer, {200}))

    async def change(self, event: Event, mailboxes: Mailboxes, standing: Standing) -> Standing:
        answer = await self._call(
            "PATCH",
            _path(mailboxes, standing.event_id),
            mailboxes.organiser,
            json=_written(event),
            params=_TELL,
            headers={"if-match": standing.version},
        )
        if answer.status_code == 412:
            raise Changed
        if answer.status_code in {404, 410}:
            raise NoSuchEvent
        return _standing(_taken(answer, {200}))

    async def delete(self, uid: str, mailboxes: Mailboxes, sequence: int) -> None:
        answer = await self._call("DELETE", _path(mailboxes, _id(uid)), mailboxes.organiser, params=_TELL)
        if answer.status_code not in {200, 204, 404, 410}:
            raise _refused(answer)

    async def get(self, uid: str, mailboxes: Mailboxes) -> Standing | None:
        answer = await self._call("GET", _path(mailboxes, _id(uid)), mailboxes.organiser)
        if answer.status_code in {404, 410}:
            return None
        given = _taken(answer, {200})
        return None if given.get("status") == "cancelled" else _standing(given)

    async def _call(
        self,
        method: str,
        path: str,
        subject: str,
        *,
        json: Any = None,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        try:
            async with asyncio.timeout(self.timeout_s):
                sent = {"authorization": f"Bearer {await self.token.of(subject)}", **(headers or {})}
                address = f"{self.base_url.rstrip('/')}{path}"
                answer = await self.http.request(method, address, json=json, params=params, headers=sent)
        except (httpx.HTTPError, TimeoutError) as error:
            raise CalendarUnavailable("Google's calendar does not answer.") from error
        _is_able(answer)
        return answer


def _is_able(answer: httpx.Response) -> None:
    """Raises CalendarUnavailable for what passes by waiting; Google says some of that with 403."""
    busy = answer.status_code == 403 and _reasons(answer) & _PATIENCE
    if busy or answer.status_code == 429 or answer.status_code >= 500:
        wait = wait_of(answer.headers.get("retry-after"))
        raise CalendarUnavailable("Google's calendar cannot do it now.", retry_after=wait)


def _reasons(answer: httpx.Response) -> set[str]:
    try:
        return {str(one.get("reason")) for one in answer.json()["error"]["errors"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


def _times(calendar: Mapping[str, Any] | None) -> Iterable[Busy]:
    """Raises CalendarRefused for somebody of whom Google tells nothing: not known is not free."""
    if calendar is None or calendar.get("errors"):
        raise CalendarRefused("Google does not show when one of the people is busy.")
    try:
        return [Busy(_instant(one["start"]), _instant(one["end"])) for one in calendar.get("busy", [])]
    except (ValueError, KeyError) as error:
        raise CalendarRefused("Google's answer cannot be read.") from error


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("no offset")
    return found.astimezone(UTC)


def _written(event: Event) -> dict[str, Any]:
    attendees = [{"email": person.email, "displayName": person.name} for person in event.people]
    return {
        "summary": event.title,
        "description": event.notes,
        "location": event.location,
        "start": _local(event.start, event.tz),
        "end": _local(event.end, event.tz),
        "attendees": [attendees[0] | {"responseStatus": "accepted"}, *attendees[1:]],
        "extendedProperties": {"private": {"switchboardSequence": str(event.sequence)}},
    }


def _local(at: datetime, tz: str) -> dict[str, str]:
    return {"dateTime": at.astimezone(ZoneInfo(tz)).isoformat(timespec="seconds"), "timeZone": tz}


def _standing(given: Mapping[str, Any]) -> Standing:
    private = given.get("extendedProperties", {}).get("private", {})
    try:
        # An event of whole days has no dateTime: somebody has made it one.
        start, end = _instant(given["start"]["dateTime"]), _instant(given["end"]["dateTime"])
        sequence = int(private.get("switchboardSequence", 0))
    except (ValueError, KeyError) as error:
        raise CalendarRefused("The event in Google's calendar cannot be read any more.") from error
    return Standing(given["id"], given.get("htmlLink", ""), start, end, sequence, given.get("etag", "*"))


def _id(uid: str) -> str:
    """Google takes a-v and 0-9."""
    return hashlib.sha256(uid.encode()).hexdigest()


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _path(mailboxes: Mailboxes, event_id: str = "") -> str:
    path = f"/calendars/{segment(mailboxes.organiser)}/events"
    return f"{path}/{event_id}" if event_id else path


def _taken(answer: httpx.Response, statuses: set[int]) -> Any:
    _is_able(answer)
    if answer.status_code not in statuses:
        raise _refused(answer)
    return answer.json()


def _refused(answer: httpx.Response) -> CalendarRefused:
    """What Google says about it may name people: only its number is told."""
    return CalendarRefused(f"Google answered {answer.status_code}.")
