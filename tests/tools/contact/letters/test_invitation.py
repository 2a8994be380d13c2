"""Invitations as others read them: icalendar's parser for the grammar, dateutil's for what VTIMEZONE means"""

import io
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from dateutil.tz import tzical
from hypothesis import example, given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from tools.servers.contact.calendars.port import Event
from tools.servers.contact.letters import invitation
from tools.servers.contact.people import Person

ZONES = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/GMT"))
NOW = datetime(2026, 11, 22, tzinfo=UTC)
DANA, GARY = Person("dana@example.com", "Dana"), Person("gary@example.org", "Gary Guest")
_TEXT = st.text(max_size=60)


def event(start: datetime, tz: str = "Australia/Sydney", **others: Any) -> Event:
    given: dict[str, Any] = {"attendees": (GARY,), "title": "ACE training"}
    return Event(
        "b1", start=start, end=start + timedelta(minutes=45), tz=tz, organiser=DANA, **given | others
    )


def parsed(data: bytes) -> Any:
    (found,) = Calendar.from_ical(data).walk("VEVENT")
    return found


def lines(data: bytes) -> list[str]:
    return data.decode().replace("\r\n ", "").split("\r\n")


def meant(data: bytes, name: str) -> datetime:
    """The instant by the VTIMEZONE that travels with it, and by nothing that the reader knows itself."""
    written = lines(data)
    (line,) = (one for one in written[written.index("BEGIN:VEVENT") :] if one.startswith(name))
    parameters, _, value = line.partition(":")
    if value.endswith("Z"):
        return datetime.strptime(value, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    local = datetime.strptime(value, "%Y%m%dT%H%M%S")
    zone = tzical(io.StringIO(data.decode())).get(parameters.partition("TZID=")[2])
    assert zone is not None
    return local.replace(tzinfo=zone).astimezone(UTC)


def is_repeated(moment: datetime, tz: str) -> bool:
    """In the hour that clocks show twice."""
    local = moment.astimezone(ZoneInfo(tz))
    return local.replace(fold=1).utcoffset() != local.replace(fold=0).utcoffset()


@pytest.mark.proves("MAIL-104")
@settings(max_examples=60, deadline=None)
@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2031, 1, 1)).map(
        lambda one: one.replace(microsecond=0, second=0, tzinfo=UTC)
    ),
    tz=st.sampled_from(ZONES),
)
@example(start=datetime(2026, 10, 3, 16, 15, tzinfo=UTC), tz="Australia/Sydney")
@example(start=datetime(2026, 10, 3, 15, 45, tzinfo=UTC), tz="Australia/Lord_Howe")
@example(start=datetime(2027, 3, 28, 1, 0, tzinfo=UTC), tz="Europe/London")
@example(start=datetime(2026, 3, 8, 7, 30, tzinfo=UTC), tz="America/New_York")
@example(start=datetime(2026, 12, 31, 23, 30, tzinfo=UTC), tz="Pacific/Auckland")
def test_an_invitation_means_the_same_instants_in_every_zone(start: datetime, tz: str) -> None:
    given = event(start, tz)
    data = invitation(given, "REQUEST", 0, NOW)
    for name, moment in (("DTSTART", given.start), ("DTEND", given.end)):
        assert parsed(data)[name].dt.astimezone(UTC) == moment
        assert meant(data, name) == moment


@pytest.mark.proves("MAIL-104")
@pytest.mark.parametrize("tz", ["Australia/Sydney", "Europe/London"])
def test_in_the_hour_that_comes_twice_the_instants_are_said_in_utc(tz: str) -> None:
    twice = {
        "Australia/Sydney": datetime(2026, 4, 4, 16, 30, tzinfo=UTC),
        "Europe/London": datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    }[tz]
    assert is_repeated(twice, tz)
    data = invitation(event(twice, tz), "REQUEST", 0, NOW)
    assert meant(data, "DTSTART") == twice
    assert meant(data, "DTEND") == twice + timedelta(minutes=45)


@pytest.mark.proves("MAIL-104")
@pytest.mark.parametrize(("method", "status"), [("REQUEST", "CONFIRMED"), ("CANCEL", "CANCELLED")])
def test_a_change_keeps_its_uid_and_raises_its_sequence(method: Any, status: str) -> None:
    data = invitation(event(NOW), method, 3, NOW)
    found = parsed(data)
    assert Calendar.from_ical(data)["METHOD"] == method
    assert (str(found["UID"]), found["SEQUENCE"], str(found["STATUS"])) == ("b1", 3, status)
    assert found["DTSTAMP"].dt == NOW
    assert str(found["ORGANIZER"]) == "mailto:dana@example.com"
    attendee = found["ATTENDEE"]
    assert (str(attendee), attendee.params["ROLE"]) == ("mailto:gary@example.org", "REQ-PARTICIPANT")
    assert attendee.params.get("RSVP") == ("TRUE" if method == "REQUEST" else None)


@pytest.mark.proves("MAIL-104")
@settings(max_examples=60, deadline=None)
@given(title=_TEXT, notes=_TEXT, location=_TEXT, name=_TEXT)
@example(title="x\r\nATTENDEE:mailto:evil@example.com", notes="\\n;,", location="a\nb", name='";X=1:\r\nY:1')
def test_whatever_people_write_adds_no_line_and_nobody(
    title: str, notes: str, location: str, name: str
) -> None:
    guest = Person("gary@example.org", name)
    given = event(NOW, title=title, notes=notes, location=location, attendees=(guest,))
    data = invitation(given, "REQUEST", 0, NOW)
    allowed = {"BEGIN", "END", "SUMMARY", "DTSTART", "DTEND", "DTSTAMP", "UID", "SEQUENCE", "ATTENDEE"}
    allowed |= {"DESCRIPTION", "LOCATION", "ORGANIZER", "STATUS", "TRANSP", "VERSION", "PRODID", "CALSCALE"}
    allowed |= {"METHOD", "TZID", "TZNAME", "TZOFFSETFROM", "TZOFFSETTO", ""}
    names = [line.partition(":")[0].partition(";")[0] for line in lines(data)]
    assert set(names) <= allowed
    assert (names.count("ATTENDEE"), names.count("BEGIN")) == (1, names.count("END"))
    assert str(parsed(data)["ATTENDEE"]) == "mailto:gary@example.org"
    assert all(len(line) <= 75 for line in data.split(b"\r\n"))
    expected = "".join(c for c in title.replace("\r\n", "\n") if c in "\n\t" or c.isprintable())
    assert str(parsed(data)["SUMMARY"]) == expected
