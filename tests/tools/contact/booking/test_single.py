"""calendar.create_event, email.send and crm.upsert_lead by themselves."""

from typing import Any
from uuid import uuid4

import pytest

from tests.tools.contact.booking.offices import DANA, World, book
from tests.tools.world import TOM


async def consent(world: World) -> str:
    await book(world)
    [row] = await world.rows("consents")
    return str(row["id"])


def letter(record: str, **change: Any) -> dict[str, Any]:
    return {
        "idempotency_key": "one",
        "to": ["maya@example.com"],
        "subject": "Hello",
        "html": "<p>Hello</p>",
        "consent_confirmed": True,
        "consent_record_id": record,
        **change,
    }


def event(record: str, at: str = "10:00", **change: Any) -> dict[str, Any]:
    return {
        "idempotency_key": "one",
        "title": "A talk",
        "start_time": f"2027-03-03T{at}:00+11:00",
        "end_time": "2027-03-03T12:00:00+11:00",
        "attendees": [DANA.email, "maya@example.com"],
        "privacy_ack": True,
        "consent_record_id": record,
        **change,
    }


def lead(record: str, **change: Any) -> dict[str, Any]:
    given = {
        "first_name": "Maya",
        "last_name": "Okafor",
        "email": "maya@example.com",
        "reason": "other",
        "service": "ace",
        "consent": {"privacy": True, "contact": False, "record_id": record},
        "source": {"channel": "api"},
    }
    return {"idempotency_key": "one", "lead": {**given, **change}}


@pytest.mark.proves("BOOK-113")
@pytest.mark.parametrize(
    ("name", "made", "other"),
    [
        ("email.send", letter, {"subject": "Something else"}),
        ("calendar.create_event", event, {"title": "Something else"}),
        ("crm.upsert_lead", lead, {"first_name": "Mia"}),
    ],
)
async def test_a_key_acts_once_and_stands_for_one_thing(
    world: World, name: str, made: Any, other: dict[str, Any]
) -> None:
    record = await consent(world)
    before = await world.left()
    first = await world.call(name, made(record))
    again = await world.call(name, made(record))
    assert "isError" not in first, first
    assert first["structuredContent"] == again["structuredContent"]
    refused = await world.call(name, made(record, **other))
    assert "used for another request" in refused["content"][0]["text"]
    after = await world.left()
    assert sum(after.values()) - sum(before.values()) == (1 if name == "crm.upsert_lead" else 2)


@pytest.mark.proves("BOOK-113")
@pytest.mark.parametrize(
    ("name", "made"), [("email.send", letter), ("calendar.create_event", event), ("crm.upsert_lead", lead)]
)
async def test_nothing_is_done_without_a_consent_of_ones_own(world: World, name: str, made: Any) -> None:
    record = await consent(world)
    before = await world.left()
    for arguments, who in ((made(str(uuid4())), None), (made(record), TOM)):
        refused = await world.call(name, arguments, **({"who": who} if who else {}))
        assert "no such consent" in refused["content"][0]["text"]
    assert await world.left() == before


@pytest.mark.proves("BOOK-113")
async def test_a_taken_time_comes_back_with_three_others(world: World) -> None:
    record = await consent(world)
    await world.call("calendar.create_event", event(record))
    taken = await world.call("calendar.create_event", event(record, idempotency_key="two"))
    assert taken["_meta"]["switchboard/error"]["code"] == "slot_taken"
    assert taken["content"][0]["text"].count("/2027-") == 3
    free = await world.call("calendar.find_slots", slots())
    assert len(free["structuredContent"]["slots"]) == 3


def slots() -> dict[str, Any]:
    return {
        "participants": [DANA.email],
        "window_start": "2027-03-03T09:00:00+11:00",
        "window_end": "2027-03-03T17:00:00+11:00",
    }


@pytest.mark.proves("BOOK-113")
async def test_a_single_event_that_is_not_placed_leaves_nothing_and_its_key_is_free_again(
    world: World,
) -> None:
    record = await consent(world)
    world.calendar.fail = 4
    down = await world.call("calendar.create_event", event(record))
    assert "does not answer" in down["content"][0]["text"]
    row = next(one for one in await world.rows("effects") if one["key"] == "call:one")
    assert await world.contact.office.performing.one(row["id"]) == "done"
    placed = await world.call("calendar.create_event", event(record))
    assert placed["structuredContent"]["event_id"]


@pytest.mark.proves("BOOK-113")
async def test_late_mail_is_queued_and_a_late_lead_deferred(world: World) -> None:
    record = await consent(world)
    world.mail.fail = world.crm.fail = 100
    sent = await world.call("email.send", letter(record))
    assert sent["structuredContent"]["queued"] is True
    entered = await world.call("crm.upsert_lead", lead(record))
    assert entered["structuredContent"]["deferred"] is True
