"""The bot as `launch` builds it, between a simulated Teams and a running platform that knows the handbook."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from pydantic import SecretStr
from switchboard_sdk import Switchboard

from bot.teams.app import TeamsBot, build
from bot.teams.serving import web
from bot.teams.settings import TeamsSettings
from tests.e2e.conftest import Place
from tests.slack.wire import Wire
from tests.teams.issuer import APP_ID
from tests.teams.simulator import ACME, TOKEN, Chat, Person, Said, Shown, Teams

QUESTION = "How many days of annual leave do full-time staff earn a year?"


class OneToken:
    async def token(self) -> str:
        return TOKEN


@dataclass(slots=True)
class Office:
    """`maya` is linked by her address; `group` and `channel` have her, tom and the bot."""

    teams: Teams
    wire: Wire
    platform: Place
    settings: TeamsSettings
    bot: TeamsBot
    maya: Person
    tom: Person
    own: Chat
    group: Chat
    channel: Chat

    async def answer_to(self, said: Said, within_s: float = 40.0) -> Shown:
        """The one final answer, when everything is quiet."""
        await self.teams.until(lambda: self.finals(said), f"an answer to {said.id}", within_s)
        await self.bot.idle()
        answers = self.teams.answers(said)
        assert len(answers) == 1, [one.words[:200] for one in answers]
        assert not answers[0].streaming
        return answers[0]

    def finals(self, said: Said) -> list[Shown]:
        found = self.teams.answers(said)
        return [one for one in found if not one.streaming and one.versions]

    @asynccontextmanager
    async def person(self, name: str) -> AsyncGenerator[Switchboard]:
        async with self.platform.as_person(name) as switchboard:
            yield switchboard


def settings_of(teams: Teams, wire_url: str, key: str, **changes: Any) -> TeamsSettings:
    fields: dict[str, Any] = {
        "app_id": APP_ID,
        "password": SecretStr("a-secret"),
        "tenant": ACME,
        "bot_key": SecretStr(key),
        "platform_url": wire_url,
        "issuer": teams.issuer.issuer,
        "metadata_url": teams.issuer.metadata_url,
        "service_hosts": [teams.origin],
        "file_hosts": [teams.origin],
        "name": f"bot-{uuid4().hex}",
    }
    return TeamsSettings(**fields | changes)


@asynccontextmanager
async def office(teams: Teams, platform: Place, key: str, **changes: Any) -> AsyncGenerator[Office]:
    """`key`: of the bot, from the platform. changes: of the bot's settings."""
    maya = Person("maya", email="maya@example.com")
    tom = Person("tom", email="tom@example.com")
    own, group = teams.chat("personal", maya), teams.chat("groupChat", maya, tom)
    channel = teams.chat("channel", maya, tom)
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(Wire.to(platform.url))
        settings = settings_of(teams, wire.url, key, **changes)
        bot = await stack.enter_async_context(running(teams, settings))
        yield Office(teams, wire, platform, settings, bot, maya, tom, own, group, channel)


@asynccontextmanager
async def running(teams: Teams, settings: TeamsSettings, *, fresh: bool = True) -> AsyncGenerator[TeamsBot]:
    """A bot that Teams reaches. fresh: what other tests left unfinished is not taken up."""
    switchboard = Switchboard(settings.platform_url, settings.bot_key.get_secret_value())
    async with switchboard:
        if fresh:
            async for entry in switchboard.channel_state.all("teams", "turn/"):
                await switchboard.channel_state.remove("teams", entry.key)
        bot = build(settings, switchboard, tokens=OneToken(), clock=teams.now)
        transport = httpx.ASGITransport(web(bot))
        async with bot.running(), httpx.AsyncClient(transport=transport, base_url="http://bot") as client:
            teams.listens(client)
            yield bot


async def bot_key(platform: Place) -> str:
    async with platform.as_person("ada") as ada:
        return (await ada.links.create_bot("teams")).key
