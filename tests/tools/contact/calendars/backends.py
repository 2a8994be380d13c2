"""The calendars of the contract suite: each with a second connection, and a way to fill it from outside."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import httpx
import psycopg
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ports.db import Database, libpq_url
from tests.tools.contact.calendars.radicale import Radicale, single
from tests.tools.contact.calendars.stubs import GoogleStub, GraphStub
from tests.tools.contact.calendars.world import DANA, OMAR, MovedNow, keeps, meeting, somebody
from tools.servers.contact.calendars.builtin import BuiltinCalendar
from tools.servers.contact.calendars.caldav import CalDav
from tools.servers.contact.calendars.google import GoogleCalendar, GoogleToken, ServiceAccount
from tools.servers.contact.calendars.graph import GraphCalendar
from tools.servers.contact.calendars.outside import OutsideCalendar
from tools.servers.contact.calendars.port import Calendar
from tools.servers.contact.graph import Graph
from tools.servers.contact.people import Owner, Person


@dataclass
class Backend:
    """other: the same calendar through another process's eyes. events: how many there are, by the backend's
    own count. puts: somebody's own appointment. goes_away: it answers nothing from then on; asked by the
    calendar that comes back, which waits less long. waiting: one that waits as long as it is told."""

    owner: Owner
    calendar: Calendar
    other: Calendar
    events: Callable[[], int]
    puts: Callable[[Person, datetime, datetime], Awaitable[None]]
    goes_away: Callable[[], Awaitable[Calendar]]
    waiting: Callable[..., OutsideCalendar] | None = None
    stub: GraphStub | GoogleStub | None = None


@asynccontextmanager
async def builtin(url: str, now: MovedNow) -> AsyncIterator[Backend]:
    owner = somebody()
    here, there = Database(url, pool_size=2), Database(url, pool_size=2)
    calendar = BuiltinCalendar(here, now, keeps)

    def events() -> int:
        asked = "SELECT count(*) FROM contact.calendar_events WHERE organisation_id = %s"
        with psycopg.connect(libpq_url(url)) as connection:
            row = connection.execute(asked, (owner.organisation_id,)).fetchone()
        return row[0] if row else 0

    async def puts(person: Person, start: datetime, end: datetime) -> None:
        minutes = int((end - start).total_seconds() // 60)
        event = meeting(start.hour, minutes)
        assert (event.start, event.organiser) == (start, person)
        await calendar.place(owner, event)

    async def goes_away() -> Calendar:
        return BuiltinCalendar(Database("postgresql://x:y@127.0.0.1:9/none", pool_size=1), now, keeps)

    yield Backend(owner, calendar, BuiltinCalendar(there, now, keeps), events, puts, goes_away)
    await here.close()
    await there.close()


@asynccontextmanager
async def caldav(url: str, now: MovedNow, server: Radicale) -> AsyncIterator[Backend]:
    owner = somebody()
    async with AsyncExitStack() as opened:
        for person in (DANA, OMAR):
            server.makes(person.email)

        def calendar(limit_s: float = LIMIT_S) -> OutsideCalendar:
            database = Database(url, pool_size=2)
            opened.push_async_callback(database.close)
            http = httpx.AsyncClient(auth=server.auth, trust_env=False)
            opened.push_async_callback(http.aclose)
            outside = CalDav(http, server.template, in_sydney, now, limit_s)
            return OutsideCalendar(outside, database, now, keeps)

        async def goes_away() -> Calendar:
            await server.hangs()
            return calendar(IMPATIENT_S)

        async def puts(person: Person, start: datetime, end: datetime) -> None:
            await server.puts(person.email, single(start, end))

        yield Backend(owner, calendar(), calendar(), lambda: server.events(DANA.email), puts, goes_away)
        server.goes_on()


@asynccontextmanager
async def graph(url: str, now: MovedNow) -> AsyncIterator[Backend]:
    stub = GraphStub()
    async with AsyncExitStack() as opened:
        address = await opened.enter_async_context(stub.open(DANA.email, OMAR.email))

        def calendar(limit_s: float = LIMIT_S) -> OutsideCalendar:
            database = Database(url, pool_size=2)
            opened.push_async_callback(database.close)
            client = Graph(address, a_token, limit_s)
            opened.push_async_callback(client.close)
            return OutsideCalendar(GraphCalendar(client), database, now, keeps)

        yield _with_stub(stub, calendar)


@asynccontextmanager
async def google(url: str, now: MovedNow) -> AsyncIterator[Backend]:
    key = a_key()
    stub = GoogleStub(key=key.public_key())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    async with AsyncExitStack() as opened:
        address = await opened.enter_async_context(stub.open(DANA.email, OMAR.email))

        def calendar(limit_s: float = LIMIT_S) -> OutsideCalendar:
            database = Database(url, pool_size=2)
            opened.push_async_callback(database.close)
            http = httpx.AsyncClient(trust_env=False)
            opened.push_async_callback(http.aclose)
            account = ServiceAccount("bot@project.example", pem, "key-1", f"{address}/token")
            token = GoogleToken(account, http, now)
            outside = GoogleCalendar(http, f"{address}/calendar/v3", token, limit_s)
            return OutsideCalendar(outside, database, now, keeps)

        yield _with_stub(stub, calendar)


def _with_stub(stub: GraphStub | GoogleStub, calendar: Callable[..., OutsideCalendar]) -> Backend:
    async def puts(person: Person, start: datetime, end: datetime) -> None:
        stub.puts(person.email, start, end)

    async def goes_away() -> Calendar:
        stub.silent = True
        return calendar(IMPATIENT_S)

    return Backend(
        somebody(), calendar(), calendar(), lambda: stub.events(DANA.email), puts, goes_away, calendar, stub
    )


@cache
def a_key() -> rsa.RSAPrivateKey:
    """Making one takes longer than most of these tests."""
    return rsa.generate_private_key(65537, 2048)


async def a_token() -> str:
    return "token"


def in_sydney(owner: Owner, email: str) -> str:
    return "Australia/Sydney"


LIMIT_S, IMPATIENT_S = 20, 0.3
BACKENDS = ["builtin", "caldav", "graph", "google"]
