"""Who is let in: signed, fresh and of our workspace; everything else is refused, and recorded (issue 8)."""

import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs
from switchboard_sdk import Switchboard

from bot.slack.app import build
from bot.slack.serving import web
from launch.child import free_port
from tests.e2e.conftest import Place
from tests.slack.office import ACME, QUESTION, forget_turns, settings_of
from tests.slack.simulator import Person, Slack
from tests.slack.simulator.delivery import SignedHttp
from tests.slack.simulator.server import SIGNING_SECRET
from tests.slack.simulator.world import Delivered
from tests.slack.wire import Wire
from tests.tools.world import served

pytestmark = [pytest.mark.timeout(120)]


class Door:
    """The bot behind its HTTP address, and what it did."""

    def __init__(self, slack: Slack, wire: Wire, http: SignedHttp, maya: Person, bot: Any) -> None:
        self.slack, self.wire, self.http, self.maya, self.bot = slack, wire, http, maya, bot

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
        asked = [one for one in self.wire.passed if "/chat/stream" in one]
        shown = [call for call in self.slack.calls if call.method.startswith(("chat.", "assistant."))]
        return not asked and not shown


@asynccontextmanager
async def opened(slack: Slack, platform: Place, key: str) -> AsyncGenerator[Door]:
    maya = slack.person("maya", slack.team(identity=ACME), email="maya@example.com")
    async with Wire.to(platform.url) as wire:
        settings = settings_of(slack, wire, key, app_token=SecretStr(""))
        async with Switchboard(wire.url, key) as switchboard:
            await forget_turns(switchboard)
            bot = build(settings, switchboard)
            port = free_port()
            async with bot.running(), served(web(bot), port):
                http = SignedHttp(slack, f"http://127.0.0.1:{port}/slack/events", SIGNING_SECRET)
                slack.door = http
                yield Door(slack, wire, http, maya, bot)


@pytest.fixture
async def door(slack: Slack, platform: Place, key: str) -> AsyncGenerator[Door]:
    async with opened(slack, platform, key) as door:
        yield door


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
