"""Who somebody in Teams is: one of a tenant that we serve, a stranger, or nobody whom we know (SPEC 6)."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import structlog
from switchboard_sdk import ApiError, Switchboard

from bot.teams.calls import Connector
from bot.teams.happened import Where, Who
from bot.teams.sending import TeamsTrouble
from kit.wire.channels import LinkState

log = structlog.get_logger()
Standing = Literal["ours", "guest", "stranger", "unknown"]
"""unknown: Teams does not say at the moment."""
KNOWN_S: Final = 600.0
_PATIENCE_S: Final = 5.0
_AGAIN_S: Final = 0.5
_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class Person:
    """`name` is for the person who confirms a link; `email` only of full members of a tenant."""

    standing: Standing
    name: str = ""
    email: str | None = None


class People:
    """Remembers for ten minutes. One look at a time for each person. served: tenants; None: every one, for
    the playground alone."""

    def __init__(self, connector: Connector, switchboard: Switchboard, served: frozenset[str] | None) -> None:
        self._connector = connector
        self._switchboard = switchboard
        self._served = served
        self._known: OrderedDict[str, tuple[float, asyncio.Task[Person]]] = OrderedDict()

    def as_them(self, who: Who) -> Switchboard:
        return self._switchboard.acting_as(who.identity)

    async def standing(self, where: Where, who: Who, *, within_s: float = 0.0) -> Standing:
        """within_s: for how long to ask again while Teams is away.

        Nobody is taken for one of ours meanwhile: a guest is in the tenant too, and whoever writes often
        enough has our questions about them throttled.
        """
        if not self._serves(where.tenant) or not self._serves(who.tenant):
            return "stranger"
        until = time.monotonic() + within_s
        while True:
            standing = (await self._person(where, who)).standing
            if standing != "unknown" or time.monotonic() >= until:
                return standing
            await asyncio.sleep(_AGAIN_S)

    async def link(self, where: Where, who: Who) -> LinkState:
        """Linked, or a fresh code. Raises ApiError."""
        return await self._requested(who, await self._person(where, who))

    def _serves(self, tenant: str) -> bool:
        return self._served is None or tenant in self._served

    async def _person(self, where: Where, who: Who) -> Person:
        now = time.monotonic()
        until, looking = self._known.get(who.identity, (0.0, None))
        if looking is None or now > until:
            looking = asyncio.create_task(self._met(where, who))
            self._known[who.identity] = (now + KNOWN_S, looking)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        return await asyncio.shield(looking)

    async def _met(self, where: Where, who: Who) -> Person:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                member = await self._connector.member(where, who.mri)
        except (TeamsTrouble, TimeoutError) as trouble:
            log.info("teams.person_unknown", error=str(trouble))
            self._known.pop(who.identity, None)
            away = isinstance(trouble, TimeoutError) or trouble.passing
            # Only a Teams that is away is no answer; any other says that they are not in this conversation.
            return Person("unknown" if away else "stranger", who.name)
        person = person_of(member, who, everyone=self._served is None)
        if person.standing == "ours":
            await self._linked(who, person)
        return person

    async def _linked(self, who: Who, person: Person) -> None:
        """Where the tenant is trusted, this alone links."""
        if person.email is None:
            return
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self._requested(who, person)
        except (ApiError, TimeoutError) as error:
            log.info("teams.link_not_looked_up", error=type(error).__name__)
            self._known.pop(who.identity, None)

    async def _requested(self, who: Who, person: Person) -> LinkState:
        return await self._switchboard.links.request(who.identity, name=person.name[:200], email=person.email)


def person_of(member: Mapping[str, Any], who: Who, *, everyone: bool = False) -> Person:
    """Of what the connector says of a member. Guests of a tenant are somebody else's people.

    An address counts only of full members of the tenant: a guest's is whatever somebody invited. Entra's
    administrators set it, not the person.
    """
    user = str(member.get("aadObjectId") or member.get("objectId") or "")
    tenant = str(member.get("tenantId") or "")
    name = str(member.get("name") or who.name)
    role = str(member.get("userRole") or "user").lower()
    upn = str(member.get("userPrincipalName") or "")
    if everyone:
        return Person("ours", name, str(member["email"]) if member.get("email") else None)
    if user != who.user or (tenant and tenant != who.tenant):
        return Person("stranger", name)
    if role != "user" or "#ext#" in upn.lower():
        return Person("guest", name)
    # Without its tenant the member may be anybody's: they are answered, but not linked by their address.
    return Person("ours", name, str(member["email"]) if tenant and member.get("email") else None)
