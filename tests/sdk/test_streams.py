import pytest
from switchboard_sdk import ApiError, Switchboard

from kit.wire.events import AnswerDelta, TurnCompleted, TurnEvent
from tests import scripted_platform as say
from tests.scripted_platform import SESSION, TURN, Answer, ScriptedPlatform, Stream, sse

STREAM = "/api/v1/chat/stream"
REATTACH = f"/api/v1/sessions/{SESSION}/turns/{TURN}/stream"


async def ask(client: Switchboard) -> list[TurnEvent]:
    return [event async for event in client.stream("How much leave do I get?")]


def seqs(events: list[TurnEvent]) -> list[int]:
    return [event.seq for event in events]


async def test_a_turn_ends_at_its_terminal_event(client: Switchboard, platform: ScriptedPlatform) -> None:
    events = [say.started(), say.delta(2, "You get 25 days."), say.completed(3), say.delta(4, "never shown")]
    platform.on("POST", STREAM, Stream([sse(event) for event in events]))
    told = await ask(client)
    assert seqs(told) == [1, 2, 3]
    assert isinstance(told[-1], TurnCompleted)
    assert told[-1].citations[0].title == "Leave"


@pytest.mark.proves("SDK-001")
@pytest.mark.parametrize("cut", [True, False], ids=["broken", "ended early"])
async def test_a_cut_stream_is_taken_up_where_it_was_and_nothing_comes_twice(
    client: Switchboard, platform: ScriptedPlatform, cut: bool
) -> None:
    platform.on("POST", STREAM, Stream([sse(say.started()), sse(say.delta(2, "You get "))], cut=cut))
    late = [say.delta(2, "You get "), say.delta(3, "25 days."), say.completed(4)]
    platform.on("GET", REATTACH, Stream([sse(event) for event in late]))
    told = await ask(client)
    assert seqs(told) == [1, 2, 3, 4]
    assert "".join(event.text for event in told if isinstance(event, AnswerDelta)) == "You get 25 days."
    assert platform.requests("GET", REATTACH)[0].query == {"after": "2"}


async def test_a_stream_cut_before_its_first_event_is_asked_again_with_the_same_key(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    whole = Stream([sse(say.started()), sse(say.completed(2))])
    platform.on("POST", STREAM, Stream([b": ping\n\n"], cut=True), whole)
    assert seqs(await ask(client)) == [1, 2]
    first, second = platform.requests("POST", STREAM)
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
    assert first.body == second.body


async def test_a_platform_that_restarts_in_the_middle_is_waited_for(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("POST", STREAM, Stream([sse(say.started())], cut=True))
    away = Answer(say.problem(503, "unavailable"), 503)
    platform.on("GET", REATTACH, *[away] * 5, Stream([sse(say.failed(2))]))
    assert [event.type for event in await ask(client)] == ["turn.started", "turn.failed"]


async def test_a_turn_that_cannot_be_found_again_says_where_its_answer_is(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("POST", STREAM, Stream([sse(say.started())], cut=True))
    platform.on("GET", REATTACH, Stream([], cut=True))
    with pytest.raises(ApiError) as caught:
        await ask(client)
    assert caught.value.code == "stream_lost"
    assert caught.value.request_id == "req-1"
    assert "session" in caught.value.problem.hint


async def test_an_event_of_a_newer_platform_is_passed_over(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    strange = {"type": "answer.picture", "turn_id": str(TURN), "seq": 2}
    events = [say.started(), strange, say.completed(3)]
    platform.on("POST", STREAM, Stream([sse(event) for event in events]))
    assert seqs(await ask(client)) == [1, 3]


@pytest.mark.parametrize("garbage", [b"<html>hello</html>", b'{"type": "answer.delta"}', b"[1, 2]", b"\xff"])
async def test_garbage_in_a_stream_is_an_error_that_says_so(
    client: Switchboard, platform: ScriptedPlatform, garbage: bytes
) -> None:
    platform.on("POST", STREAM, Stream([b"data: " + garbage + b"\n\n"]))
    with pytest.raises(ApiError) as caught:
        await ask(client)
    assert caught.value.code == "unreadable_answer"


async def test_a_turn_that_runs_elsewhere_can_be_watched(
    client: Switchboard, platform: ScriptedPlatform
) -> None:
    platform.on("GET", REATTACH, Stream([sse(say.delta(6, "days")), sse(say.completed(7))]))
    told = [event async for event in client.attach(SESSION, TURN, after=5)]
    assert seqs(told) == [6, 7]
    assert platform.requests("GET", REATTACH)[0].query == {"after": "5"}
