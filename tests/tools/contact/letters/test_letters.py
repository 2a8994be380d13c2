"""The letters about a meeting: one set of facts, twice written; and the words that people agree to."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from icalendar import Calendar

from ports.db import Database
from tools.servers.contact.calendars.port import Event
from tools.servers.contact.letters import (
    ConsentText,
    LetterFacts,
    keep_text,
    letter_for,
    local_time,
    text_of,
)
from tools.servers.contact.mail import plain
from tools.servers.contact.people import Owner, Person

NOW = datetime(2026, 11, 22, tzinfo=UTC)
START = datetime(2026, 12, 1, 3, tzinfo=UTC)
DANA, GARY, TOM = (
    Person("dana@example.com", "Dana"),
    Person("gary@example.org", "Gary"),
    Person("tom@a.example"),
)


def facts(**others: Any) -> LetterFacts:
    event = Event("b1", "ACE training", START, START + timedelta(minutes=30), "Australia/Sydney", DANA)
    event = replace(event, attendees=(GARY, TOM), location="Room 1", sequence=2)
    given: dict[str, Any] = {
        "key": "b1:letter",
        "event": event,
        "guest": GARY,
        "host": "Dana",
        "tz": event.tz,
    }
    given |= {
        "tz": event.tz,
        "phone": "+61 2 5550 0000",
        "how_to_cancel": "To cancel, write 'cancel my meeting'.",
    }
    return LetterFacts(**given | others)


@pytest.mark.proves("MAIL-103")
@pytest.mark.parametrize(
    ("kind", "method", "subject"),
    [
        ("confirmed", "REQUEST", "Confirmed: "),
        ("moved", "REQUEST", "New time: "),
        ("cancelled", "CANCEL", "C"),
    ],
)
def test_a_letter_goes_to_the_guest_with_the_others_in_copy_and_carries_the_invitation(
    kind: Any, method: str, subject: str
) -> None:
    letter = letter_for(kind, facts(was=START - timedelta(days=1)), NOW)
    assert (letter.to, letter.cc, letter.reply_to) == ((GARY,), (DANA, TOM), DANA)
    assert letter.subject.startswith(subject)
    assert (letter.key, letter.thread_key, letter.method) == ("b1:letter", "b1", method)
    assert letter.invitation is not None
    calendar = Calendar.from_ical(letter.invitation)
    assert calendar["METHOD"] == method
    assert calendar.walk("VEVENT")[0]["SEQUENCE"] == 2


@pytest.mark.proves("MAIL-103")
@pytest.mark.parametrize("kind", ["confirmed", "moved", "cancelled"])
def test_both_twins_tell_time_with_its_zone_host_and_the_way_out(kind: Any) -> None:
    given = facts(tz="Europe/London", was=START - timedelta(days=1))
    letter = letter_for(kind, given, NOW)
    said = [
        "Tuesday 1 December 2026, 03:00 (Europe/London, UTC+00:00)",
        "Tuesday 1 December 2026, 14:00 (Australia/Sydney, UTC+11:00)",
        "30 minutes",
        "Dana",
        "+61 2 5550 0000",
    ]
    for sentence in said:
        assert sentence in letter.text
        assert sentence in plain(letter.html)
    assert ("To cancel" in letter.text) == (kind != "cancelled")
    assert ("Monday 30 November 2026" in letter.text) == (kind == "moved")


@pytest.mark.proves("MAIL-103")
def test_what_people_typed_is_text_in_both_twins() -> None:
    event = replace(facts().event, title='<script>x()</script>\n\n{{ 7*7 }} <a href="https://evil.example">')
    letter = letter_for(
        "confirmed", facts(event=event, guest=Person(GARY.email, "<b>Gary</b>\r\nBcc: x")), NOW
    )
    assert "<script" not in letter.html
    assert "<a " not in letter.html
    assert "{{ 7*7 }}" in letter.text
    assert "49" not in letter.text
    assert "Hello <b>Gary</b> Bcc: x," in letter.text
    assert letter.subject.isprintable()


@pytest.mark.proves("MAIL-103")
def test_where_the_calendar_invites_by_itself_there_is_no_second_invitation() -> None:
    letter = letter_for("confirmed", facts(calendar_notifies=True), NOW)
    assert (letter.invitation, letter.method) == (None, None)


@pytest.mark.parametrize(
    ("moment", "tz", "said"),
    [
        (datetime(2026, 4, 4, 15, 30, tzinfo=UTC), "Australia/Sydney", "02:30 (Australia/Sydney, UTC+11:00)"),
        (datetime(2026, 4, 4, 16, 30, tzinfo=UTC), "Australia/Sydney", "02:30 (Australia/Sydney, UTC+10:00)"),
        (datetime(2026, 7, 1, 12, tzinfo=UTC), "Asia/Kathmandu", "17:45 (Asia/Kathmandu, UTC+05:45)"),
        (datetime(2026, 7, 1, 12, tzinfo=UTC), "America/St_Johns", "09:30 (America/St_Johns, UTC-02:30)"),
    ],
)
@pytest.mark.proves("MAIL-104")
def test_a_local_time_says_its_offset_so_that_the_hour_that_comes_twice_is_one(
    moment: datetime, tz: str, said: str
) -> None:
    assert local_time(moment, tz).endswith(said)


@pytest.mark.proves("MAIL-108")
async def test_the_words_of_a_consent_can_be_read_after_they_were_changed(database: Database) -> None:
    owner, old = Owner(uuid4(), uuid4()), ConsentText()
    new = ConsentText(privacy="Other words.")
    async with database.begin() as session:
        version = await keep_text(session, owner, old, NOW)
        assert await keep_text(session, owner, old, NOW) == version
        assert await keep_text(session, owner, new, NOW) != version
    async with database.begin() as session:
        assert await text_of(session, owner, version) == old
        assert await text_of(session, owner, new.version) == new
        assert await text_of(session, Owner(uuid4(), owner.user_id), version) is None


@pytest.mark.proves("MAIL-108")
def test_a_letter_of_difference_is_another_version() -> None:
    versions = {
        ConsentText().version,
        ConsentText(privacy="I agree").version,
        ConsentText(contact="").version,
    }
    versions.add(ConsentText(privacy="I agree", contact="x").version)
    assert len(versions) == 4
