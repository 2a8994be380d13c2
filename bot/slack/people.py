"""Who somebody in Slack is: one of the company, a stranger, or no person at all (SPEC 6)."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import structlog
from switchboard_sdk import ApiError, Switchboard

from bot.slack.calls import Slack, SlackTrouble
from bot.slack.happened import Who
from kit.wire.channels import LinkState

log = structlog.get_logger()
Standing = Literal["ours", "stranger", "bot"]
KNOWN_S: Final = 600.0
MET: Final = "met/"
MET_S: Final = 366 * 86_400
_PATIENCE_S: Final = 4.0
_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Person:
    """`name` is for the person who confirms a link; `email` only where Slack has verified it."""

    standing: Standing
    name: str = ""
    email: str | None = None


class People:
    """Remembers for ten minutes. One look at a time for each person."""

    def __init__(self, slack: Slack, switchboard: Switchboard) -> None:
        self._slack = slack
        self._switchboard = switchboard
        self._known: OrderedDict[str, tuple[float, asyncio.Task[Person]]] = OrderedDict()

    def as_them(self, who: Who) -> Switchboard:
        return self._switchboard.acting_as(who.identity)

    async def standing(self, team: str, who: Who) -> Standing:
        """While Slack is away, the team counts that the event named as the person's own."""
        return (await self._person(team, who)).standing

    async def link(self, team: str, who: Who) -> LinkState:
        """Linked, or a fresh code. Raises ApiError."""
        person = await self._person(team, who)
        return await self._requested(who, person)

    async def team_of(self, who: Who) -> str:
        """Whose token reaches them. In a Grid whose workspaces have each installed us: where we met them."""
        try:
            entry = await self._switchboard.channel_state.get("slack", f"{MET}{who.workspace}/{who.user}")
        except ApiError as error:
            log.info("slack.place_unknown", code=error.problem.code)
            entry = None
        return str(entry.value["team"]) if entry is not None else who.workspace

    async def _person(self, team: str, who: Who) -> Person:
        now = time.monotonic()
        until, looking = self._known.get(who.identity, (0.0, None))
        if looking is None or now > until:
            looking = asyncio.create_task(self._met(team, who))
            self._known[who.identity] = (now + KNOWN_S, looking)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return await asyncio.shield(looking)

    async def _met(self, team: str, who: Who) -> Person:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                answer = await self._slack.call(team, "users.info", within_s=_PATIENCE_S, user=who.user)
        except (SlackTrouble, TimeoutError) as trouble:
            log.info("slack.person_unknown", error=str(trouble))
            self._known.pop(who.identity, None)
            if isinstance(trouble, SlackTrouble) and trouble.code == "not_installed":
                log.warning("slack.refused_workspace", team=team)
            away = isinstance(trouble, TimeoutError) or trouble.passing
            # Only a Slack that is away is no answer; any other says that we do not know them.
            return Person("ours" if away and who.home in (team, who.workspace) else "stranger")
        person = person_of(answer.get("user") or {}, team, who.workspace)
        if person.standing == "ours":
            await asyncio.gather(self._linked(who, person), self._noted(team, who))
        return person

    async def _noted(self, team: str, who: Who) -> None:
        if team == who.workspace:
            return
        key = f"{MET}{who.workspace}/{who.user}"
        try:
            await self._switchboard.channel_state.put("slack", key, {"team": team}, expires_in_s=MET_S)
        except ApiError as error:
            log.info("slack.place_not_kept", code=error.problem.code)

    async def _linked(self, who: Who, person: Person) -> None:
        """Where the workspace is trusted, this alone links."""
        if person.email is None:
            return
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._requested(who, person)
        except (ApiError, TimeoutError) as error:
            log.info("slack.link_not_looked_up", error=type(error).__name__)
            self._known.pop(who.identity, None)

    async def _requested(self, who: Who, person: Person) -> LinkState:
        return await self._switchboard.links.request(who.identity, name=person.name[:200], email=person.email)


def person_of(user: Mapping[str, Any], team: str, workspace: str) -> Person:
    """Of what users.info says. Guests of the workspace are ours; people of another company are not.

    An address counts only where Slack says that it was confirmed, and of full members: a guest's is whatever
    somebody invited.
    """
    if user.get("is_bot") or user.get("id") == "USLACKBOT":
        return Person("bot")
    enterprise: Mapping[str, Any] = user.get("enterprise_user") or {}
    grid = str(enterprise.get("enterprise_id", ""))
    homes = {str(user.get("team_id") or team), grid}
    if user.get("is_stranger") or user.get("deleted") or not homes & {team, workspace}:
        return Person("stranger")
    profile: Mapping[str, Any] = user.get("profile") or {}
    name = str(profile.get("real_name") or user.get("name") or "")
    guest = user.get("is_restricted") or user.get("is_ultra_restricted")
    verified = user.get("is_email_confirmed") and not guest
    return Person("ours", name, str(profile["email"]) if verified and profile.get("email") else None)
