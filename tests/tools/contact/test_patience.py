"""SPEC 11's table, with a clock that the test moves and no waiting."""

import asyncio

import pytest

from kit.errors import TimedOut, Unavailable
from tests.clocks import HandClock
from tools.servers.contact.calendars.errors import CalendarUnavailable, SlotTaken
from tools.servers.contact.crm import CrmRefused, CrmUnavailable
from tools.servers.contact.mail import CannotTell, MailUnavailable
from tools.servers.contact.patience import CALENDAR, CRM, MAIL, Patience, calendar_breaker, persist


class Dependency:
    """Raises what it is given, one after the other, then answers."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0
        self.waits: list[float] = []

    async def __call__(self) -> str:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "answer"

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.mark.proves("MAIL-106")
@pytest.mark.parametrize(
    ("patience", "error", "waits", "timeout_s", "queued_s"),
    [
        (CALENDAR, CalendarUnavailable(), [1, 2, 4], 5, 0),
        (MAIL, MailUnavailable(), [2, 4, 8], 10, 3600),
        (CRM, CrmUnavailable(), [1, 2], 5, 0),
    ],
)
async def test_each_is_asked_again_as_often_as_the_table_says(
    patience: Patience, error: Exception, waits: list[float], timeout_s: float, queued_s: float
) -> None:
    dead = Dependency(*[error] * 20)
    with pytest.raises(type(error)):
        await persist(patience, None, dead, sleep=dead.sleep)
    assert (dead.waits, dead.calls) == (waits, len(waits) + 1)
    late = Dependency(*[error] * len(waits))
    assert await persist(patience, None, late, sleep=late.sleep) == "answer"
    assert (patience.timeout_s, patience.queued_s) == (timeout_s, queued_s)


@pytest.mark.proves("MAIL-106")
@pytest.mark.parametrize("error", [SlotTaken(), CrmRefused(), CannotTell(), ValueError("ours")])
async def test_what_no_further_try_can_mend_is_not_tried_again(error: Exception) -> None:
    asked = Dependency(error)
    with pytest.raises(type(error)):
        await persist(MAIL, None, asked, sleep=asked.sleep)
    assert (asked.calls, asked.waits) == (1, [])


@pytest.mark.proves("MAIL-106")
async def test_who_asks_for_time_gets_it_unless_it_is_more_than_we_wait() -> None:
    soon = Dependency(CrmUnavailable(retry_after=1.5))
    assert await persist(CRM, None, soon, sleep=soon.sleep) == "answer"
    assert soon.waits == [1.5]
    late = Dependency(CrmUnavailable(retry_after=60))
    with pytest.raises(CrmUnavailable):
        await persist(CRM, None, late, sleep=late.sleep)
    assert late.calls == 1


@pytest.mark.proves("MAIL-106")
async def test_five_failures_in_a_row_open_the_calendars_breaker_and_one_probe_closes_it() -> None:
    clock = HandClock()
    breaker, dead = calendar_breaker(clock), Dependency(*[CalendarUnavailable()] * 20)
    for _ in range(5):
        clock.move(hours=1)
        with pytest.raises(CalendarUnavailable):
            await persist(CALENDAR.once(), breaker, dead, sleep=dead.sleep)
    with pytest.raises(Unavailable):
        await persist(CALENDAR, breaker, dead, sleep=dead.sleep)
    assert (dead.calls, dead.waits) == (5, []), "an open breaker is told at once, without waiting"
    clock.move(seconds=31)
    well = Dependency()
    assert await persist(CALENDAR, breaker, well, sleep=well.sleep) == "answer"
    assert breaker.state == "closed"


@pytest.mark.proves("MAIL-106")
async def test_a_success_in_between_begins_the_counting_anew_and_a_taken_slot_is_no_failure() -> None:
    breaker = calendar_breaker(HandClock())
    for error in [*[CalendarUnavailable()] * 4, None, *[CalendarUnavailable()] * 4, *[SlotTaken()] * 9]:
        asked = Dependency(*([error] if error else []))
        if error is None:
            await persist(CALENDAR.once(), breaker, asked)
        else:
            with pytest.raises(type(error)):
                await persist(CALENDAR.once(), breaker, asked)
    assert breaker.state == "closed"


@pytest.mark.proves("MAIL-106")
async def test_a_call_that_keeps_no_time_limit_is_cut_off_and_a_letter_is_not_tried_again() -> None:
    calls = 0

    async def forever() -> None:
        nonlocal calls
        calls += 1
        await asyncio.Event().wait()

    async def no_wait(_: float) -> None: ...

    with pytest.raises(TimedOut):
        await persist(Patience("it", (1.0,), timeout_s=-0.99), None, forever, sleep=no_wait)
    assert calls == 2
    letter = Patience("it", (1.0,), timeout_s=-0.99, late_is_safe=False)
    with pytest.raises(TimedOut):
        await persist(letter, None, forever, sleep=no_wait)
    assert calls == 3


@pytest.mark.proves("MAIL-106")
async def test_cancelled_means_cancelled_and_frees_the_probe() -> None:
    clock = HandClock()
    breaker = calendar_breaker(clock)
    for _ in range(5):
        with pytest.raises(CalendarUnavailable):
            await persist(CALENDAR.once(), breaker, Dependency(CalendarUnavailable()))
    clock.move(seconds=31)
    with pytest.raises(asyncio.CancelledError):
        await persist(CALENDAR, breaker, Dependency(asyncio.CancelledError()))
    assert await persist(CALENDAR, breaker, Dependency()) == "answer"


def test_the_queue_goes_on_doubling_up_to_five_minutes() -> None:
    assert [MAIL.queue_wait_s(attempt) for attempt in (1, 2, 3, 6, 50)] == [16, 32, 64, 300, 300]
