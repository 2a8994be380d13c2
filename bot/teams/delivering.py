"""Messages that the platform starts, brought to where the person reads us (SPEC 3)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from switchboard_sdk import ApiError

from bot.core.deliveries import Outcome
from bot.teams import cards
from bot.teams.cards import Card
from bot.teams.desk import Desk
from bot.teams.happened import Where, Who
from bot.teams.interacting import Interacting
from bot.teams.kept import Kept
from bot.teams.sending import TeamsTrouble
from bot.teams.streaming import GONE
from bot.teams.uploading import Uploading
from kit.wire.channels import Delivery

log = structlog.get_logger()
BROUGHT: Final = "brought/"
BROUGHT_S: Final = 7 * 86_400
TOLD: Final[Mapping[str, Callable[[Mapping[str, Any]], Card]]] = {
    "booking.finished": cards.booked,
    "tool.quarantined": cards.quarantined,
}


@dataclass(slots=True)
class Delivering:
    desk: Desk
    uploading: Uploading
    interacting: Interacting

    async def show(self, delivery: Delivery) -> Outcome:
        """Raises ApiError: it comes again."""
        who = person(delivery.to)
        if who is None:
            return "gone"
        try:
            match delivery.kind:
                case "job.finished":
                    return await self._job(who, delivery.payload)
                case "interaction.ended":
                    return await self._interaction(who, delivery.payload)
                case kind if kind in TOLD:
                    return await self._told(who, delivery)
                case _:
                    log.info("teams.delivery_unknown", kind=delivery.kind)
                    return "gone"
        except TeamsTrouble as trouble:
            log.warning("teams.not_delivered", code=trouble.code, kind=delivery.kind)
            if trouble.code == "ConversationBlockedByUser":
                await self.desk.forget_chat(who)
            return "gone" if trouble.code in GONE else "failed"

    async def _told(self, who: Who, delivery: Delivery) -> Outcome:
        known = await self.desk.known_chat(who)
        if known is None:
            # They have never written to us: there is no chat of theirs that we may write to.
            return "gone"
        brought = f"{BROUGHT}{delivery.id}"
        if await self.desk.switchboard.channel_state.get("teams", brought) is not None:
            return "delivered"
        activity = cards.message(TOLD[delivery.kind](delivery.payload))
        await self.desk.chat(known[0]).send(activity, within_s=30.0)
        try:
            # Where only our acknowledgement is lost, it is not said again.
            await self.desk.switchboard.channel_state.put("teams", brought, {}, expires_in_s=BROUGHT_S)
        except ApiError as error:
            log.warning("teams.delivery_not_noted", code=error.problem.code)
        return "delivered"

    async def _job(self, who: Who, payload: Mapping[str, Any]) -> Outcome:
        shown = await self.uploading.told(UUID(str(payload["job_id"])), who)
        return "delivered" if shown else "failed"

    async def _interaction(self, who: Who, payload: Mapping[str, Any]) -> Outcome:
        interaction_id = UUID(str(payload["interaction_id"]))
        kept = await self.interacting.card(interaction_id)
        interaction = await self.desk.people.as_them(who).interactions.get(interaction_id)
        if kept is not None:
            await self.interacting.over(interaction, kept)
        if payload.get("turn_id") and payload.get("session_id"):
            session, turn = UUID(str(payload["session_id"])), UUID(str(payload["turn_id"]))
            place = await self._place(who, kept)
            if place is None:
                return "gone"
            self.interacting.continued(*place, interaction_id, session, turn)
        return "delivered"

    async def _place(self, who: Who, kept: Kept | None) -> tuple[Where, Who] | None:
        """Where the question's card stands; else the person's own chat with us."""
        if kept is not None:
            return kept.where, kept.who
        return await self.desk.known_chat(who)


def person(identity: str) -> Who | None:
    """Of `teams:<tenant>/<user>`."""
    tenant, _, user = identity.removeprefix("teams:").partition("/")
    return Who(tenant, user) if identity.startswith("teams:") and tenant and user else None
