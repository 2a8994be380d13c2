"""The Slack app: Bolt receives, `parse` understands, everything is acknowledged before any work begins.

The names of events, commands, shortcuts and buttons stand in `manifest`, which registers the same at Slack.
"""

import asyncio
import re
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from switchboard_sdk import ApiError, Switchboard

from bot.core.deliveries import deliver
from bot.core.lanes import Lanes
from bot.core.unfinished import Unfinished
from bot.slack import manifest, parse
from bot.slack.alone import Alone
from bot.slack.answering import Answering
from bot.slack.calls import Slack
from bot.slack.delivering import Delivering
from bot.slack.desk import Desk
from bot.slack.files import Files
from bot.slack.happened import (
    ASK_MODAL,
    FILL_IN,
    Asked,
    ChatOpened,
    Deleted,
    Edited,
    Event,
    Foreign,
    HomeOpened,
    Uninstalled,
    Where,
)
from bot.slack.installs import Installs, OneWorkspace
from bot.slack.interacting import Interacting
from bot.slack.kept import Kept
from bot.slack.modals import Modals
from bot.slack.opening import Opening
from bot.slack.people import People
from bot.slack.settings import SlackSettings
from bot.slack.settling import Settling
from bot.slack.shortcuts import Shortcuts
from bot.slack.uploading import Uploading

log = structlog.get_logger()
FINISHED_WITHIN_S: Final = 20.0
"""What is still under way when we stop; the rest is taken up by whoever comes next."""
_REMEMBERED: Final = 20_000


