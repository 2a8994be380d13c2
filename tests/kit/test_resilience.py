from contextlib import suppress

import pytest

from kit.errors import NotFound, Unavailable
from kit.resilience import Breaker
from tests.clocks import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def breaker(clock: HandClock) -> Breaker:
    return Breaker("search", failures=3, within_s=10, open_s=30, clock=clock)


def fail(breaker: Breaker) -> None:
    with pytest.raises(ConnectionError), breaker.guard():
        raise ConnectionError


def open_it(breaker: Breaker) -> None:
    for _ in range(3):
        fail(breaker)


@pytest.mark.proves("RESILIENCE-001")
def test_it_opens_after_three_failures_and_then_refuses_without_calling(breaker: Breaker) -> None:
    open_it(breaker)
    with pytest.raises(Unavailable) as refused, breaker.guard():
        pytest.fail("an open breaker let a call through")
    assert refused.value.retry_after == 30


def test_failures_that_are_far_apart_do_not_open_it(breaker: Breaker, clock: HandClock) -> None:
    for _ in range(5):
        fail(breaker)
        clock.move(seconds=6)
    assert breaker.state == "closed"


@pytest.mark.proves("RESILIENCE-001")
def test_after_the_pause_one_probe_goes_through_and_closes_it(breaker: Breaker, clock: HandClock) -> None:
    open_it(breaker)
    clock.move(seconds=30)
    with breaker.guard(), pytest.raises(Unavailable), breaker.guard():
        pytest.fail("a second call joined the probe")
    assert breaker.state == "closed"


def test_a_probe_that_fails_opens_it_again(breaker: Breaker, clock: HandClock) -> None:
    open_it(breaker)
    clock.move(seconds=30)
    fail(breaker)
    assert breaker.state == "open"


def test_a_callers_own_mistake_is_not_a_failure_of_the_dependency(breaker: Breaker) -> None:
    for _ in range(5):
        with pytest.raises(NotFound), breaker.guard():
            raise NotFound
    assert breaker.state == "closed"


def test_failures_count_together_whatever_succeeds_in_between_unless_in_a_row(clock: HandClock) -> None:
    counting = Breaker("search", failures=3, within_s=10, open_s=30, clock=clock, in_a_row=False)
    in_a_row = Breaker("search", failures=3, within_s=10, open_s=30, clock=clock)
    for breaker in (counting, in_a_row):
        for _ in range(3):
            fail(breaker)
            with suppress(Unavailable), breaker.guard():
                pass
    assert (counting.state, in_a_row.state) == ("open", "closed")


def test_a_call_from_before_does_not_close_it(breaker: Breaker) -> None:
    with breaker.guard():
        open_it(breaker)
    assert breaker.state == "open"
