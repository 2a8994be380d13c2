"""Which calendar it is, by the settings."""

import json
from dataclasses import dataclass

import httpx

from kit.clock import Clock
from ports.db import Database
from ports.http import client
from tools.servers.contact.calendars.builtin import BuiltinCalendar, Keeps
from tools.servers.contact.calendars.caldav import CalDav, ZoneOf
from tools.servers.contact.calendars.google import GoogleCalendar, GoogleToken, ServiceAccount
from tools.servers.contact.calendars.graph import GraphCalendar
from tools.servers.contact.calendars.outside import Outside, OutsideCalendar
from tools.servers.contact.calendars.port import Calendar
from tools.servers.contact.calendars.settings import CalendarSettings
from tools.servers.contact.graph import Graph, GraphSettings, open_graph


class BadCalendarSettings(ValueError):
    """The message names the setting that is wrong."""


@dataclass(frozen=True, slots=True)
class OpenedCalendar:
    calendar: Calendar
    kept: httpx.AsyncClient | Graph | None = None

    async def close(self) -> None:
        if isinstance(self.kept, Graph):
            await self.kept.close()
        elif self.kept is not None:
            await self.kept.aclose()


def open_calendar(
    settings: CalendarSettings,
    database: Database,
    clock: Clock,
    *,
    keeps: Keeps,
    zone_of: ZoneOf,
    graph: GraphSettings | None = None,
) -> OpenedCalendar:
    """keeps, zone_of: hosts.keeps, hosts.zone_of. graph: read from the environment where it is not given and
    needed. Raises BadCalendarSettings."""
    if settings.backend == "builtin":
        return OpenedCalendar(BuiltinCalendar(database, clock, keeps))
    outside, kept = _outside(settings, clock, zone_of, graph)
    return OpenedCalendar(OutsideCalendar(outside, database, clock, keeps), kept)


def _outside(
    settings: CalendarSettings, clock: Clock, zone_of: ZoneOf, graph: GraphSettings | None
) -> tuple[Outside, httpx.AsyncClient | Graph]:
    if settings.backend == "graph":
        opened = open_graph(graph or GraphSettings(), settings.timeout_s, clock)
        return GraphCalendar(opened), opened
    http = client(settings.timeout_s)
    if settings.backend == "google":
        token = GoogleToken(_account(settings), http, clock)
        return GoogleCalendar(http, settings.google_base_url, token, settings.timeout_s), http
    if not any(one in settings.caldav_collection for one in ("{email}", "{name}")):
        raise BadCalendarSettings(
            "SWITCHBOARD_CALENDAR__CALDAV_COLLECTION has to hold {email} or {name}: one calendar a person."
        )
    http.auth = httpx.BasicAuth(settings.caldav_username, settings.caldav_password.get_secret_value())
    return CalDav(http, settings.caldav_collection, zone_of, clock, settings.timeout_s), http


def _account(settings: CalendarSettings) -> ServiceAccount:
    name = "SWITCHBOARD_CALENDAR__GOOGLE_KEY_FILE"
    if settings.google_key_file is None:
        raise BadCalendarSettings(f"{name} has to name the key file of a service account.")
    try:
        given = json.loads(settings.google_key_file.read_text())
        return ServiceAccount(
            given["client_email"], given["private_key"], given["private_key_id"], given["token_uri"]
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadCalendarSettings(f"{name} is not the key file of a service account.") from error
