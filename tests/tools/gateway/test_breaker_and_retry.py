"""A tool's own breaker and retries, and whose trouble a slow server is."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from access.principal import Principal
from kit.errors import SwitchboardError, ToolTimedOut, Unavailable, UpstreamFailed
from tests.clocks import HandClock
from tests.tools.gateway.links import OK, Inner, call_of, offered
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.upstreams.errors import HungUp
from tools.gateway.wrappers.breaker import broken
from tools.gateway.wrappers.bulkhead import ServerBusy
from tools.gateway.wrappers.forward import ToolRefused
from tools.gateway.wrappers.retry import FIRST_S, retried

ORGANISATION = uuid4()
MAYA, TOM, *OTHERS = (Principal(ORGANISATION, uuid4(), name=str(number)) for number in range(8))
TOOL = offered()


async def outcome(handler: Handler, call: Call) -> Reply | SwitchboardError:
    try:
        return await handler(call)
    except SwitchboardError as error:
        return error


# --- whose trouble it is


@pytest.mark.proves("GOV-206")
async def test_what_one_person_finds_slow_is_left_alone_for_that_person_only() -> None:
    inner = Inner(ToolTimedOut("slow"))
    handler = broken(inner, HandClock())
    for _ in range(20):
        await outcome(handler, call_of(MAYA, TOOL))
    assert len(inner.calls) == 5
    refused = await outcome(handler, call_of(MAYA, TOOL))
    assert isinstance(refused, Unavailable)
    assert refused.retry_after == 60

    inner.does = OK
    assert await handler(call_of(TOM, TOOL)) == OK


@pytest.mark.proves("GOV-206")
async def test_what_five_people_find_slow_is_left_alone_for_everybody() -> None:
    inner = Inner(ToolTimedOut("slow"))
    handler = broken(inner, HandClock())
    for who in (MAYA, *OTHERS[:4]):
        await outcome(handler, call_of(who, TOOL))
    inner.does = OK

    assert isinstance(await outcome(handler, call_of(TOM, TOOL)), Unavailable)
    assert len(inner.calls) == 5


@pytest.mark.proves("GOV-206")
async def test_calls_at_the_same_time_count_as_the_same_persons_all_the_same() -> None:
    inner = Inner(None)

    async def slow(call: Call) -> Reply:
        await inner(call)
        raise ToolTimedOut("slow")

    handler = broken(slow, HandClock())
    calls = [asyncio.create_task(outcome(handler, call_of(MAYA, TOOL))) for _ in range(6)]
    while len(inner.calls) < 6:
        await asyncio.sleep(0)
    inner.release.set()
    await asyncio.gather(*calls)

    assert isinstance(await outcome(handler, call_of(MAYA, TOOL)), Unavailable)
    assert isinstance(await outcome(handler, call_of(TOM, TOOL)), ToolTimedOut)


async def test_after_a_minute_one_call_of_that_person_tries_again() -> None:
    inner, clock = Inner(ToolTimedOut("slow")), HandClock()
    handler = broken(inner, clock)
    for _ in range(5):
        await outcome(handler, call_of(MAYA, TOOL))
    clock.move(seconds=60)
    inner.does = OK

    assert await handler(call_of(MAYA, TOOL)) == OK
    assert await handler(call_of(MAYA, TOOL)) == OK


async def test_who_is_refused_alone_does_not_hold_up_the_call_that_tries_for_all() -> None:
    inner, clock = Inner(ToolTimedOut("slow")), HandClock()
    handler = broken(inner, clock)
    for who in (MAYA, MAYA, MAYA, MAYA, *OTHERS[:4]):
        await outcome(handler, call_of(who, TOOL))
    clock.move(seconds=40)
    await outcome(handler, call_of(MAYA, TOOL))  # refused: it is open for everybody
    clock.move(seconds=21)
    inner.does = OK
    assert await handler(call_of(MAYA, TOOL)) == OK
    assert await handler(call_of(TOM, TOOL)) == OK


@pytest.mark.proves("GOV-206")
async def test_a_tool_has_a_breaker_of_its_own_beside_its_servers() -> None:
    fragile = offered(name="echo.fragile", breaker={"failures": 1, "within_s": 5, "open_s": 10})
    inner, clock = Inner(UpstreamFailed("broken")), HandClock()
    handler = broken(inner, clock)
    await outcome(handler, call_of(MAYA, fragile))
    refused = await outcome(handler, call_of(TOM, fragile))
    assert isinstance(refused, Unavailable)
    assert refused.retry_after == 10

    inner.does = OK
    assert await handler(call_of(TOM, TOOL)) == OK
    clock.move(seconds=10)
    assert await handler(call_of(TOM, fragile)) == OK


async def test_other_numbers_begin_anew() -> None:
    inner, clock = Inner(UpstreamFailed("broken")), HandClock()
    handler = broken(inner, clock)
    before = offered(breaker={"failures": 1, "within_s": 5, "open_s": 1000})
    await outcome(handler, call_of(MAYA, before))
    assert isinstance(await outcome(handler, call_of(MAYA, before)), Unavailable)

    inner.does = OK
    after = offered(breaker={"failures": 3, "within_s": 5, "open_s": 1000})
    assert await handler(call_of(MAYA, after)) == OK


# --- retries


class Twice:
    """Fails as often as it is told to, and notes the pauses before it is asked again."""

    def __init__(self, error: Exception, times: int, *, tells: bool = False) -> None:
        self.error = error
        self.left = times
        self.calls = 0
        self.pauses: list[float] = []
        self._tells = tells

    async def __call__(self, call: Call) -> Reply:
        self.calls += 1
        if self._tells and call.tell is not None:
            await call.tell("notifications/progress", {})
        if self.left:
            self.left -= 1
            raise self.error
        return OK

    async def sleep(self, pause_s: float) -> None:
        self.pauses.append(pause_s)


def again(inner: Twice) -> Handler:
    return retried(inner, inner.sleep)


PATIENT: dict[str, Any] = {"retries": 2, "idempotent": True}


@pytest.mark.proves("GOV-206")
@pytest.mark.parametrize("error", [Unavailable("away"), HungUp("hung up")], ids=["away", "hung up"])
async def test_an_idempotent_tool_is_called_again_with_longer_pauses(error: Exception) -> None:
    inner = Twice(error, 2)
    call = call_of(MAYA, offered(**PATIENT))

    assert await again(inner)(call) == OK
    assert (inner.calls, call.retried) == (3, 2)
    first, second = inner.pauses
    assert FIRST_S * 0.5 <= first <= FIRST_S * 1.5
    assert FIRST_S <= second <= FIRST_S * 3


async def test_as_often_as_it_says_and_no_more() -> None:
    inner = Twice(Unavailable("away"), 9)
    assert isinstance(await outcome(again(inner), call_of(MAYA, offered(**PATIENT))), Unavailable)
    assert inner.calls == 3


@pytest.mark.proves("GOV-206")
@pytest.mark.parametrize(
    ("policy", "error"),
    [
        ({"retries": 2, "idempotent": False}, Unavailable("away")),
        ({"idempotent": True}, Unavailable("away")),
        (PATIENT, UpstreamFailed("broke off in the middle")),
        (PATIENT, ToolRefused("no")),
        (PATIENT, ServerBusy()),
        (PATIENT, ToolTimedOut("slow")),
        (PATIENT | {"timeout_s": 0.01}, Unavailable("away")),
    ],
    ids=["has effects", "does not say so", "half answered", "refused", "busy", "slow", "no time left"],
)
async def test_what_may_have_had_an_effect_or_would_not_help_is_not_repeated(
    policy: dict[str, Any], error: Exception
) -> None:
    inner = Twice(error, 1)
    assert await outcome(again(inner), call_of(MAYA, offered(**policy))) is error
    assert inner.calls == 1


async def test_a_call_of_which_the_client_heard_something_is_not_repeated() -> None:
    heard: list[str] = []

    async def tell(method: str, params: dict[str, Any]) -> None:
        heard.append(method)

    inner = Twice(HungUp("hung up"), 1, tells=True)
    call = call_of(MAYA, offered(**PATIENT))
    call.tell = tell
    assert isinstance(await outcome(again(inner), call), HungUp)
    assert (inner.calls, heard) == (1, ["notifications/progress"])


async def test_an_answer_to_a_question_is_brought_once() -> None:
    inner = Twice(HungUp("hung up"), 1)
    call = call_of(MAYA, offered(**PATIENT))
    call.resumption = {"requestState": "x"}
    assert isinstance(await outcome(again(inner), call), HungUp)
    assert inner.calls == 1
