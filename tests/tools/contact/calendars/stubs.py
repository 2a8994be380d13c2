"""Stand-ins for Microsoft Graph and Google Calendar, with their shapes, their errors and their oddities."""

import asyncio
import itertools
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.loopback import listening

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_ids = itertools.count(1)


@dataclass
class Faulty:
    """faults: what the next requests are answered, before anything is done; None: nothing, ever.
    lost: of so many requests that write, the answer is lost after they have worked."""

    faults: deque[web.Response | None] = field(default_factory=deque[web.Response | None])
    lost: int = 0
    silent: bool = False
    released: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[str] = field(default_factory=list[str])

    def middleware(self) -> Any:
        @web.middleware
        async def answer(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.seen.append(f"{request.method} {request.path}")
            fault = self.faults.popleft() if self.faults else web.Response(status=0)
            if fault is None or self.silent:
                await self.released.wait()
                return web.Response(status=503)
            if fault.status:
                return fault
            given = await handler(request)
            if self.lost and request.method in {"POST", "PATCH"} and request.path.endswith("/events"):
                self.lost -= 1
                await self.released.wait()
            return given

        return answer

    @asynccontextmanager
    async def running(self, routes: list[web.RouteDef]) -> AsyncGenerator[str]:
        app = web.Application(middlewares=[self.middleware()])
        app.add_routes(routes)
        async with listening(app) as url:
            yield url
            self.released.set()


@dataclass
class GraphStub(Faulty):
    """zone: in which getSchedule tells times, by its Windows name where it has one. edited: how many times an
    event is changed by its owner just after we have read it."""

    mailboxes: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])
    zone: tuple[str, str] = ("UTC", "UTC")
    hidden: set[str] = field(default_factory=set[str])
    edited: int = 0

    @asynccontextmanager
    async def open(self, *people: str) -> AsyncGenerator[str]:
        self.mailboxes |= {one: {} for one in people}
        routes = [
            web.post("/v1.0/users/{who}/calendar/getSchedule", self.get_schedule),
            web.get("/v1.0/users/{who}/events", self.listed),
            web.post("/v1.0/users/{who}/events", self.created),
            web.patch("/v1.0/users/{who}/events/{id}", self.patched),
            web.delete("/v1.0/users/{who}/events/{id}", self.deleted),
        ]
        async with self.running(routes) as url:
            yield f"{url}/v1.0"

    def puts(self, person: str, start: datetime, end: datetime, status: str = "busy") -> None:
        when = {"start": _graph_time(start), "end": _graph_time(end)}
        self.mailboxes[person][f"own-{next(_ids)}"] = when | {"showAs": status, "attendees": []}

    def events(self, person: str) -> int:
        return sum("transactionId" in one for one in self.mailboxes[person].values())

    async def get_schedule(self, request: web.Request) -> web.Response:
        asked = await request.json()
        start, end = _read_graph(asked["startTime"]), _read_graph(asked["endTime"])
        value = [self._schedule(person, start, end) for person in asked["schedules"]]
        return web.json_response({"value": value})

    def _schedule(self, person: str, start: datetime, end: datetime) -> Json:
        if person not in self.mailboxes or person in self.hidden:
            problem = {"message": "The mailbox does not exist.", "responseCode": "ErrorMailRecipientNotFound"}
            return {"scheduleId": person, "availabilityView": "", "scheduleItems": [], "error": problem}
        items = [self._item(one) for one in self._seen_by(person) if _overlaps(one, start, end)]
        return {"scheduleId": person.upper(), "availabilityView": "0", "scheduleItems": items}

    def _seen_by(self, person: str) -> list[Json]:
        """What others have invited somebody to stands in their own calendar, too."""
        own = list(self.mailboxes[person].values())
        others = (one for name, box in self.mailboxes.items() if name != person for one in box.values())
        invited = [one for one in others if person in _attendees(one)]
        return [*own, *({**one, "showAs": "tentative"} for one in invited)]

    def _item(self, event: Json) -> Json:
        name, place = self.zone
        local = {key: _read_graph(event[key]).astimezone(ZoneInfo(place)) for key in ("start", "end")}
        times = {
            key: {"dateTime": f"{when:%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": name}
            for key, when in local.items()
        }
        return {"status": event["showAs"], "subject": "", "isPrivate": False, **times}

    async def listed(self, request: web.Request) -> web.Response:
        found = re.search(r"ep/value eq '((?:[^']|'')*)'", request.query["$filter"])
        assert found
        uid = found[1].replace("''", "'")
        box = self.mailboxes[request.match_info["who"]].values()
        value = [one for one in box if _property(one, "SwitchboardUid") == uid]
        answer = web.json_response({"value": value[: int(request.query["$top"])]})
        if self.edited and value:
            self.edited -= 1
            value[0]["@odata.etag"] = f'W/"{next(_ids)}"'
        return answer

    async def created(self, request: web.Request) -> web.Response:
        body = await request.json()
        box = self.mailboxes[request.match_info["who"]]
        if any(one.get("transactionId") == body["transactionId"] for one in box.values()):
            return _graph_error(409, "ErrorDuplicateTransactionId")
        event_id = f"AAMkAG/{next(_ids)}+="
        box[event_id] = _normal(body) | {
            "id": event_id,
            "@odata.etag": f'W/"{next(_ids)}"',
            "webLink": f"https://outlook.office365.com/owa/?itemid={event_id}",
            "createdDateTime": "2026-12-01T00:00:00.1234567Z",
        }
        return web.json_response(box[event_id], status=201)

    async def patched(self, request: web.Request) -> web.Response:
        event = self.mailboxes[request.match_info["who"]].get(request.match_info["id"])
        if event is None:
            return _graph_error(404, "ErrorItemNotFound")
        if request.headers.get("if-match", "*") not in {"*", event["@odata.etag"]}:
            return _graph_error(412, "ErrorIrresolvableConflict")
        body = await request.json()
        kept = {one["id"]: one for one in event["singleValueExtendedProperties"]}
        kept |= {one["id"]: one for one in body.pop("singleValueExtendedProperties", [])}
        event |= _normal(body) | {
            "singleValueExtendedProperties": list(kept.values()),
            "@odata.etag": f'W/"{next(_ids)}"',
        }
        return web.json_response(event)

    async def deleted(self, request: web.Request) -> web.Response:
        gone = self.mailboxes[request.match_info["who"]].pop(request.match_info["id"], None)
        return web.Response(status=204) if gone else _graph_error(404, "ErrorItemNotFound")


