"""What a call left open is finished by the consumer of the contact server's own queue, and told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.tools.contact.booking.offices import QUICK, World, book, to_confirm
from tools.servers.contact.calendars.errors import SlotTaken
from tools.servers.contact.mail.errors import CannotTell


@asynccontextmanager
async def consuming(world: World) -> AsyncIterator[None]:
    worker = world.contact.worker(QUICK)
    running = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        await worker.stop()
        await running


async def finished(world: World) -> list[str]:
    """The sentences that the platform is told to deliver, as soon as there are any."""
    while not (told := await world.heard.events_of("booking.finished")):
        await asyncio.sleep(0.02)
    return [one["summary"] for one in told]


async def steps(world: World, *wanted: str) -> list[str]:
    while True:
        told = [one["step"] for one in await world.heard.events_of("booking.step")]
        if set(wanted) <= set(told):
            return told
        await asyncio.sleep(0.02)


@pytest.mark.proves("BOOK-111")
async def test_mail_that_was_late_is_sent_once_and_told(world: World) -> None:
    world.mail.fail = 4
    talk = await book(world)
    assert "queued" in talk.result["summary"]
    async with consuming(world):
        [said] = await finished(world)
    assert "The details were sent to maya@example.com." in said
    assert len(world.letters()) == 1


@pytest.mark.proves("BOOK-111")
async def test_a_lead_that_the_crm_did_not_take_is_handed_to_people_with_its_key(world: World) -> None:
    world.crm.fail = 100
    talk = await book(world)
    assert "by hand" in talk.result["summary"]
    async with consuming(world):
        while not (told := await world.heard.events_of("lead.manual")):
            await asyncio.sleep(0.02)
    [lead] = told
    assert lead["lead"]["email"] == "maya@example.com"
    assert lead["key"].startswith("booking:")
    assert (await world.left())["crm_leads"] == 0


@pytest.mark.proves("BOOK-111")
async def test_the_funnel_is_told_step_by_step(world: World) -> None:
    await book(world)
    await (await to_confirm(world, 1)).answer("decline")
    async with consuming(world):
        told = await steps(world, "confirmed", "cancelled")
    assert sorted(told) == sorted(
        ["started", "form", "slot", "confirmed", "started", "form", "slot", "cancelled"]
    )


@pytest.mark.proves("BOOK-110")
async def test_a_calendar_that_did_it_and_lost_the_answer_is_not_left_half_booked(world: World) -> None:
    talk = await to_confirm(world)
    world.calendar.after = 100
    talk = await talk.answer(decision="book")
    assert "Nothing was booked." in talk.error
    world.calendar.after = 0
    async with consuming(world):
        while any((await world.left()).values()):
            await asyncio.sleep(0.02)
    assert not await world.heard.events_of("booking.finished")


@pytest.mark.proves("BOOK-111")
async def test_a_call_that_was_cut_off_is_finished_and_the_person_is_told(world: World) -> None:
    talk = await to_confirm(world)
    reached, never = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        reached.set()
        await never.wait()

    world.calendar.before = hang
    call = asyncio.create_task(talk.answer(decision="book"))
    await reached.wait()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    world.calendar.before = None
    async with consuming(world):
        [said] = await finished(world)
    assert "is booked for" in said
    assert (await world.left())["calendar_events"] == len(world.letters()) == 1


@pytest.mark.proves("BOOK-111")
async def test_a_slot_that_was_lost_with_a_crash_is_said_to_be_lost(world: World) -> None:
    talk = await to_confirm(world)
    reached, never = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        reached.set()
        await never.wait()

    world.calendar.before = hang
    call = asyncio.create_task(talk.answer(decision="book"))
    await reached.wait()
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    world.calendar.before = None
    world.calendar.error, world.calendar.fail = SlotTaken, 1
    async with consuming(world):
        [said] = await finished(world)
    assert "could not be booked" in said
    assert "+61 2 5550 1200" in said
    assert not any((await world.left()).values())


@pytest.mark.proves("BOOK-110")
async def test_mail_in_doubt_is_told_and_never_sent_again_by_itself(world: World) -> None:
    world.mail.error, world.mail.after = CannotTell, 1
    talk = await book(world)
    assert "not certain" in talk.result["summary"]
    assert talk.result["email"] == {"sent": False, "queued": False, "in_doubt": True}
    assert world.mail.calls == 1
    async with consuming(world):
        await steps(world, "confirmed")
    assert world.mail.calls == 1
