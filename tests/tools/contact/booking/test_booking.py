"""meetings.book, step by step, as a client of the gateway sees it."""

import time
from typing import Any

import pytest

from tests.tools.contact.booking.offices import FORM, World, book, to_confirm, to_slots
from tests.tools.world import TOM


@pytest.mark.proves("BOOK-102")
async def test_a_meeting_is_booked_with_calendar_mail_and_crm_each_once(world: World) -> None:
    talk = await world.begin().start()
    assert talk.asked == "form"
    talk = await talk.answer(**FORM)
    assert talk.asked == "slot"
    assert len(talk.options("slot")) >= 4
    assert talk.options("slot")[-1] == "other"
    talk = await talk.answer(slot=talk.options("slot")[1])
    assert talk.asked == "confirm"
    for fact in ("ACE training", "Dana", "maya@example.com", "Hangar 4", "You have agreed"):
        assert fact in talk.message.replace("Training\n", "Dana Training\n")
    talk = await talk.answer(decision="book")
    assert talk.result["email"] == {"sent": True, "queued": False}
    assert talk.result["crm"]["deferred"] is False
    assert "is booked for" in talk.result["summary"]
    assert await world.left() == {
        "bookings": 1,
        "consents": 1,
        "effects": 3,
        "calendar_events": 1,
        "crm_leads": 1,
        "letters": 1,
    }


@pytest.mark.proves("BOOK-103")
async def test_what_was_said_is_never_asked_again(world: World) -> None:
    said: dict[str, Any] = {
        "topic": "ACE training",
        "with": "Dana",
        "duration_min": 45,
        "window": "next Tuesday afternoon",
    }
    talk = await world.begin(**said).start()
    assert not {"topic", "duration", "window"} & set(talk.fields)
    form = {name: value for name, value in FORM.items() if name in talk.fields}
    talk = await talk.answer(**form)
    talk = await talk.answer(slot=talk.options("slot")[0])
    assert "45 minutes" in talk.message
    assert "Dana Hart" in talk.message


@pytest.mark.proves("BOOK-104")
@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("phone", "5550 1234", "country code"),
        ("email", "maya at example", "name@example.com"),
        ("window", "yesterday", "not understood, or it is over"),
        ("window", "blue", "not understood"),
        ("consent_privacy", False, "nothing can be booked"),
        ("first_name", "  ", "fill this in"),
        ("duration", "5", "Choose one of the durations"),
        ("reason", "gossip", "Choose one of the reasons"),
    ],
)
async def test_what_is_wrong_is_said_on_its_field_and_the_rest_is_kept(
    world: World, field: str, value: Any, said: str
) -> None:
    talk = await to_slots(world, **{field: value})
    assert talk.asked == "form"
    assert talk.fields[field]["description"].startswith("Please correct this:")
    assert said in talk.fields[field]["description"]
    others = set(FORM) - {field, "consent_privacy", "consent_contact"}
    assert all(talk.fields[name]["default"] == FORM[name] for name in others)
    again = await talk.answer(**FORM)
    assert again.asked == "slot"


@pytest.mark.proves("BOOK-105")
async def test_other_times_are_other_times_until_none_are_left(world: World) -> None:
    talk = await to_slots(world)
    seen = set(talk.options("slot")) - {"other"}
    for _ in range(3):
        talk = await talk.answer(slot="other")
        more = set(talk.options("slot")) - {"other"}
        assert more
        assert not more & seen
        seen |= more


@pytest.mark.proves("BOOK-106")
@pytest.mark.parametrize("action", ["decline", "cancel"])
@pytest.mark.parametrize("step", ["form", "slot", "confirm"])
async def test_saying_no_at_any_step_leaves_nothing_and_says_so(world: World, step: str, action: str) -> None:
    talk = await world.begin().start()
    if step != "form":
        talk = await to_slots(world)
    if step == "confirm":
        talk = await to_confirm(world)
    talk = await talk.answer(action)
    assert talk.result["summary"] == "Nothing was booked."
    assert not any((await world.left()).values())


@pytest.mark.proves("BOOK-106")
async def test_an_abandoned_booking_expires_and_leaves_nothing(world: World) -> None:
    talk = await to_confirm(world)
    world.clock.move(hours=25)
    talk = await talk.answer(decision="book")
    assert "not waiting for an answer any more" in talk.error
    assert not any((await world.left()).values())


