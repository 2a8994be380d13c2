"""The contact server from the settings: for the all-in-one, and as a process of its own."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import httpx
from starlette.types import ASGIApp

from access.grants import GrantStore
from kit.clock import Clock, SystemClock
from launch import separate
from launch.kept_worker import KeptWorker
from launch.parts import Keys
from launch.shape import ShapeSettings
from ports.db import Database, DatabaseSettings
from ports.redis import CacheDoor, CacheScopes, Redis, RedisSettings, connect
from tools.servers.contact import migrations
from tools.servers.contact.building import Contact, build_contact
from tools.servers.contact.calendars.opening import BadCalendarSettings, open_calendar
from tools.servers.contact.calendars.port import Calendar
from tools.servers.contact.calendars.settings import CalendarSettings
from tools.servers.contact.crm.opening import open_crm
from tools.servers.contact.crm.settings import CrmSettings
from tools.servers.contact.effects.reporting import HttpPlatform, Platform
from tools.servers.contact.effects.systems import Systems
from tools.servers.contact.mail.opening import open_mail
from tools.servers.contact.mail.settings import MailSettings
from tools.servers.contact.settings import ContactSettings
from tools.servers.contact.times.cache import Remembering, SlotCache
from tools.servers.contact.times.desk import Desk
from tools.servers.contact.times.hosts import BadHosts, read_hosts

OUTBOX = "outbox"
_PLATFORM_TIMEOUT_S = 10.0


@asynccontextmanager
async def composed(
    keys: Keys,
    database: Database,
    redis: Redis | None,
    platform: Platform | None,
    clock: Clock,
    *,
    data: Path | None = None,
    sample_hosts: Path | None = None,
) -> AsyncGenerator[Contact]:
    """data: the folder of the all-in-one, where the outbox lies unless the settings name another.
    sample_hosts: who receives where the settings name no file. redis: None keeps no slots.
    Raises separate.Refused for settings that cannot be used."""
    settings = ContactSettings()
    try:
        hosts = read_hosts(settings.hosts or sample_hosts)
        opened = open_calendar(CalendarSettings(), database, clock, keeps=hosts.keeps, zone_of=hosts.zone_of)
    except BadHosts as error:
        raise separate.Refused(f"SWITCHBOARD_CONTACT__HOSTS: {error}") from error
    except BadCalendarSettings as error:
        raise separate.Refused(str(error)) from error
    calendar: Calendar = opened.calendar
    cache = None
    if redis is not None and settings.slot_cache:
        calendar = Remembering(calendar, CacheScopes(redis))
        cache = SlotCache(CacheDoor(redis), calendar)
    contact = build_contact(
        settings,
        database=database,
        desk=Desk(calendar, hosts, clock, cache),
        systems=Systems(calendar, open_mail(_mail(data), clock), open_crm(CrmSettings(), database, clock)),
        platform=platform,
        secret=keys.contact.private.private_bytes_raw(),
        clock=clock,
    )
    warming = asyncio.create_task(contact.warm())
    try:
        yield contact
    finally:
        await asyncio.gather(warming, return_exceptions=True)
        await contact.stop()
        await opened.close()


def reports_to(url: str, client: httpx.AsyncClient, keys: Keys, clock: Clock) -> Platform:
    return HttpPlatform(url, client, keys.contact_minter(clock))


@asynccontextmanager
async def apart(shape: ShapeSettings, redis: Redis | None) -> AsyncGenerator[tuple[Contact, Keys]]:
    """The server's own stores and its way to the platform. Raises separate.Missing, separate.Refused."""
    keys, clock = separate.keys(shape), SystemClock()
    url = separate.needed(DatabaseSettings().url, "DB__URL", "the address of Postgres")
    platform = separate.needed(shape.platform_url, "SHAPE__PLATFORM_URL", "where the api answers")
    database = Database(url, DatabaseSettings().pool_size)
    try:
        async with httpx.AsyncClient(timeout=_PLATFORM_TIMEOUT_S) as client:
            await _check_tables(database)
            reports = reports_to(platform, client, keys, clock)
            async with composed(keys, database, redis, reports, clock) as contact:
                yield contact, keys
    finally:
        await database.close()


async def run(host: str, port: int) -> None:
    """`switchboard tool contact`: its tools, and the consumer of its queue, until a signal."""
    shape = ShapeSettings()
    redis = connect(separate.needed(RedisSettings().url, "REDIS__URL", "the address of Redis"))
    try:
        async with apart(shape, redis) as (contact, keys):
            worker = KeptWorker(contact.worker)
            working = asyncio.create_task(worker.run())
            try:
                await separate.serve(served(contact, keys, redis), host, port)
            finally:
                await worker.stop()
                await asyncio.gather(working, return_exceptions=True)
    finally:
        await redis.aclose()


def served(contact: Contact, keys: Keys, redis: Redis) -> ASGIApp:
    return contact.app(keys.trusted, cast(GrantStore, redis))


def _mail(data: Path | None) -> MailSettings:
    settings = MailSettings()
    if data is None or "outbox" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"outbox": data / OUTBOX})


async def _check_tables(database: Database) -> None:
    async with database.begin() as session:
        if not await migrations.is_current(session):
            raise separate.Refused(
                "The contact server's tables are not those of this release. Run: switchboard migrate"
            )
