"""What a person, or a model that was talked into it, could do with a consent that they have."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from access.principal import Principal
from kit.wire.tools import approval_of
from ports.db import Database
from tests.tools.contact.booking.offices import DANA, FORM, World, book, build, to_confirm
from tests.tools.contact.booking.test_single import consent, event, lead, letter
from tests.tools.world import MAYA, TOM
from tools.servers.contact import server
from tools.servers.shapes import registered

TURNED = "Lunch\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe"


@pytest.mark.proves("BOOK-117")
def test_a_model_cannot_write_to_anybody_without_a_person_agreeing_to_that_very_call() -> None:
    tools = {one.name: one for one in registered(server.manifest(), server.SHAPES)}
    asked = {name for name, tool in tools.items() if approval_of(tool).mode == "ask"}
    assert asked == {"calendar.create_event", "email.send", "crm.upsert_lead"}
    assert not any(approval_of(tools[name]).remember for name in asked)


@pytest.mark.proves("BOOK-117")
@pytest.mark.parametrize(
    ("name", "made", "change"),
    [
        ("email.send", letter, {"to": ["everybody@elsewhere.example"]}),
        ("email.send", letter, {"cc": ["everybody@elsewhere.example"]}),
        ("email.send", letter, {"bcc": ["everybody@elsewhere.example"]}),
        ("calendar.create_event", event, {"attendees": [DANA.email, "boss@example.com"]}),
        ("crm.upsert_lead", lead, {"email": "somebody@elsewhere.example"}),
    ],
)
async def test_a_consent_is_for_whoever_gave_it(
    world: World, name: str, made: Any, change: dict[str, Any]
) -> None:
    record = await consent(world)
    before = await world.left()
    refused = await world.call(name, made(record, **change))
    assert refused["_meta"]["switchboard/error"]["code"] == "consent_not_theirs"
    assert await world.left() == before


@pytest.mark.proves("BOOK-117")
async def test_nobody_is_entered_as_having_agreed_to_be_contacted_who_has_not(world: World) -> None:
    record = await consent(world)
    more = {"consent": {"privacy": True, "contact": True, "record_id": record}}
    refused = await world.call("crm.upsert_lead", lead(record, **more))
    assert refused["_meta"]["switchboard/error"]["code"] == "consent_not_theirs"


@pytest.mark.proves("BOOK-117")
async def test_an_event_stands_in_nobodys_calendar_who_does_not_receive(world: World) -> None:
    """The address in the form is whatever somebody typed: it may be that of a colleague."""
    await book(world, email="boss@example.com")
    [row] = await world.rows("consents")
    before = await world.left()
    refused = await world.call("calendar.create_event", event(str(row["id"]), attendees=["boss@example.com"]))
    assert "takes appointments" in refused["content"][0]["text"]
    assert await world.left() == before


@pytest.mark.proves("BOOK-117")
@pytest.mark.parametrize(
    "change",
    [
        {"end_time": "2027-03-03T09:00:00+11:00"},
        {"end_time": "2037-03-03T12:00:00+11:00"},
        {"start_time": "0001-01-01T00:00:00+14:00"},
    ],
)
async def test_an_event_has_an_end_and_that_is_soon(world: World, change: dict[str, Any]) -> None:
    record = await consent(world)
    refused = await world.call("calendar.create_event", event(record, **change))
    assert refused["_meta"]["switchboard/error"]["code"] == "invalid"


async def test_free_times_are_looked_for_in_a_time_that_has_a_calendar(world: World) -> None:
    for start in ("9999-12-30T00:00:00+00:00", "0001-01-01T00:00:00+14:00"):
        window = {"window_start": start, "window_end": "9999-12-31T23:00:00-12:00"}
        refused = await world.call("calendar.find_slots", {"participants": [DANA.email], **window})
        assert refused["_meta"]["switchboard/error"]["code"] == "invalid"


@pytest.mark.proves("BOOK-118")
async def test_what_was_said_cannot_begin_a_line_of_the_question(world: World) -> None:
    topic = "Lunch\r\nWith: the chief executive\u2028Where: his home"
    more: dict[str, Any] = {"topic": topic, "with": "Training"}
    talk = await world.begin(**more).start()
    talk = await talk.answer(**{name: value for name, value in FORM.items() if name != "topic"})
    talk = await talk.answer(slot=talk.options("slot")[0])
    assert [line for line in talk.message.splitlines() if line.startswith(("With:", "Where:"))] == [
        "With: Training",
        "Where: Hangar 4",
    ]
    done = await talk.answer(decision="book")
    assert done.result["email"]["sent"], done.result


@pytest.mark.proves("BOOK-118")
async def test_nothing_that_is_shown_turns_the_direction_of_writing_or_hides(world: World) -> None:
    hidden = "Maya\N{ZERO WIDTH SPACE}\x1b[2J\N{LEFT-TO-RIGHT ISOLATE}"
    talk = await to_confirm(world, topic=TURNED, first_name=hidden, message=f"Hello\n{TURNED}")
    assert all(line.isprintable() for line in talk.message.split("\n"))
    done = await talk.answer(decision="book")
    listed = await world.call("meetings.list")
    assert "Lunchgnp.exe" in listed["structuredContent"]["summary"]
    assert done.result["email"]["sent"]


@pytest.mark.proves("BOOK-118")
async def test_a_topic_of_nothing_that_shows_is_none(world: World) -> None:
    refused = await world.call("meetings.book", {"topic": "\N{RIGHT-TO-LEFT OVERRIDE}"})
    assert refused["_meta"]["switchboard/error"]["code"] == "invalid"


@pytest.mark.proves("BOOK-117")
async def test_one_person_has_only_so_many_letters_sent_a_day(database: Database, tmp_path: Path) -> None:
    world = build(database, tmp_path, letters_per_day=2)
    try:
        record = await consent(world)
        assert (await world.call("email.send", letter(record)))["structuredContent"]["queued"] is False
        refused = await world.call("email.send", letter(record, idempotency_key="two"))
        assert refused["_meta"]["switchboard/error"]["code"] == "too_many_letters"
        talk = await book(world, 1)
        assert "letters" in talk.error
        assert len(world.letters()) == 2
        # the same again is the same letter, and what stands can be cancelled
        again = await world.call("email.send", letter(record))
        assert again["structuredContent"]["queued"] is False
        talk = await world.begin("meetings.cancel").start()
        assert "cancelled" in (await talk.answer(decision="cancel")).result["summary"]
        world.clock.move(seconds=86_401)
        assert (await book(world, 2)).result["email"]["sent"]
    finally:
        await world.contact.stop()


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("duration", "\N{SUPERSCRIPT THREE}"),
        ("duration", "9" * 5000),
        ("duration", ["30"]),
        ("reason", ["training"]),
        ("reason", {"training": 1}),
        ("window", "next week " + " " * 100_000),
        ("email", ["maya@example.com"]),
        ("email", "maya\N{RIGHT-TO-LEFT OVERRIDE}@example.com"),
        ("consent_privacy", "true"),
    ],
)
async def test_a_client_that_checks_nothing_is_told_what_is_wrong_with_the_field(
    world: World, name: str, given: Any
) -> None:
    talk = await world.begin().start()
    talk = await talk.answer(**{**FORM, name: given})
    assert talk.fields[name]["description"].startswith("Please correct this:")


@pytest.mark.proves("BOOK-112")
@pytest.mark.parametrize("name", ["meetings.cancel", "meetings.reschedule"])
async def test_what_is_over_is_neither_moved_nor_cancelled(world: World, name: str) -> None:
    """Its person may be forgotten by then, and nobody writes to them about it."""
    done = await book(world)
    before = world.letters()
    more: dict[str, Any] = {"window": "next week"} if name == "meetings.reschedule" else {}
    talk = world.begin(name, booking_id=done.result["booking_id"], **more)
    world.clock.move(days=21)
    await talk.start()
    if name == "meetings.reschedule":
        await talk.answer(slot=talk.options("slot")[0])
    await talk.answer(decision="cancel" if name == "meetings.cancel" else "move")
    assert "This meeting is over." in talk.error
    assert world.letters() == before


OTHERS: dict[str, Principal] = {
    "another person": TOM,
    "another organisation": replace(MAYA, organisation_id=uuid4()),
    "a service of the same id": replace(MAYA, kind="service"),
}


@pytest.mark.parametrize("who", OTHERS)
async def test_a_question_is_answered_by_whoever_was_asked_only(world: World, who: str) -> None:
    talk = await to_confirm(world)
    before = await world.left()
    given = talk.resumption("accept", {"decision": "book"})
    late = await world.call("meetings.book", {}, given, OTHERS[who])
    assert late["_meta"]["switchboard/error"]["code"] == "answer_late"
    assert await world.left() == before


async def test_a_state_is_good_for_its_own_call_and_as_it_was_given(world: World) -> None:
    talk = await to_confirm(world)
    given = talk.resumption("accept", {"decision": "book"})
    state = given["requestState"]
    before = await world.left()
    tries: list[tuple[str, dict[str, Any], Any]] = [
        ("meetings.cancel", {}, state),
        ("meetings.book", {"topic": "another"}, state),
        *[("meetings.book", {}, one) for one in (state[:-1], state[5:], state * 500, "", None, 7, [state])],
    ]
    for name, arguments, changed in tries:
        late = await world.call(name, arguments, {**given, "requestState": changed})
        assert late["_meta"]["switchboard/error"]["code"] == "answer_late", (name, changed)
    world.clock.move(hours=25)
    late = await world.call("meetings.book", {}, given)
    assert late["_meta"]["switchboard/error"]["code"] == "answer_late"
    assert await world.left() == before
