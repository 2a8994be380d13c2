import io
import sys

import pytest
from switchboard_sdk import Switchboard

from bot.console import app
from tests import scripted_platform as say
from tests.scripted_platform import Answer, ScriptedPlatform, Stream, sse

STREAM = "/api/v1/chat/stream"


async def typed(client: Switchboard, monkeypatch: pytest.MonkeyPatch, *lines: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    out = io.StringIO()
    return await app.run(client, out=out), out.getvalue()


async def test_questions_can_come_from_a_pipe(
    client: Switchboard, platform: ScriptedPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [say.started(), say.delta(2, "You get 25 days of leave. [1]"), say.completed(3)]
    platform.on("POST", STREAM, Stream([sse(event) for event in events]))
    code, told = await typed(
        client, monkeypatch, "How much leave?", "", "/sources", "/help", "/quit", "never"
    )
    assert code == 0
    assert told.startswith("› How much leave?\nYou get 25 days of leave. [1]\n\nSources\n[1] Leave › Days")
    assert "supports: You get 25 days of leave." in told
    assert "/new" in told
    assert len(platform.requests("POST", STREAM)) == 1


async def test_a_new_conversation_is_another_thread(
    client: Switchboard, platform: ScriptedPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.on("POST", STREAM, Stream([sse(say.started()), sse(say.completed(2))]))
    _, told = await typed(client, monkeypatch, "one", "two", "/new", "/sources", "three", "/typo")
    first, second, third = (seen.body.split(b"external_ref")[1] for seen in platform.seen)
    assert first == second != third
    assert "The last answer has no sources." in told
    assert "There is no command '/typo'" in told


async def test_trouble_is_shown_and_remembered_in_the_exit_code(
    client: Switchboard, platform: ScriptedPlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    platform.on("POST", STREAM, Answer(say.problem(403, "forbidden", "You may not ask."), 403))
    code, told = await typed(client, monkeypatch, "How much leave?")
    assert code == 1
    assert "You may not ask. Do something else.\nRequest id: req-from-platform" in told
