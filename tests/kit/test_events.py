from uuid import uuid4

import pytest
from pydantic import ValidationError

from kit.wire.events import AnswerDelta, TurnFailed, is_terminal, parse_event


@pytest.mark.proves("TURN-001")
def test_an_event_comes_back_as_it_was_sent() -> None:
    sent = AnswerDelta(turn_id=uuid4(), seq=3, text="Four hours a month.")
    assert parse_event(sent.dump()) == sent


def test_only_three_kinds_end_a_turn() -> None:
    failed = TurnFailed(
        turn_id=uuid4(), seq=9, code="timed_out", detail="d", hint="h", request_id="r", retryable=True
    )
    assert is_terminal(failed)
    assert not is_terminal(AnswerDelta(turn_id=uuid4(), text="x"))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValidationError):
        parse_event('{"type": "turn.dreamt", "turn_id": "00000000-0000-0000-0000-000000000000", "seq": 1}')
