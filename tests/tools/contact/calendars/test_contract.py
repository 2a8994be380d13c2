"""What every calendar promises, asked of all of them alike."""

import asyncio
from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from kit.errors import Unavailable
from tests.tools.contact.calendars.backends import BACKENDS, Backend
from tests.tools.contact.calendars.world import DANA, GUEST, OMAR, at, meeting, moved
from tools.servers.contact.calendars.errors import NoSuchEvent, SlotTaken
from tools.servers.contact.calendars.port import Busy

pytestmark = pytest.mark.parametrize("backend", BACKENDS, indirect=True)


async def busy_of(backend: Backend, day: int = 0) -> list[Busy]:
    people = [DANA.email]
    return list((await backend.calendar.busy(backend.owner, people, at(0, day), at(24, day)))[DANA.email])


async def test_a_placed_event_makes_its_people_busy_and_nobody_else(backend: Backend) -> None:
    placed = await backend.calendar.place(backend.owner, meeting(9))

    people = [DANA.email, OMAR.email, GUEST.email]
    found = await backend.calendar.busy(backend.owner, people, at(0), at(24))
    assert list(found[DANA.email]) == [Busy(at(9), at(9.5))]
    assert list(found[OMAR.email]) == []
    assert GUEST.email not in found
    assert placed.event_id
    assert placed.created_at.tzinfo is not None


@pytest.mark.proves("CAL-101")
async def test_the_same_event_placed_again_is_there_once(backend: Backend) -> None:
    event = meeting(9)
    first = await backend.calendar.place(backend.owner, event)
    again = await backend.calendar.place(backend.owner, event)

    assert again.event_id == first.event_id
    assert backend.events() == 1


@pytest.mark.proves("CAL-101")
async def test_the_same_event_placed_by_two_at_once_is_there_once(backend: Backend) -> None:
    event = meeting(9)
    both = (backend.calendar.place(backend.owner, event), backend.other.place(backend.owner, event))
    results = await asyncio.gather(*both, return_exceptions=True)

    done = [one for one in results if not isinstance(one, BaseException)]
    assert done, results
    assert all(isinstance(one, Unavailable) for one in results if one not in done)
    assert len({one.event_id for one in done}) == 1
    assert backend.events() == 1


@pytest.mark.proves("CAL-102")
async def test_a_slot_that_is_taken_meanwhile_is_refused_and_leaves_nothing(backend: Backend) -> None:
    await backend.calendar.place(backend.owner, meeting(9, 60))
    late = replace(meeting(9.5), attendees=(OMAR, GUEST))

    with pytest.raises(SlotTaken):
        await backend.calendar.place(backend.owner, late)
    assert await backend.calendar.find(backend.owner, late.uid) is None
    assert backend.events() == 1
    found = await backend.calendar.busy(backend.owner, [OMAR.email], at(0), at(24))
    assert list(found[OMAR.email]) == []


@pytest.mark.proves("CAL-102")
async def test_two_bookings_of_one_slot_at_once_give_one_event(backend: Backend) -> None:
    both = (
        backend.calendar.place(backend.owner, meeting(9)),
        backend.other.place(backend.owner, meeting(9.25)),
    )
    results = await asyncio.gather(*both, return_exceptions=True)

    assert sum(isinstance(one, SlotTaken) for one in results) == 1, results
    assert backend.events() == 1


async def test_meetings_may_touch(backend: Backend) -> None:
    await backend.calendar.place(backend.owner, meeting(9))
    await backend.calendar.place(backend.owner, meeting(9.5))
    await backend.calendar.place(backend.owner, meeting(8.5))
    assert await busy_of(backend) == [Busy(at(8.5), at(10))]


async def test_what_other_people_put_in_makes_busy(backend: Backend) -> None:
    await backend.puts(DANA, at(13), at(14))
    assert await busy_of(backend) == [Busy(at(13), at(14))]
    with pytest.raises(SlotTaken):
        await backend.calendar.place(backend.owner, meeting(13.5))


async def test_a_moved_event_is_busy_at_its_new_time_only(
    backend: Backend,
) -> None:
    event = meeting(9, 60)
    placed = await backend.calendar.place(backend.owner, event)
    later = moved(event, 0.5)
    there = await backend.calendar.move(backend.owner, later)

    assert there.event_id == placed.event_id
    assert await busy_of(backend) == [Busy(at(9.5), at(10.5))]
    again = await backend.calendar.move(backend.owner, later)
    assert again.event_id == placed.event_id
    assert backend.events() == 1


@pytest.mark.proves("CAL-102")
async def test_a_move_onto_a_taken_slot_leaves_the_event_where_it_was(backend: Backend) -> None:
    event = meeting(9)
    await backend.calendar.place(backend.owner, event)
    await backend.calendar.place(backend.owner, meeting(11, 60))

    with pytest.raises(SlotTaken):
        await backend.calendar.move(backend.owner, moved(event, 2.5))
    assert await busy_of(backend) == [Busy(at(9), at(9.5)), Busy(at(11), at(12))]


async def test_what_is_not_there_cannot_be_moved(backend: Backend) -> None:
    with pytest.raises(NoSuchEvent):
        await backend.calendar.move(backend.owner, moved(meeting(9), 1))
    assert backend.events() == 0


async def test_a_removed_event_is_gone_and_removing_it_again_is_fine(backend: Backend) -> None:
    event = meeting(9)
    await backend.calendar.place(backend.owner, event)
    for _ in range(2):
        await backend.calendar.remove(backend.owner, event.uid, 1)

    assert await backend.calendar.find(backend.owner, event.uid) is None
    assert await busy_of(backend) == []
    await backend.calendar.place(backend.owner, meeting(9))


async def test_what_a_crashed_attempt_has_left_is_found(backend: Backend) -> None:
    event = meeting(9)
    assert await backend.calendar.find(backend.owner, event.uid) is None
    placed = await backend.calendar.place(backend.owner, event)
    found = await backend.other.find(backend.owner, event.uid)
    assert found is not None
    assert found.event_id == placed.event_id


async def test_busy_times_are_cut_to_what_was_asked(backend: Backend) -> None:
    await backend.calendar.place(backend.owner, meeting(9, 120))
    found = await backend.calendar.busy(backend.owner, [DANA.email], at(10), at(10.5))
    assert list(found[DANA.email]) == [Busy(at(10), at(10.5))]
    assert all(one.start.tzinfo is UTC for one in found[DANA.email])


async def test_an_event_keeps_its_time_across_a_change_of_the_clock(
    backend: Backend,
) -> None:
    """Sydney leaves daylight saving on 4 April 2027, between these two."""
    before, after = meeting(9, day=117), meeting(9, day=118)
    for event in (before, after):
        await backend.calendar.place(backend.owner, event)
        found = await backend.calendar.busy(
            backend.owner, [DANA.email], event.start - timedelta(hours=2), event.end + timedelta(hours=2)
        )
        assert list(found[DANA.email]) == [Busy(event.start, event.end)]


@pytest.mark.proves("CAL-103")
async def test_a_calendar_that_does_not_answer_says_so(backend: Backend) -> None:
    silent = await backend.goes_away()
    event = meeting(9)
    with pytest.raises(Unavailable):
        await silent.busy(backend.owner, [DANA.email], at(0), at(24))
    with pytest.raises(Unavailable):
        await silent.place(backend.owner, event)
    with pytest.raises(Unavailable):
        await silent.find(backend.owner, event.uid)
