"""Which calendar the settings open, and what is wrong with them otherwise."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from ports.db import Database
from tests.tools.contact.calendars.backends import in_sydney
from tests.tools.contact.calendars.world import MovedNow, keeps
from tools.servers.contact.calendars.builtin import BuiltinCalendar
from tools.servers.contact.calendars.opening import BadCalendarSettings, OpenedCalendar, open_calendar
from tools.servers.contact.calendars.outside import OutsideCalendar
from tools.servers.contact.calendars.settings import CalendarSettings
from tools.servers.contact.graph import GraphSettings

KEY = {
    "client_email": "a@b",
    "private_key": "pem",
    "private_key_id": "1",
    "token_uri": "https://x.example/token",
}


def opened(settings: CalendarSettings) -> OpenedCalendar:
    database = Database("postgresql://nobody@127.0.0.1:9/none", pool_size=1)
    graph = GraphSettings(tenant_id="t", client_id="c", client_secret=SecretStr("s"))
    return open_calendar(settings, database, MovedNow(), keeps=keeps, zone_of=in_sydney, graph=graph)


async def test_without_settings_it_is_our_own() -> None:
    assert isinstance(opened(CalendarSettings()).calendar, BuiltinCalendar)


async def test_each_system_opens_and_closes(tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text(json.dumps(KEY))
    for settings in (
        CalendarSettings(backend="caldav", caldav_collection="https://cal.example/{name}/"),
        CalendarSettings(backend="graph"),
        CalendarSettings(backend="google", google_key_file=key),
    ):
        calendar = opened(settings)
        assert isinstance(calendar.calendar, OutsideCalendar)
        await calendar.close()


async def test_settings_that_cannot_work_are_named(tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text("{}")
    with pytest.raises(BadCalendarSettings, match="CALDAV_COLLECTION"):
        opened(CalendarSettings(backend="caldav", caldav_collection="https://cal.example/everybody/"))
    for file in (None, key, tmp_path / "none"):
        with pytest.raises(BadCalendarSettings, match="GOOGLE_KEY_FILE"):
            opened(CalendarSettings(backend="google", google_key_file=file))
