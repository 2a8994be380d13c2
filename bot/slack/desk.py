"""What all that we do in Slack needs: Slack, the platform, who is who, what is unfinished."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import structlog
from switchboard_sdk import Switchboard

from bot.core.lanes import Lanes
from bot.core.unfinished import Unfinished
from bot.slack.calls import Slack, SlackTrouble
from bot.slack.files import Files
from bot.slack.happened import Message, Pressed, Where, Who
from bot.slack.people import People

log = structlog.get_logger()


@dataclass(slots=True)
class Desk:
    slack: Slack
    switchboard: Switchboard
    """As the bot itself; `people.as_them` for somebody."""
    people: People
    files: Files
    unfinished: Unfinished
    lanes: Lanes
    agent: str | None = None
    """Which one answers; None: the deployment's default one."""

    async def whisper(self, where: Where, who: Who, message: Message, response_url: str = "") -> bool:
        """Only that person sees it. Whether Slack has taken it."""
        try:
            if response_url:
                await self.slack.respond(
                    response_url,
                    {"response_type": "ephemeral", "replace_original": False, **message.payload()},
                )
            else:
                await self.slack.call(
                    where.team,
                    "chat.postEphemeral",
                    within_s=10.0,
                    channel=where.channel,
                    user=who.user,
                    **({"thread_ts": where.thread} if where.thread else {}),
                    **message.payload(),
                )
        except SlackTrouble as trouble:
            log.warning("slack.not_whispered", code=trouble.code)
            return False
        return True

    async def tell(self, pressed: Pressed, message: Message) -> None:
        """Who has pressed, and nobody else."""
        where = pressed.where
        if where is None:
            with suppress(SlackTrouble):
                where = await self.direct(pressed.team, pressed.who)
        if where is not None:
            await self.whisper(where, pressed.who, message)

    async def open(self, team: str, trigger_id: str, view: Mapping[str, Any]) -> str:
        """A view, within three seconds of what somebody did; its id. Raises SlackTrouble."""
        opened = await self.slack.call(team, "views.open", trigger_id=trigger_id, view=dict(view))
        shown: Mapping[str, Any] = opened.get("view") or {}
        return str(shown.get("id", ""))

    async def quietly(self, team: str, method: str, **fields: Any) -> Mapping[str, Any]:
        """What nobody misses; {} where Slack refuses."""
        try:
            return await self.slack.call(team, method, within_s=5.0, **fields)
        except SlackTrouble as trouble:
            log.info("slack.refused", method=method, code=trouble.code)
            return {}

    async def direct(self, team: str, who: Who) -> Where:
        """The place where only that person reads us. Raises SlackTrouble."""
        opened = await self.slack.call(team, "conversations.open", within_s=10.0, users=who.user)
        channel: Mapping[str, Any] = opened.get("channel") or {}
        return Where(team, str(channel.get("id", "")), direct=True)
