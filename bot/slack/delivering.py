"""Messages that the platform starts, shown where the person reads them (SPEC 3)."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog

from bot.core.deliveries import Outcome
from bot.core.telling import Told, booking_told, tool_told
from bot.slack import render
from bot.slack.calls import SlackTrouble
from bot.slack.desk import Desk
from bot.slack.happened import Where, Who, place_of
from bot.slack.kept import Kept
from bot.slack.settling import Settling
from bot.slack.uploading import Uploading
from kit.wire.channels import Delivery

log = structlog.get_logger()
_GONE: Final = frozenset(
    {"account_inactive", "channel_not_found", "not_installed", "user_not_found", "is_archived"}
)


@dataclass(slots=True)
class Delivering:
    desk: Desk
    uploading: Uploading
    settling: Settling

    async def show(self, delivery: Delivery) -> Outcome:
        """Raises ApiError: it comes again."""
        who = _person(delivery.to)
        if who is None:
            return "gone"
        try:
            match delivery.kind:
                case "job.finished":
                    return await self._job(who, delivery.payload)
                case "interaction.ended":
                    return await self._interaction(who, delivery.payload)
                case "tool.quarantined":
                    return await self._news(who, delivery, tool_told(delivery.payload))
                case "booking.finished":
                    return await self._news(who, delivery, booking_told(delivery.payload))
                case _:
                    log.info("slack.delivery_unknown", kind=delivery.kind)
                    return "gone"
        except SlackTrouble as trouble:
            log.warning("slack.not_delivered", code=trouble.code, kind=delivery.kind)
            return "gone" if trouble.code in _GONE else "failed"

    async def _job(self, who: Who, payload: dict[str, Any]) -> Outcome:
        shown = await self.uploading.told(UUID(str(payload["job_id"])), who, payload)
        return "delivered" if shown else "failed"

    async def _news(self, who: Who, delivery: Delivery, told: Told) -> Outcome:
        """In the person's own messages; twice is like once. Raises SlackTrouble."""
        place = await self.desk.direct(await self.desk.people.team_of(who), who)
        await self.desk.slack.call(
            place.team,
            "chat.postMessage",
            within_s=30.0,
            channel=place.channel,
            client_msg_id=str(delivery.id),
            unfurl_links=False,
            **render.told(told).payload(),
        )
        return "delivered"

    async def _interaction(self, who: Who, payload: dict[str, Any]) -> Outcome:
        interaction_id = UUID(str(payload["interaction_id"]))
        kept = await self.settling.card(interaction_id)
        interaction = await self.desk.people.as_them(who).interactions.get(interaction_id)
        if kept is not None:
            card = {"team": kept.where.team, "channel": kept.where.channel, "ts": kept.answer}
            await self.settling.over(interaction, card)
        if payload.get("turn_id") and payload.get("session_id"):
            session, turn = UUID(str(payload["session_id"])), UUID(str(payload["turn_id"]))
            where = await self._where(who, kept, str(payload.get("external_ref", "")))
            self.settling.go_on(where, who, interaction_id, session, turn)
        return "delivered"

    async def _where(self, who: Who, kept: Kept | None, ref: str) -> Where:
        """Where the conversation is; where it was for one pair of eyes, in that person's own messages."""
        if kept is not None:
            return kept.where
        team = ref.removeprefix("slack:").partition("/")[0] or await self.desk.people.team_of(who)
        return place_of(ref) or await self.desk.direct(team, who)


def _person(identity: str) -> Who | None:
    """Of `slack:<workspace>/<user>`."""
    workspace, _, user = identity.removeprefix("slack:").partition("/")
    return Who(workspace, user) if workspace and user else None
