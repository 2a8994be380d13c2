"""What only calendars in other systems do: fail half-way, limit us, hide people, be edited meanwhile."""

from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web

from tests.tools.contact.calendars.backends import Backend
from tests.tools.contact.calendars.radicale import Radicale
from tests.tools.contact.calendars.stubs import GoogleStub, GraphStub, google_error
from tests.tools.contact.calendars.world import DANA, OMAR, MovedNow, at, meeting, moved
from tools.servers.contact.calendars.errors import CalendarRefused, CalendarUnavailable, SlotTaken
from tools.servers.contact.calendars.graph import moment_of
from tools.servers.contact.calendars.port import Busy
from tools.servers.contact.people import Owner

both = pytest.mark.parametrize("backend", ["graph", "google"], indirect=True)
graph_only = pytest.mark.parametrize("backend", ["graph"], indirect=True)
google_only = pytest.mark.parametrize("backend", ["google"], indirect=True)
all_outside = pytest.mark.parametrize("backend", ["caldav", "graph", "google"], indirect=True)


def of(backend: Backend) -> GraphStub | GoogleStub:
    assert backend.stub
    return backend.stub


@both
@pytest.mark.proves("CAL-103")
@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_what_passes_by_waiting_is_unavailable_with_the_wait(backend: Backend, status: int) -> None:
    of(backend).faults.append(web.Response(status=status, headers={"retry-after": "7"}))
    with pytest.raises(CalendarUnavailable) as told:
        await backend.calendar.busy(backend.owner, [DANA.email], at(0), at(24))
    assert told.value.retry_after == 7
    assert told.value.retryable


@both
@pytest.mark.parametrize("status", [400, 401, 403])
async def test_what_will_be_refused_again_is_not_tried_again(backend: Backend, status: int) -> None:
    of(backend).faults.append(web.json_response({"error": {"code": "secret name"}}, status=status))
    with pytest.raises(CalendarRefused) as told:
        await backend.calendar.busy(backend.owner, [DANA.email], at(0), at(24))
    assert not told.value.retryable
    assert "secret" not in told.value.detail


@google_only
async def test_googles_limits_are_told_from_missing_rights(backend: Backend) -> None:
    await backend.calendar.busy(backend.owner, [DANA.email], at(0), at(24))
    of(backend).faults.append(google_error(403, "rateLimitExceeded"))
    with pytest.raises(CalendarUnavailable):
        await backend.calendar.busy(backend.owner, [DANA.email], at(0), at(24))


@both
@pytest.mark.proves("CAL-101")
async def test_an_answer_that_was_lost_leaves_one_event_that_is_found(backend: Backend) -> None:
    event = meeting(9)
    stub = of(backend)
    stub.lost = 1
    assert backend.waiting
    hasty = backend.waiting(1.0)
    with pytest.raises(CalendarUnavailable):
        await hasty.place(backend.owner, event)
    assert backend.events() == 1

    found = await backend.other.find(backend.owner, event.uid)
    again = await backend.other.place(backend.owner, event)
    assert found == again
    assert backend.events() == 1


@all_outside
@pytest.mark.proves("CAL-102")
async def test_an_attempt_that_never_came_back_holds_the_time_for_minutes_only(
    backend: Backend, now: MovedNow
) -> None:
    silent = await backend.goes_away()
    with pytest.raises(CalendarUnavailable):
        await silent.place(backend.owner, meeting(9))
    assert backend.events() == 0
    if backend.stub:
        backend.stub.silent = False
        backend.stub.released.set()
        with pytest.raises(SlotTaken):
            await backend.other.place(backend.owner, meeting(9))
        now.at += timedelta(minutes=11)
        await backend.other.place(backend.owner, meeting(9))
        assert backend.events() == 1


@all_outside
async def test_nobodys_event_is_found_or_removed_by_somebody_else(backend: Backend) -> None:
    event = meeting(9)
    await backend.calendar.place(backend.owner, event)
    colleague = replace(backend.owner, user_id=backend.owner.organisation_id)
    elsewhere = Owner(backend.owner.user_id, backend.owner.user_id)
    with pytest.raises(SlotTaken):
        await backend.calendar.place(colleague, replace(event, start=at(15), end=at(16)))
    for other in (colleague, elsewhere):
        assert await backend.calendar.find(other, event.uid) is None
        await backend.calendar.remove(other, event.uid, 1)
    assert backend.events() == 1