@pytest.mark.proves("BOOK-107")
async def test_the_same_answer_again_changes_nothing(world: World) -> None:
    asked = await to_confirm(world)
    given = asked.resumption("accept", {"decision": "book"})
    first = await world.call("meetings.book", {}, given)
    second = await world.call("meetings.book", {}, given)
    assert first["structuredContent"] == second["structuredContent"]
    assert (await world.left()) == {
        "bookings": 1,
        "consents": 1,
        "effects": 3,
        "calendar_events": 1,
        "crm_leads": 1,
        "letters": 1,
    }


@pytest.mark.proves("BOOK-107")
async def test_the_same_meeting_is_not_booked_twice_by_two_conversations(world: World) -> None:
    one, two = await to_confirm(world), await to_confirm(world)
    await one.answer(decision="book")
    await two.answer(decision="book")
    assert "already" in two.result["summary"]
    assert (await world.left())["bookings"] == 1


@pytest.mark.proves("BOOK-108")
async def test_a_slot_taken_meanwhile_becomes_new_slots_and_leaves_nothing(world: World) -> None:
    mine = await to_confirm(world)
    await (await self_confirm(world)).answer(decision="book")
    mine = await mine.answer(decision="book")
    assert mine.asked == "slot"
    assert "just been taken" in mine.message
    assert (await world.left())["bookings"] == 1
    mine = await mine.answer(slot=mine.options("slot")[0])
    mine = await mine.answer(decision="book")
    assert "is booked for" in mine.result["summary"]
    assert (await world.left())["calendar_events"] == 2


async def self_confirm(world: World) -> Any:
    talk = await world.begin(who=TOM).start()
    talk = await talk.answer(**{**FORM, "first_name": "Tom", "email": "tom@example.com"})
    return await talk.answer(slot=talk.options("slot")[0])


@pytest.mark.proves("BOOK-109")
async def test_a_question_can_be_answered_by_whoever_was_asked_only(world: World) -> None:
    asked = await to_confirm(world)
    given = asked.resumption("accept", {"decision": "book"})
    stolen = await world.call("meetings.book", {}, given, who=TOM)
    assert stolen["isError"]
    other = await world.call("meetings.book", {"topic": "else"}, given)
    assert other["isError"]
    assert not any((await world.left()).values())


@pytest.mark.proves("BOOK-110")
async def test_the_calendar_down_says_so_with_the_phone_number_and_books_nothing(world: World) -> None:
    talk = await to_confirm(world)
    world.calendar.fail = 100
    talk = await talk.answer(decision="book")
    assert "calendar does not answer" in talk.error
    assert "+61 2 5550 1200" in talk.error
    assert "Nothing was booked." in talk.error
    assert (await world.left())["letters"] == 0


@pytest.mark.proves("BOOK-110")
async def test_mail_and_crm_late_are_told_and_the_meeting_stands(world: World) -> None:
    world.mail.fail = world.crm.fail = 100
    talk = await book(world)
    assert "is booked for" in talk.result["summary"]
    assert "queued" in talk.result["summary"]
    assert "captured" in talk.result["summary"]
    assert talk.result["email"] == {"sent": False, "queued": True}
    assert talk.result["crm"] == {"deferred": True}


@pytest.mark.proves("BOOK-103")
async def test_whom_we_do_not_know_is_asked_and_nothing_else_is_lost(world: World) -> None:
    said: dict[str, Any] = {"with": "the moon team", "topic": "Radar"}
    talk = await world.begin(**said).start()
    assert 'Nobody called just "the moon team"' in talk.message
    assert {"Training", "our office"} <= set(talk.options("host"))
    form = {name: value for name, value in FORM.items() if name in talk.fields}
    talk = await talk.answer(**form, host="our office")
    talk = await talk.answer(slot=talk.options("slot")[0])
    assert "With: our office" in talk.message
    assert "Topic: Radar" in talk.message


@pytest.mark.proves("BOOK-116")
async def test_the_time_from_the_last_click_to_the_confirmation_is_measured(world: World) -> None:
    """Printed; `python -m tests.bench.booking_bench` does it through REST, gateway and all."""
    took: list[float] = []
    for number in range(5):
        talk = await to_confirm(world, email=f"p{number}@example.com")
        begun = time.perf_counter()
        await talk.answer(decision="book")
        took.append(time.perf_counter() - begun)
        assert talk.result["email"]["sent"]
        assert talk.result["crm"]["lead_id"]
    print(f"last click to confirmation: {sorted(took)[2]:.3f} s, longest {max(took):.3f} s")
