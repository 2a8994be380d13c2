"""Forms that are open in somebody's Slack: opened, looked over, answered within what Slack waits (SPEC 5)."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import structlog
from switchboard_sdk import ApiError

from bot.core.questions import ARRIVED, NOT_YOURS
from bot.slack import forms, render
from bot.slack.blocks import Block
from bot.slack.calls import SlackTrouble
from bot.slack.desk import Desk
from bot.slack.happened import Pressed, Submitted, Where
from bot.slack.settling import Settling, card_of
from kit.wire.interactions import Interaction

log = structlog.get_logger()
ACKNOWLEDGED_WITHIN_S: Final = 0.7
OPENED_WITHIN_S: Final = 1.2
_OPEN_VIEWS: Final = 1_000
Ack = dict[str, Any]


@dataclass(slots=True)
class Modals:
    desk: Desk
    settling: Settling
    _views: dict[str, Interaction] = field(default_factory=dict[str, Interaction], init=False)
    """Forms that are open, by interaction: what is filled in is looked at before anybody is asked."""

    async def open(self, pressed: Pressed, interaction_id: UUID) -> None:
        """Slack lets us open a view for three seconds only: where the platform takes its time, one that waits
        is opened first. Raises ApiError, SlackTrouble."""
        looking = asyncio.create_task(self.desk.people.as_them(pressed.who).interactions.get(interaction_id))
        await asyncio.wait({looking}, timeout=OPENED_WITHIN_S)
        if not looking.done():
            waiting = await self.desk.open(pressed.team, pressed.trigger_id, forms.waiting())
            view = await self._awaited(pressed, looking)
            await self.desk.quietly(pressed.team, "views.update", view_id=waiting, view=view)
        elif view := await self._form(pressed, await looking):
            await self.desk.open(pressed.team, pressed.trigger_id, view)

    async def _awaited(self, pressed: Pressed, looking: "asyncio.Task[Interaction]") -> Block:
        """In the view that is open already."""
        try:
            form = await self._form(pressed, await looking)
        except ApiError as error:
            log.warning("slack.refused_press", who=pressed.who.identity, code=error.problem.code)
            theirs = error.status in (403, 404)
            return forms.done(NOT_YOURS if theirs else f"{error.problem.detail} {error.problem.hint}")
        return form or forms.done("There is nothing to fill in here any more.")

    async def _form(self, pressed: Pressed, interaction: Interaction) -> Block | None:
        """None: there is none to show, and the person was told."""
        if interaction.status != "open":
            await self.settling.over(interaction, card_of(pressed))
            return None
        self._views[str(interaction.id)] = interaction
        while len(self._views) > _OPEN_VIEWS:
            self._views.pop(next(iter(self._views)))
        try:
            return forms.modal(interaction, card_of(pressed))
        except ValueError:
            await self.desk.tell(pressed, render.too_large(interaction))
            return None

    async def submitted(self, submitted: Submitted, view_id: str) -> Ack:
        """What the modal does next, within a second; the rest goes on behind it."""
        interaction = self._views.get(str(submitted.about.get("interaction", "")))
        if interaction is not None:
            _, wrong = forms.content_of(interaction, submitted.state)
            if wrong:
                return {"response_action": "errors", "errors": wrong}
        work = asyncio.create_task(self._filled_in(submitted))
        await asyncio.wait({work}, timeout=ACKNOWLEDGED_WITHIN_S)
        if work.done() and work.exception() is None:
            wrong = work.result()
            return {"response_action": "errors", "errors": wrong} if wrong else {}
        self.desk.lanes.aside(lambda: self._later(work, submitted, view_id))
        return {"response_action": "update", "view": forms.waiting()}

    async def _filled_in(self, submitted: Submitted) -> dict[str, str]:
        """What is wrong with which field; empty once it counts. Raises ApiError, SlackTrouble."""
        about = submitted.about
        interaction_id = UUID(str(about["interaction"]))
        interaction = self._views.get(str(interaction_id))
        if interaction is None:
            them = self.desk.people.as_them(submitted.who)
            interaction = await them.interactions.get(interaction_id)
        content, wrong = forms.content_of(interaction, submitted.state)
        if wrong:
            return wrong
        try:
            await self.settling.respond(interaction_id, submitted.who, "accept", content, about)
        except ApiError as error:
            if not error.problem.errors:
                await self._too_late(submitted, error)
                return {}
            return forms.errors_of(interaction, error.problem.errors)
        self._views.pop(str(interaction_id), None)
        return {}

    async def _too_late(self, submitted: Submitted, error: ApiError) -> None:
        """It has ended meanwhile, or is not theirs: said where only they read it."""
        about = submitted.about
        log.warning("slack.form_refused", who=submitted.who.identity, code=error.problem.code)
        if about.get("channel"):
            where = Where(submitted.team, str(about["channel"]), thread=str(about.get("thread", "")))
        else:
            where = await self.desk.direct(submitted.team, submitted.who)
        url = str(about.get("response_url", ""))
        await self.desk.whisper(where, submitted.who, render.refusal(error), url)

    async def _later(self, work: "asyncio.Task[dict[str, str]]", submitted: Submitted, view_id: str) -> None:
        """The modal waits; now it closes its matter, or shows again what is wrong."""
        interaction = self._views.get(str(submitted.about.get("interaction", "")))
        try:
            wrong = await work
            view = forms.done(ARRIVED)
            if wrong and interaction is not None:
                view = forms.modal(interaction, submitted.about, wrong)
        except ApiError as error:
            view = forms.done(f"{error.problem.detail} {error.problem.hint}")
        except SlackTrouble:
            view = forms.done("Slack did not let me go on. Please try again.")
        await self.desk.quietly(submitted.team, "views.update", view_id=view_id, view=view)