@dataclass(slots=True)
class SlackBot:
    """Made by `build`."""

    settings: SlackSettings
    desk: Desk
    installs: OneWorkspace | Installs
    answering: Answering
    interacting: Interacting
    modals: Modals
    alone: Alone
    shortcuts: Shortcuts
    opening: Opening
    uploading: Uploading
    delivering: Delivering
    bolt: AsyncApp
    _seen: OrderedDict[str, None] = field(default_factory=OrderedDict[str, None], init=False)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Socket Mode where there is an app token; unfinished turns, deliveries. At the end what is under way
        is finished."""
        aside = [
            asyncio.create_task(self.answering.sweep()),
            asyncio.create_task(deliver(self.desk.switchboard, "slack", self.delivering.show)),
        ]
        socket = self._socket()
        try:
            async with self.desk.unfinished.beating():
                if socket is not None:
                    await socket.connect_async()
                try:
                    yield
                finally:
                    if socket is not None:
                        await socket.close_async()
                    await self.desk.lanes.close(FINISHED_WITHIN_S)
        finally:
            for task in aside:
                task.cancel()
            await asyncio.gather(*aside, return_exceptions=True)
            await self.desk.slack.close()

    async def idle(self) -> None:
        """Once nothing that has arrived is left to do."""
        await self.desk.lanes.settled()
        await self.desk.unfinished.settled()

    def take(self, event: Event) -> None:
        """Returns at once."""
        desk = self.desk
        match event:
            case Asked(files=()) | Asked(where=Where(direct=False)):
                # Files that others in a channel see as well are nobody's own to keep.
                self.answering.asked(event)
            case Asked():
                work = partial(self.uploading.taken, event, self.answering.asked)
                desk.lanes.give(event.where.ref, work)
            case Edited():
                self.answering.edited(event)
            case Deleted():
                self.answering.deleted(event)
            case Foreign():
                desk.lanes.aside(partial(self.answering.foreign, event))
            case HomeOpened():
                desk.lanes.aside(partial(self.opening.home, event))
            case ChatOpened():
                desk.lanes.aside(partial(self.opening.chat, event))
            case Uninstalled():
                desk.lanes.aside(partial(self._uninstalled, event))

    def new(self, occasion: str) -> bool:
        """Whether it has not been taken before; what says nothing of itself is always new."""
        if not occasion:
            return True
        if occasion in self._seen:
            log.info("slack.again", occasion=occasion)
            return False
        self._seen[occasion] = None
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return True

    async def _uninstalled(self, event: Uninstalled) -> None:
        if isinstance(self.installs, Installs):
            with suppress(ApiError):
                await self.installs.forget(event.team)

    def _socket(self) -> AsyncSocketModeHandler | None:
        token = self.settings.app_token.get_secret_value()
        if not token:
            return None
        client = AsyncWebClient(base_url=self.settings.api_url)
        return AsyncSocketModeHandler(self.bolt, app_token=token, web_client=client)


def build(settings: SlackSettings, switchboard: Switchboard) -> SlackBot:
    """switchboard: as the bot (`settings.bot_key`). Call it where a loop runs."""
    installs = (
        OneWorkspace(settings) if settings.bot_token.get_secret_value() else Installs(settings, switchboard)
    )
    slack = Slack(installs, settings.api_url)
    api = urlsplit(settings.api_url)
    own_host = "" if api.hostname == "slack.com" else api.netloc
    desk = Desk(
        slack,
        switchboard,
        People(slack, switchboard),
        Files(slack, installs, settings.largest_file_mb * 1024**2, own_host),
        Unfinished(switchboard, "slack", settings.name),
        Lanes(settings.at_once),
        settings.agent or None,
    )
    uploading = Uploading(desk)
    opening = Opening(desk)

    async def resume(kept: Kept, begun: Any) -> None:
        await uploading.go_on(kept, begun, answering.asked)

    answering = Answering(desk, resume)
    settling = Settling(desk, answering)
    modals, alone = Modals(desk, settling), Alone(desk)
    bot = SlackBot(
        settings,
        desk,
        installs,
        answering,
        Interacting(desk, answering, settling, modals, alone, opening),
        modals,
        alone,
        Shortcuts(desk, answering, uploading),
        opening,
        uploading,
        Delivering(desk, uploading, settling),
        _bolt(settings),
    )
    _listen(bot)
    return bot


def _bolt(settings: SlackSettings) -> AsyncApp:
    async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
        # Before the acknowledgement nothing is looked up; who has no token is refused at the first call.
        return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id)

    secret = settings.signing_secret.get_secret_value()
    return AsyncApp(
        authorize=authorize,
        client=AsyncWebClient(base_url=settings.api_url),
        # Without a secret nothing that is signed with it could be taken: Socket Mode needs none.
        signing_secret=secret or "none",
        request_verification_enabled=True,
        ignoring_self_events_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )


def _listen(bot: SlackBot) -> None:
    bolt: Any = bot.bolt
    lanes = bot.desk.lanes

    async def event(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        happened = parse.event_of(body, "")
        if happened is not None and bot.new(f"event/{body.get('event_id', '')}"):
            bot.take(happened)

    async def press(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        pressed = parse.pressed_of(body)
        if pressed is not None and bot.new(_trigger(body)):
            lanes.aside(partial(bot.interacting.pressed, pressed))

    async def submit(ack: Any, body: dict[str, Any]) -> None:
        submitted = parse.submitted_of(body)
        if submitted is None:
            await ack()
            return
        answer: dict[str, Any] = {}
        if submitted.callback == FILL_IN:
            answer = await bot.modals.submitted(submitted, str(body.get("view", {}).get("id", "")))
        elif submitted.callback == ASK_MODAL:
            lanes.aside(partial(bot.shortcuts.asked, submitted))
        await ack(**answer)

    async def command(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        given = parse.command_of(body)
        if given is not None and bot.new(_trigger(body)):
            lanes.aside(partial(bot.alone.command, given))

    async def shortcut(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        used = parse.shortcut_of(body)
        if used is not None and bot.new(_trigger(body)):
            lanes.aside(partial(bot.shortcuts.used, used))

    for name in manifest.EVENTS:
        bolt.event(name.partition(".")[0])(event)
    bolt.action(re.compile(".*"))(press)
    bolt.view(re.compile(".*"))(submit)
    bolt.command(re.compile("^/.*"))(command)
    bolt.shortcut(re.compile(".*"))(shortcut)


def _trigger(body: dict[str, Any]) -> str:
    trigger = body.get("trigger_id")
    return f"trigger/{trigger}" if trigger else ""
