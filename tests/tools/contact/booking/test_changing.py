"""meetings.list, meetings.cancel, meetings.reschedule."""

import pytest

from tests.tools.contact.booking.offices import Talk, World, book
from tests.tools.world import TOM


async def change(world: World, name: str, **said: str) -> Talk:
    return await world.begin(name, **said).start()


@pytest.mark.proves("BOOK-112")
async def test_my_meetings_are_listed_and_nobody_elses(world: World) -> None:
    await book(world)
    mine = await world.call("meetings.list")
    assert mine["structuredContent"]["bookings"][0]["topic"] == "ACE training"
    assert "You have one meeting:" in mine["structuredContent"]["summary"]
    his = await world.call("meetings.list", who=TOM)
    assert his["structuredContent"] == {"bookings": [], "summary": "You have no meetings booked."}


@pytest.mark.proves("BOOK-112")
async def test_a_meeting_is_moved_in_the_calendar_with_a_new_letter(world: World) -> None:
    await book(world)
    talk = await change(world, "meetings.reschedule", which="the ACE training", window="in two weeks")
    assert talk.asked == "slot"
    talk = await talk.answer(slot=talk.options("slot")[0])
    assert "be moved?" in talk.message
    asked = talk.resumption("accept", {"decision": "move"})
    first = await world.call(talk.name, talk.arguments, asked)
    again = await world.call(talk.name, talk.arguments, asked)
    assert "is now on" in first["structuredContent"]["summary"]
    assert first["structuredContent"] == again["structuredContent"]
    [event] = await world.rows("calendar_events")
    assert event["sequence"] == 1
    assert len(world.letters()) == 2
    assert (await world.left())["crm_leads"] == 1


@pytest.mark.proves("BOOK-112")
async def test_a_meeting_is_cancelled_after_confirming_once(world: World) -> None:
    await book(world)
    talk = await change(world, "meetings.cancel", which="with Dana")
    assert "be cancelled?" in talk.message
    kept = await change(world, "meetings.cancel")
    kept = await kept.answer(decision="keep")
    assert "stays as it is" in kept.result["summary"]
    talk = await talk.answer(decision="cancel")
    assert "is cancelled" in talk.result["summary"]
    assert (await world.left())["calendar_events"] == 0
    assert len(world.letters()) == 2
    mine = await world.call("meetings.list")
    assert mine["structuredContent"]["bookings"] == []


@pytest.mark.proves("BOOK-112")
async def test_of_several_meetings_the_person_is_asked_which(world: World) -> None:
    await book(world)
    await book(world, 2, topic="Radar")
    talk = await change(world, "meetings.cancel")
    assert talk.asked == "booking"
    radar = next(option["const"] for option in talk.fields["booking"]["oneOf"] if "Radar" in option["title"])
    talk = await talk.answer(booking=radar)
    assert "Radar" in talk.message
    only = await change(world, "meetings.cancel", which="radar")
    assert "Radar" in only.message


@pytest.mark.proves("BOOK-112")
async def test_nobody_changes_somebody_elses_meeting(world: World) -> None:
    talk = await book(world)
    booking_id = talk.result["booking_id"]
    for name in ("meetings.cancel", "meetings.reschedule"):
        his = await world.begin(name, TOM, booking_id=booking_id).start()
        assert "no such meeting" in his.error
    nothing = await world.begin("meetings.cancel", TOM).start()
    assert "no meetings" in nothing.result["summary"]


@pytest.mark.proves("BOOK-112", "BOOK-110")
async def test_a_move_that_the_calendar_does_not_answer_is_told_and_stays_open(world: World) -> None:
    await book(world)
    talk = await change(world, "meetings.reschedule", window="in two weeks")
    talk = await talk.answer(slot=talk.options("slot")[0])
    world.calendar.fail = 100
    talk = await talk.answer(decision="move")
    assert "not moved yet" in talk.result["summary"]
    assert "+61 2 5550 1200" in talk.result["summary"]
    assert len(world.letters()) == 1