def _graph_error(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": "…"}}, status=status)


def _normal(body: Json) -> Json:
    """Graph answers in UTC where it is asked to."""
    return body | {key: _graph_time(_read_graph(body[key])) for key in ("start", "end") if key in body}


def _graph_time(at: datetime) -> Json:
    return {"dateTime": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.0000000", "timeZone": "UTC"}


def _read_graph(given: Json) -> datetime:
    clock = datetime.fromisoformat(given["dateTime"][:19])
    return clock.replace(tzinfo=ZoneInfo(given["timeZone"])).astimezone(UTC)


def _overlaps(event: Json, start: datetime, end: datetime) -> bool:
    return _read_graph(event["start"]) < end and _read_graph(event["end"]) > start


def _attendees(event: Json) -> set[str]:
    return {one["emailAddress"]["address"] for one in event["attendees"]}


def _property(event: Json, name: str) -> str | None:
    found = (
        one["value"] for one in event.get("singleValueExtendedProperties", []) if one["id"].endswith(name)
    )
    return next(found, None)


@dataclass
class GoogleStub(Faulty):
    """A deleted event stays as `cancelled`, and keeps its id."""

    key: RSAPublicKey | None = None
    calendars: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])
    told: list[str] = field(default_factory=list[str])
    url: str = ""

    @asynccontextmanager
    async def open(self, *people: str) -> AsyncGenerator[str]:
        self.calendars |= {one: {} for one in people}
        events = "/calendar/v3/calendars/{who}/events"
        routes = [
            web.post("/token", self.token),
            web.post("/calendar/v3/freeBusy", self.free_busy),
            web.post(events, self.inserted),
            web.get(events + "/{id}", self.got),
            web.put(events + "/{id}", self.updated),
            web.patch(events + "/{id}", self.updated),
            web.delete(events + "/{id}", self.deleted),
        ]
        async with self.running(routes) as self.url:
            yield self.url

    def puts(self, person: str, start: datetime, end: datetime) -> None:
        self.calendars[person][f"own{next(_ids)}"] = {
            "status": "confirmed",
            "start": {"dateTime": start.isoformat()},
            "end": {"dateTime": end.isoformat()},
            "attendees": [],
        }

    def events(self, person: str) -> int:
        box = self.calendars[person].values()
        return sum("htmlLink" in one and one["status"] == "confirmed" for one in box)

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        assert self.key
        claims = jwt.decode(
            str(form["assertion"]),
            self.key,
            ["RS256"],
            audience=f"{self.url}/token",
            options={"verify_exp": False, "verify_iat": False},
        )
        assert claims["scope"] == "https://www.googleapis.com/auth/calendar"
        return web.json_response({"access_token": f"for-{claims['sub']}", "expires_in": 3599})

    async def free_busy(self, request: web.Request) -> web.Response:
        asked = await request.json()
        start, end = datetime.fromisoformat(asked["timeMin"]), datetime.fromisoformat(asked["timeMax"])
        found = {one["id"]: self._busy(one["id"], start, end) for one in asked["items"]}
        return web.json_response({"kind": "calendar#freeBusy", "calendars": found})

    def _busy(self, person: str, start: datetime, end: datetime) -> Json:
        if person not in self.calendars:
            return {"errors": [{"domain": "global", "reason": "notFound"}], "busy": []}
        boxes = self.calendars.items()
        mine = [
            (datetime.fromisoformat(one["start"]["dateTime"]), datetime.fromisoformat(one["end"]["dateTime"]))
            for name, box in boxes
            for one in box.values()
            if one["status"] == "confirmed" and (name == person or person in _guests(one))
        ]
        busy = [
            {
                "start": f"{a.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
                "end": f"{b.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            }
            for a, b in sorted(mine)
            if a < end and b > start
        ]
        return {"busy": busy}

    def _acts_as(self, request: web.Request) -> str:
        who = request.match_info["who"]
        assert request.headers["authorization"] == f"Bearer for-{who}"
        return who

    async def inserted(self, request: web.Request) -> web.Response:
        body = await request.json()
        box = self.calendars[self._acts_as(request)]
        assert re.fullmatch(r"[a-v0-9]{5,1024}", body["id"])
        if body["id"] in box:
            return _google_error(409, "duplicate")
        return self._kept(request, body["id"], body | {"status": "confirmed"})

    def _kept(self, request: web.Request, event_id: str, event: Json) -> web.Response:
        self.told.append(request.query.get("sendUpdates", "none"))
        kept = event | {
            "etag": f'"{next(_ids)}"',
            "htmlLink": f"https://www.google.com/calendar/event?eid={event_id}",
            "created": "2026-12-01T00:00:00.000Z",
        }
        self.calendars[request.match_info["who"]][event_id] = kept
        return web.json_response(kept)

    async def got(self, request: web.Request) -> web.Response:
        event = self.calendars[self._acts_as(request)].get(request.match_info["id"])
        return web.json_response(event) if event else _google_error(404, "notFound")

    async def updated(self, request: web.Request) -> web.Response:
        event_id = request.match_info["id"]
        event = self.calendars[self._acts_as(request)].get(event_id)
        if event is None:
            return _google_error(404, "notFound")
        if request.headers.get("if-match", event["etag"]) != event["etag"]:
            return _google_error(412, "conditionNotMet")
        return self._kept(request, event_id, event | await request.json())

    async def deleted(self, request: web.Request) -> web.Response:
        event = self.calendars[self._acts_as(request)].get(request.match_info["id"])
        if event is None:
            return _google_error(404, "notFound")
        if event["status"] == "cancelled":
            return _google_error(410, "deleted")
        event["status"] = "cancelled"
        return web.Response(status=204)


def _guests(event: Json) -> set[str]:
    return {one["email"] for one in event["attendees"]}


def _google_error(status: int, reason: str) -> web.Response:
    errors = [{"domain": "global", "reason": reason, "message": "…"}]
    return web.json_response({"error": {"errors": errors, "code": status, "message": "…"}}, status=status)


def google_error(status: int, reason: str) -> web.Response:
    return _google_error(status, reason)
