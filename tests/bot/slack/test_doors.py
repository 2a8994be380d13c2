"""Who is let in: signed, fresh and of our workspace; everything else is refused, and recorded (issue 8)."""

import time
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.slack.serving import web
from launch.child import free_port
from tests.bot.slack.conftest import Desk
from tests.slack.simulator.delivery import SignedHttp
from tests.slack.simulator.server import SIGNING_SECRET
from tests.slack.simulator.world import Delivered
from tests.tools.world import served

QUESTION = "How many days of leave do I get?"


class Door:
    """The bot behind its HTTP address, and what it did."""

    def __init__(self, desk: Desk, http: SignedHttp, bot: Any) -> None:
        self.desk, self.slack, self.maya, self.http, self.bot = desk, desk.slack, desk.maya, http, bot

    def question(self) -> tuple[Any, dict[str, Any]]:
        posted = self.maya.posted(self.maya.dm, QUESTION)
        return posted, self.maya.event_body(self.maya.message_event(posted), self.maya.dm)

    async def send(self, body: dict[str, Any], **how: Any) -> Delivered:
        """One attempt."""
        delivered = Delivered("events_api", body, time.monotonic())
        headers, data = self.http.request("events_api", body, **how)
        await self.http.send(delivered, headers, data)
        return delivered

    async def nothing_happened(self) -> bool:
        await self.slack.quiet(0.3)
        await self.bot.idle()
        shown = [call for call in self.slack.calls if call.method.startswith(("chat.", "assistant."))]
        return not self.desk.platform.asked and not shown


@pytest.fixture
async def door(desk: Desk) -> AsyncGenerator[Door]:
    async with desk.bot(app_token=SecretStr("")) as bot:
        port = free_port()
        async with served(web(bot), port):
            http = SignedHttp(desk.slack, f"http://127.0.0.1:{port}/slack/events", SIGNING_SECRET)
            desk.slack.door = http
            yield Door(desk, http, bot)


@pytest.fixture
def told() -> Iterator[list[Any]]:
    """What the bot recorded."""
    with capture_logs() as logs:
        yield logs


async def test_a_signed_question_is_answered_over_http(door: Door) -> None:
    asked = await door.maya.say(QUESTION)
    await door.slack.until(lambda: [m for m in door.slack.answers(door.maya.dm, asked.ts) if not m.streaming])


@pytest.mark.proves("SLACK-305")
@pytest.mark.parametrize("how", [{"secret": "somebody else's"}, {"at": time.time() - 600}, {"at": 0}])
async def test_a_wrong_signature_and_an_old_one_are_refused(
    door: Door, told: list[Any], how: dict[str, Any]
) -> None:
    _, body = door.question()
    assert (await door.send(body, **how)).status == 401
    assert await door.nothing_happened()
    assert any(one["log_level"] == "warning" for one in told), told


@pytest.mark.proves("SLACK-305")
async def test_a_replay_is_answered_once(door: Door, told: list[Any]) -> None:
    asked, body = door.question()
    signed = door.http.request("events_api", body)
    for _ in range(3):
        delivered = Delivered("events_api", body, time.monotonic())
        await door.http.send(delivered, *signed)
        assert delivered.status == 200
    await door.slack.until(lambda: [m for m in door.slack.answers(door.maya.dm, asked.ts) if not m.streaming])
    await door.slack.quiet()
    assert len(door.slack.answers(door.maya.dm, asked.ts)) == 1
    assert [one["event"] for one in told if one["event"] == "slack.again"]


@pytest.mark.proves("SLACK-305")
async def test_a_foreign_workspace_gets_nothing(door: Door, told: list[Any]) -> None:
    """Signed, but of a workspace that has not installed us."""
    other = door.slack.team("globex", installed=False)
    eve = door.slack.person("eve", other)
    await eve.say(QUESTION)
    assert await door.nothing_happened()
    assert any(other.id in str(one) for one in told if one["log_level"] == "warning"), told


async def test_nonsense_is_refused_without_a_trace_of_work(door: Door) -> None:
    for body in ({}, {"type": "event_callback"}, {"type": "event_callback", "event": {"type": "message"}}):
        assert (await door.send(body)).status in {200, 400, 404}
    assert await door.nothing_happened()
