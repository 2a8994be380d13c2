"""The answer to what was asked, whoever gives it and wherever: the card ends, the turn goes on (SPEC 5)."""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import structlog
from switchboard_sdk import ApiError

from bot.slack import render
from bot.slack.answering import CARD, Answering
from bot.slack.calls import SlackTrouble
from bot.slack.desk import Desk
from bot.slack.happened import Pressed, Where, Who
from bot.slack.kept import Kept, kept_of
from kit.wire.interactions import Action, Interaction

log = structlog.get_logger()


@dataclass(slots=True)
class Settling:
    """`card` says where a question stands: {team, channel, ts, thread}, {response_url} where only one person
    sees it."""

    desk: Desk
    answering: Answering

    async def respond(
        self,
        interaction_id: UUID,
        who: Who,
        action: Action,
        content: Mapping[str, Any],
        card: Mapping[str, Any],
    ) -> None:
        """Raises ApiError."""
        them = self.desk.people.as_them(who)
        responded = await them.interactions.respond(interaction_id, action, content)
        interaction = await them.interactions.get(interaction_id)
        await self.over(interaction, card)
        if responded.turn_id is None or interaction.session_id is None:
            return
        kept = await self.card(interaction_id)
        # Of what a second person answers the asker hears, by a delivery.
        mine = interaction.asked_of == "me" if kept is None else kept.who.identity == who.identity
        place = kept.where if kept is not None else await self._own_place(card, who)
        if mine and place is not None:
            self.go_on(place, who, interaction_id, interaction.session_id, responded.turn_id)

    async def card(self, interaction: UUID) -> Kept | None:
        """Where we have asked it for others to see; None: for one pair of eyes, or elsewhere."""
        try:
            entry = await self.desk.switchboard.channel_state.get("slack", f"{CARD}{interaction}")
        except ApiError as error:
            log.warning("slack.card_unknown", code=error.problem.code)
            return None
        return kept_of(entry.value) if entry is not None else None

    def go_on(self, where: Where, who: Who, interaction: UUID, session: UUID, turn: UUID) -> None:
        """The turn that follows on an answer ends in a message of its own, whoever hears of it first."""
        where = replace(where, ts=where.thread)
        self.answering.begin(
            Kept(
                "goes_on",
                who,
                where,
                message=f"goes-on-{interaction}",
                session=str(session),
                turn=str(turn),
                at=time.time(),
            )
        )

    async def over(self, interaction: Interaction, card: Mapping[str, Any]) -> None:
        """The card says how it ended."""
        shared = not str(card.get("channel", "")).startswith("D") and not card.get("response_url")
        message = render.ended(interaction, shared)
        if card.get("response_url"):
            with suppress(SlackTrouble):
                await self.desk.slack.respond(
                    str(card["response_url"]), {"replace_original": True, **message.payload()}
                )
        elif card.get("ts"):
            await self.desk.quietly(
                str(card["team"]),
                "chat.update",
                channel=str(card["channel"]),
                ts=str(card["ts"]),
                **message.payload(),
            )

    async def _own_place(self, card: Mapping[str, Any], who: Who) -> Where | None:
        """What was not asked in a conversation goes on where only that person reads."""
        try:
            team = str(card.get("team", "")) or await self.desk.people.team_of(who)
            return await self.desk.direct(team, who)
        except SlackTrouble as trouble:
            log.warning("slack.no_place", code=trouble.code)
            return None


def card_of(pressed: Pressed) -> dict[str, Any]:
    """Where the question's card stands, as it is found again."""
    if pressed.where is None:
        return {"team": pressed.team}
    where = pressed.where
    card = {"team": where.team, "channel": where.channel, "ts": where.ts, "thread": where.thread}
    if pressed.ephemeral:
        card |= {"response_url": pressed.response_url}
    return card
