from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import pytest
from pydantic import SecretStr
from switchboard_sdk import Switchboard

from bot.slack.app import SlackBot, build
from bot.slack.settings import SlackSettings
from tests.bot import small_platform
from tests.bot.small_platform import SmallPlatform
from tests.slack.simulator import Channel, Person, Posted, Slack, Team
from tests.slack.simulator.server import APP_TOKEN, SIGNING_SECRET


@dataclass(slots=True)
class Desk:
    """A simulated Slack, a small platform, and whatever bots a test starts between them."""

    slack: Slack
    platform: SmallPlatform
    team: Team
    maya: Person
    channel: Channel

    def settings(self, **changes: object) -> SlackSettings:
        fields: dict[str, object] = {
            "app_token": SecretStr(APP_TOKEN),
            "bot_token": SecretStr(f"xoxb-{self.team.id}"),
            "signing_secret": SecretStr(SIGNING_SECRET),
            "bot_key": SecretStr("key"),
            "platform_url": self.platform.url,
            "api_url": self.slack.api_url,
            "name": "the-same-after-a-restart",
        }
        return SlackSettings.model_validate(fields | changes)

    def bot(self, **changes: object) -> AbstractAsyncContextManager[SlackBot]:
        return self._bot(self.settings(**changes))

    @asynccontextmanager
    async def _bot(self, settings: SlackSettings) -> AsyncGenerator[SlackBot]:
        async with Switchboard(settings.platform_url, "key") as switchboard:
            bot = build(settings, switchboard)
            async with bot.running():
                if settings.app_token.get_secret_value():
                    await self.slack.sockets.ready()
                yield bot

    def answers(self, question: Posted) -> list[Posted]:
        found = self.slack.answers(question.channel, question.thread or question.ts)
        return [one for one in found if one.ts > question.ts]

    async def the_answer(self, bot: SlackBot, question: Posted) -> Posted:
        """The one final message, when nothing is under way any more."""
        await self.slack.until(
            lambda: [one for one in self.answers(question) if not one.streaming], "an answer"
        )
        await bot.idle()
        found = self.answers(question)
        assert len(found) == 1, [one.shown for one in found]
        assert not found[0].streaming
        assert self.slack.status(question.channel, question.thread or question.ts) == ""
        return found[0]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with Slack.running() as slack, small_platform.running() as platform:
        team = slack.team()
        platform.changed = slack.changed
        maya = slack.person("maya", team)
        yield Desk(slack, platform, team, maya, slack.channel("general", team, maya))
        assert not slack.violations, slack.violations