@all_outside
async def test_a_second_participant_is_busy_too(backend: Backend) -> None:
    event = replace(meeting(9), attendees=(OMAR,))
    await backend.calendar.place(backend.owner, event)
    found = await backend.calendar.busy(backend.owner, [OMAR.email], at(0), at(24))
    assert list(found[OMAR.email]) == [Busy(at(9), at(9.5))]
    await backend.calendar.move(backend.owner, moved(event, 2))
    await backend.puts(OMAR, at(15), at(16))
    with pytest.raises(SlotTaken):
        await backend.calendar.move(backend.owner, replace(moved(event, 6), sequence=2))
    await backend.calendar.remove(backend.owner, event.uid, 3)
    found = await backend.calendar.busy(backend.owner, [OMAR.email], at(0), at(24))
    assert list(found[OMAR.email]) == [Busy(at(15), at(16))]


@graph_only
async def test_what_was_edited_in_outlook_is_moved_all_the_same(backend: Backend) -> None:
    event = meeting(9)
    await backend.calendar.place(backend.owner, event)
    stub = of(backend)
    assert isinstance(stub, GraphStub)
    stub.edited = 1
    placed = await backend.calendar.move(backend.owner, moved(event, 1))
    [kept] = stub.mailboxes[DANA.email].values()
    assert placed.event_id == kept["id"]
    assert sum(one.startswith("PATCH") for one in stub.seen) == 2
    assert kept["start"]["dateTime"].startswith("2026-12-07T10:00")


@both
async def test_of_whom_nothing_is_told_nothing_is_assumed(backend: Backend) -> None:
    stub = of(backend)
    if isinstance(stub, GraphStub):
        stub.hidden.add(DANA.email)
    else:
        del stub.calendars[DANA.email]
    with pytest.raises(CalendarRefused):
        await backend.calendar.busy(backend.owner, [DANA.email], at(0), at(24))


@graph_only
@pytest.mark.proves("CAL-108")
async def test_times_come_by_the_names_of_windows(backend: Backend) -> None:
    stub = of(backend)
    assert isinstance(stub, GraphStub)
    stub.zone = ("AUS Eastern Standard Time", "Australia/Sydney")
    stub.puts(DANA.email, at(1), at(2), "oof")
    stub.puts(DANA.email, at(5), at(6), "free")
    stub.puts(DANA.email, at(7), at(8), "workingElsewhere")
    found = await backend.calendar.busy(backend.owner, [DANA.email], at(0), at(24))
    assert list(found[DANA.email]) == [Busy(at(1), at(2))]


@pytest.mark.parametrize(
    ("name", "zone"),
    [("UTC", "UTC"), ("W. Europe Standard Time", "Europe/Berlin"), ("America/New_York", "America/New_York")],
)
def test_a_graph_time_is_an_instant(name: str, zone: str) -> None:
    given = {"dateTime": "2026-07-01T09:30:00.0000000", "timeZone": name}
    assert moment_of(given) == datetime(2026, 7, 1, 9, 30, tzinfo=ZoneInfo(zone))


def test_a_zone_that_nobody_knows_is_not_taken_for_another() -> None:
    with pytest.raises(ValueError, match="zone"):
        moment_of({"dateTime": "2026-07-01T09:30:00", "timeZone": "Customised Time Zone"})


@google_only
async def test_google_tells_the_attendees_and_a_deleted_event_can_be_placed_again(backend: Backend) -> None:
    event = meeting(9)
    placed = await backend.calendar.place(backend.owner, event)
    assert placed.notified
    await backend.calendar.remove(backend.owner, event.uid, 1)
    again = await backend.calendar.place(backend.owner, event)
    assert again.event_id == placed.event_id
    assert backend.events() == 1
    stub = of(backend)
    assert isinstance(stub, GoogleStub)
    assert set(stub.told) == {"all"}


@pytest.mark.proves("CAL-102")
@pytest.mark.parametrize("backend", ["caldav"], indirect=True)
async def test_a_copy_that_a_crash_left_with_one_of_two_goes_when_the_slot_is_lost(
    backend: Backend, now: MovedNow, caldav_server: Radicale
) -> None:
    event = replace(meeting(9), attendees=(OMAR,))
    await backend.calendar.place(backend.owner, event)
    [organisers] = (caldav_server.calendar(DANA.email)).glob("*.ics")
    organisers.unlink()
    now.at += timedelta(minutes=11)
    await backend.other.place(backend.owner, meeting(9))

    with pytest.raises(SlotTaken):
        await backend.calendar.place(backend.owner, event)
    assert caldav_server.events(OMAR.email) == 0
    assert caldav_server.events(DANA.email) == 1
