"""A contact server in this process with its real built-in systems, which a test can break."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID, uuid4

from sqlalchemy import text

from access.principal import Principal
from kit.wire.internal import AuditEvent
from ports.db import Database
from ports.queue import Pace
from tests.clocks import MovedClock
from tests.tools.world import MAYA
from tools.servers.contact.building import Contact, build_contact
from tools.servers.contact.calendars.builtin import BuiltinCalendar
from tools.servers.contact.calendars.errors import CalendarUnavailable
from tools.servers.contact.calendars.port import Busy, Calendar, Event, Placed
from tools.servers.contact.crm.errors import CrmUnavailable
from tools.servers.contact.crm.local import LocalCrm
from tools.servers.contact.crm.port import Crm, Entered, Lead
from tools.servers.contact.effects.systems import Systems
from tools.servers.contact.mail.errors import MailUnavailable
from tools.servers.contact.mail.outbox import Outbox
from tools.servers.contact.mail.port import Letter, Mail, Sent
from tools.servers.contact.patience import CALENDAR, CRM, MAIL, Patience
from tools.servers.contact.people import Owner, Person
from tools.servers.contact.settings import ContactSettings
from tools.servers.contact.times.desk import Desk
from tools.servers.contact.times.hosts import Host, Hosts
from tools.servers.contact.times.hours import OfficeHours
from tools.servers.serving import Asker, ServedTool, ToolCall, outcome

T = TypeVar("T")
Json = dict[str, Any]
QUICK = Pace(poll_s=0.05, heartbeat_s=0.2, lost_after_s=2.0, stop_within_s=10.0, reconnect_s=0.1)
DANA = Person("dana.hart@example.com", "Dana Hart")
HOSTS = Hosts(
    (
        Host(
            "training",
            "Training",
            (DANA,),
            OfficeHours("Australia/Sydney"),
            services=("ace",),
            topics=("training",),
            location="Hangar 4",
            phone="+61 2 5550 1200",
        ),
        Host(
            "office",
            "our office",
            (Person("office@example.com", "Our office"),),
            OfficeHours("Australia/Sydney"),
            phone="+61 2 5550 1000",
        ),
    )
)


@dataclass
class Faults:
    """fail: how many calls fail before they do anything; after: how many do it and then lose the answer."""

    error: type[Exception]
    fail: int = 0
    after: int = 0
    calls: int = 0
    before: Callable[[], Awaitable[None]] | None = None

    async def around(self, call: Callable[[], Awaitable[T]]) -> T:
        self.calls += 1
        if self.before:
            await self.before()
        if self.fail:
            self.fail -= 1
            raise self.error
        answer = await call()
        if self.after:
            self.after -= 1
            raise self.error
        return answer


@dataclass
class FaultyCalendar:
    inner: Calendar
    faults: Faults

    async def busy(
        self, owner: Owner, people: Sequence[str], start: datetime, end: datetime
    ) -> Mapping[str, Sequence[Busy]]:
        return await self.faults.around(lambda: self.inner.busy(owner, people, start, end))

    async def place(self, owner: Owner, event: Event) -> Placed:
        return await self.faults.around(lambda: self.inner.place(owner, event))

    async def move(self, owner: Owner, event: Event) -> Placed:
        return await self.faults.around(lambda: self.inner.move(owner, event))

    async def remove(self, owner: Owner, uid: str, sequence: int) -> None:
        await self.faults.around(lambda: self.inner.remove(owner, uid, sequence))

    async def find(self, owner: Owner, uid: str) -> Placed | None:
        return await self.inner.find(owner, uid)


@dataclass
class FaultyMail:
    inner: Mail
    faults: Faults

    async def send(self, owner: Owner, letter: Letter) -> Sent:
        return await self.faults.around(lambda: self.inner.send(owner, letter))

    async def sent(self, owner: Owner, key: str) -> Sent | None:
        return await self.inner.sent(owner, key)


@dataclass
class FaultyCrm:
    inner: Crm
    faults: Faults

    async def upsert(self, owner: Owner, key: str, lead: Lead) -> Entered:
        return await self.faults.around(lambda: self.inner.upsert(owner, key, lead))


@dataclass
class Heard:
    """The platform: what it was told."""

    events: list[AuditEvent] = field(default_factory=list[AuditEvent])

    async def events_of(self, type: str) -> list[Json]:
        return [event.data for event in self.events if event.type == type]

    async def take(self, organisation_id: UUID, events: Sequence[AuditEvent]) -> None:
        assert all(event.organisation_id == str(organisation_id) for event in events)
        self.events += events


@dataclass
class _Link:
    heard: Heard

    async def events(self, organisation_id: UUID, events: Sequence[AuditEvent]) -> None:
        await self.heard.take(organisation_id, events)


@dataclass
class World:
    contact: Contact
    database: Database
    outbox: Path
    clock: MovedClock
    calendar: Faults
    mail: Faults
    crm: Faults
    heard: Heard

    def tool(self, name: str) -> ServedTool:
        return next(tool for tool in self.contact.tools if tool.shape.name == name)

    async def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        resumption: Mapping[str, Any] | None = None,
        who: Principal = MAYA,
    ) -> Json:
        """As the gateway would: JSON in, JSON out."""
        call = ToolCall(name, arguments or {}, None, resumption or {})
        asker = Asker(who, who.access_keys)
        result = await outcome(self.tool(name), asker, call, self.contact.states)
        return json.loads(json.dumps(result))

    def begin(self, name: str = "meetings.book", who: Principal = MAYA, **arguments: Any) -> "Talk":
        return Talk(self, name, arguments, who)

    async def rows(self, table: str) -> list[Json]:
        async with self.database.begin() as session:
            found = await session.execute(text(f"SELECT * FROM contact.{table}"))
            return [dict(row) for row in found.mappings()]

    async def left(self) -> dict[str, int]:
        """What there is of anything: rows by table, letters, waiting jobs but the reports."""
        tables = ("bookings", "consents", "effects", "calendar_events", "crm_leads")
        counted = {table: len(await self.rows(table)) for table in tables}
        return counted | {"letters": len(self.letters())}

    def letters(self) -> list[Path]:
        return sorted(self.outbox.rglob("*.eml"))


@dataclass
class Talk:
    """One call of a resumable tool, step by step."""

    world: World
    name: str
    arguments: Json
    who: Principal
    last: Json = field(default_factory=dict[str, Any])

    async def start(self) -> "Talk":
        self.last = await self.world.call(self.name, self.arguments, None, self.who)
        return self

    @property
    def asked(self) -> str:
        """The key of the question."""
        return next(iter(self.last["inputRequests"]))

    @property
    def params(self) -> Json:
        return self.last["inputRequests"][self.asked]["params"]

    @property
    def fields(self) -> Json:
        return self.params["requestedSchema"]["properties"]

    @property
    def message(self) -> str:
        return self.params["message"]

    def options(self, name: str) -> list[str]:
        return [option["const"] for option in self.fields[name]["oneOf"]]

    def resumption(self, action: str, content: Json) -> Json:
        answer: Json = {"action": action, "content": content} if content else {"action": action}
        return {"inputResponses": {self.asked: answer}, "requestState": self.last["requestState"]}

    async def answer(self, action: str = "accept", **content: Any) -> "Talk":
        given = self.resumption(action, content)
        self.last = await self.world.call(self.name, self.arguments, given, self.who)
        return self

    @property
    def result(self) -> Json:
        assert "structuredContent" in self.last, self.last
        return self.last["structuredContent"]

    @property
    def error(self) -> str:
        assert self.last.get("isError"), self.last
        return self.last["content"][0]["text"]


FORM: Json = {
    "first_name": "Maya",
    "last_name": "Okafor",
    "email": "maya@example.com",
    "phone": "+61255501234",
    "topic": "ACE training",
    "reason": "training",
    "window": "next week",
    "duration": "30",
    "consent_privacy": True,
    "consent_contact": False,
}


async def to_slots(world: World, **given: Any) -> Talk:
    talk = await world.begin().start()
    return await talk.answer(**{**FORM, **given})


async def to_confirm(world: World, at: int = 0, **given: Any) -> Talk:
    talk = await to_slots(world, **given)
    return await talk.answer(slot=talk.options("slot")[at])


async def book(world: World, at: int = 0, **given: Any) -> Talk:
    talk = await to_confirm(world, at, **given)
    return await talk.answer(decision="book")


def impatient(patience: Patience, **change: Any) -> Patience:
    """The same without waiting."""
    return Patience(
        patience.name,
        tuple(0.0 for _ in patience.waits_s),
        patience.timeout_s,
        change.get("queued_s", patience.queued_s),
        patience.late_is_safe,
    )


def build(database: Database, folder: Path, **settings: Any) -> World:
    clock = MovedClock()
    faults = Faults(CalendarUnavailable), Faults(MailUnavailable), Faults(CrmUnavailable)
    calendar = FaultyCalendar(BuiltinCalendar(database, clock, HOSTS.keeps), faults[0])
    outbox = folder / "outbox"
    mail = FaultyMail(Outbox(outbox, Person("no-reply@example.com", "Switchboard"), clock), faults[1])
    crm = FaultyCrm(LocalCrm(database, clock), faults[2])
    heard = Heard()
    contact = build_contact(
        ContactSettings(**{"lease_s": 1.0, **settings}),
        database=database,
        desk=Desk(calendar, HOSTS, clock),
        systems=Systems(
            calendar,
            mail,
            crm,
            calendar_patience=impatient(CALENDAR),
            mail_patience=impatient(MAIL),
            crm_patience=impatient(CRM),
        ),
        platform=_Link(heard),
        secret=uuid4().bytes,
        clock=clock,
    )
    return World(contact, database, outbox, clock, *faults, heard)
