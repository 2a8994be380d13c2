"""What all that we do in Teams needs: Teams, the platform, who is who, what is unfinished."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final

import structlog
from switchboard_sdk import ApiError, Switchboard

from bot.core.lanes import Lanes
from bot.core.unfinished import Unfinished
from bot.teams.calls import Connector
from bot.teams.files import Files
from bot.teams.happened import Where, Who
from bot.teams.people import People
from bot.teams.sending import Activity, Chat, TeamsTrouble

log = structlog.get_logger()
CHAT: Final = "chat/"
CHAT_S: Final = 366 * 86_400


@dataclass(slots=True)
class Desk:
    connector: Connector
    switchboard: Switchboard
    """As the bot itself; `people.as_them` for somebody."""
    people: People
    files: Files
    unfinished: Unfinished
    lanes: Lanes
    agent: str | None = None
    """Which one answers; None: the deployment's default one."""
    clock: Callable[[], float] = time.monotonic
    _noted: dict[str, Where] = field(default_factory=dict[str, Where], init=False)

    def chat(self, where: Where) -> Chat:
        return self.connector.chat(where)

    async def quietly(self, where: Where, activity: Activity, *, within_s: float = 10.0) -> str:
        """What nobody misses; "" where Teams refuses."""
        try:
            return await self.chat(where).send(activity, within_s=within_s)
        except TeamsTrouble as trouble:
            log.info("teams.refused", code=trouble.code, status=trouble.status)
            return ""

    async def note_chat(self, where: Where, who: Who) -> None:
        """The 1:1 chat with somebody: there we bring what the platform starts."""
        if not where.direct or self._noted.get(who.identity) == where:
            return
        value: dict[str, Any] = {
            "service_url": where.service_url,
            "conversation": where.conversation,
            "bot": where.bot,
            "mri": who.mri,
        }
        try:
            await self.switchboard.channel_state.put("teams", _key(who), value, expires_in_s=CHAT_S)
        except ApiError as error:
            log.warning("teams.chat_not_noted", code=error.problem.code)
            return
        if len(self._noted) > 20_000:
            self._noted.clear()
        self._noted[who.identity] = where

    async def forget_chat(self, who: Who) -> None:
        self._noted.pop(who.identity, None)
        try:
            await self.switchboard.channel_state.remove("teams", _key(who))
        except ApiError as error:
            log.warning("teams.chat_not_forgotten", code=error.problem.code)

    async def known_chat(self, who: Who) -> tuple[Where, Who] | None:
        """The 1:1 chat and the person with their id there; None: we have never met. Raises ApiError."""
        entry = await self.switchboard.channel_state.get("teams", _key(who))
        if entry is None:
            return None
        names = ("service_url", "conversation", "bot", "mri")
        service_url, conversation, bot, mri = (str(entry.value.get(name, "")) for name in names)
        where = Where(service_url, conversation, "personal", who.tenant, bot)
        return where, Who(who.tenant, who.user, mri, who.name)

    async def direct(self, where: Where, who: Who) -> Where:
        """The 1:1 chat with somebody whom we meet elsewhere. Raises TeamsTrouble, ApiError."""
        known = await self.known_chat(who)
        if known is not None:
            # Teams moves tenants from one address to another; what it has just told us is the newest.
            return replace(known[0], service_url=where.service_url)
        made = await self.connector.direct(where, who)
        await self.note_chat(made, who)
        return made


def _key(who: Who) -> str:
    return f"{CHAT}{who.tenant}/{who.user}"
