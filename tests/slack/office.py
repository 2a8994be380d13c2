"""The bot as `launch` builds it, between a simulated Slack and a running platform that knows the handbook."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from pydantic import SecretStr
from switchboard_sdk import Switchboard

from bot.slack.app import SlackBot, build
from bot.slack.settings import SlackSettings
from tests.e2e.conftest import Place
from tests.slack.simulator import Channel, Person, Posted, Slack, Team
from tests.slack.simulator.server import APP_TOKEN, CLIENT_ID, CLIENT_SECRET, SIGNING_SECRET
from tests.slack.wire import Wire

ACME = "T0ACME0001"
"""The workspace whose verified addresses the platform trusts."""
QUESTION = "How many days of annual leave do full-time staff earn a year?"


@dataclass(slots=True)
class Office:
    """`maya` is linked by her address; `channel` has her, tom and the bot."""

    slack: Slack
    wire: Wire
    platform: Place
    settings: SlackSettings
    team: Team
    maya: Person
    tom: Person
    channel: Channel
    bot: SlackBot

    async def settled(self) -> None:
        """Nothing is under way any more, in the bot or in Slack."""
        await self.slack.quiet(0.2)
        await self.bot.idle()
        await self.slack.quiet(0.2)

    async def answer_to(self, question: Posted, *, by: Person | None = None) -> Posted:
        """The one final answer in the question's thread, when everything is quiet."""
        thread = question.thread or question.ts
        await self.slack.until(
            lambda: [m for m in self.answers(question, by) if not m.streaming], f"an answer in {thread}"
        )
        await self.settled()
        answers = self.answers(question, by)
        assert len(answers) == 1, [a.shown for a in answers]
        return answers[0]

    def answers(self, question: Posted, by: Person | None = None) -> list[Posted]:
        """Newer than the question, in its thread."""
        thread = question.thread or question.ts
        found = self.slack.answers(question.channel, thread, by=(by or self.maya).id)
        return [one for one in found if one.ts > question.ts]

    @asynccontextmanager
    async def person(self, name: str) -> AsyncGenerator[Switchboard]:
        async with self.platform.as_person(name) as switchboard:
            yield switchboard


def settings_of(slack: Slack, wire: Wire, key: str, **changes: Any) -> SlackSettings:
    fields: dict[str, Any] = {
        "app_token": SecretStr(APP_TOKEN),
        "bot_token": SecretStr(f"xoxb-{ACME}"),
        "signing_secret": SecretStr(SIGNING_SECRET),
        "bot_key": SecretStr(key),
        "platform_url": wire.url,
        "api_url": slack.api_url,
        "workspaces": [ACME],
        "name": f"bot-{uuid4().hex}",
    }
    return SlackSettings(**fields | changes)


OAUTH = {"bot_token": SecretStr(""), "client_id": CLIENT_ID, "client_secret": SecretStr(CLIENT_SECRET)}


@asynccontextmanager
async def office(slack: Slack, platform: Place, key: str, **changes: Any) -> AsyncGenerator[Office]:
    """`key`: of the bot, from the platform. changes: of the bot's settings."""
    team = slack.team(identity=ACME)
    maya = slack.person("maya", team, email="maya@example.com")
    tom = slack.person("tom", team, email="tom@example.com")
    channel = slack.channel("general", team, maya, tom)
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(Wire.to(platform.url))
        settings = settings_of(slack, wire, key, **changes)
        bot = await stack.enter_async_context(running(slack, settings))
        yield Office(slack, wire, platform, settings, team, maya, tom, channel, bot)


@asynccontextmanager
async def running(slack: Slack, settings: SlackSettings) -> AsyncGenerator[SlackBot]:
    """A bot process, on Socket Mode."""
    switchboard = Switchboard(settings.platform_url, settings.bot_key.get_secret_value())
    async with switchboard:
        await forget_turns(switchboard)
        bot = build(settings, switchboard)
        async with bot.running():
            await slack.sockets.ready()
            yield bot


async def forget_turns(switchboard: Switchboard) -> None:
    """What other tests left unfinished is not taken up here."""
    async for entry in switchboard.channel_state.all("slack", "turn/"):
        await switchboard.channel_state.remove("slack", entry.key)


@asynccontextmanager
async def process(slack: Slack, settings: SlackSettings) -> AsyncGenerator[asyncio.subprocess.Process]:
    """`switchboard bot slack` in a process of its own; the newest connection gets the events."""
    secrets = {name: value.get_secret_value() for name, value in settings if isinstance(value, SecretStr)}
    plain = {"platform_url": settings.platform_url, "api_url": settings.api_url, "name": settings.name}
    fields = secrets | plain | {"workspaces": json.dumps(settings.workspaces)}
    env = os.environ | {f"SWITCHBOARD_SLACK__{name.upper()}": value for name, value in fields.items()}
    before = slack.sockets.hellos
    command = [sys.executable, "-m", "launch", "bot", "slack"]
    child = await asyncio.create_subprocess_exec(*command, env=env, stdout=asyncio.subprocess.DEVNULL)
    try:
        await slack.until(lambda: slack.sockets.hellos > before, "the bot's process", within_s=60)
        yield child
    finally:
        if child.returncode is None:
            child.terminate()
        await asyncio.wait_for(child.wait(), 60)


async def bot_key(platform: Place) -> str:
    async with platform.as_person("ada") as ada:
        return (await ada.links.create_bot("slack")).key
