"""Buttons: what a person presses (SPEC 5).

Who presses is never believed to be who was asked: the platform decides for the person who presses, and what
is not theirs they do not get.
"""

import time
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import structlog
from switchboard_sdk import ApiError

from bot.core.questions import NOT_YOURS, ONLY_THE_ASKER
from bot.slack import render
from bot.slack.alone import Alone
from bot.slack.answering import AGAIN, Answering
from bot.slack.calls import SlackTrouble
from bot.slack.desk import Desk
from bot.slack.happened import Pressed
from bot.slack.kept import kept_of
from bot.slack.modals import Modals
from bot.slack.opening import Opening
from bot.slack.settling import Settling, card_of

log = structlog.get_logger()
NOT_LET: Final = "Slack did not let me do this. Please try once more."


@dataclass(slots=True)
class Interacting:
    desk: Desk
    answering: Answering
    settling: Settling
    modals: Modals
    alone: Alone
    opening: Opening

    async def pressed(self, pressed: Pressed) -> None:
        if await self.desk.people.standing(pressed.team, pressed.who) != "ours":
            log.warning("slack.refused_stranger", who=pressed.who.identity, press=pressed.press)
            return
        try:
            await self._pressed(pressed)
        except ApiError as error:
            await self._complain(pressed, error)
        except (KeyError, ValueError):
            log.warning("slack.forged_press", who=pressed.who.identity, press=pressed.press)
        except SlackTrouble as trouble:
            log.warning("slack.press_troubled", code=trouble.code, press=pressed.press)
            await self.desk.tell(pressed, render.notice(NOT_LET))

    async def _pressed(self, pressed: Pressed) -> None:
        value = pressed.value
        them = self.desk.people.as_them(pressed.who)
        match pressed.press:
            case "vote":
                await them.messages.feedback(UUID(value["message"]), value["vote"])
            case "answer":
                interaction = UUID(value["interaction"])
                content: dict[str, Any] = value.get("content") or {}
                await self.settling.respond(
                    interaction, pressed.who, value["action"], content, card_of(pressed)
                )
                if pressed.where is None:
                    await self.opening.publish(pressed.team, pressed.who)
            case "open_form":
                await self.modals.open(pressed, UUID(value["interaction"]))
            case "more":
                session = await them.sessions.get(UUID(value["session"]))
                said = next(one for one in session.messages if str(one.id) == value["message"])
                await self.desk.open(pressed.team, pressed.trigger_id, render.whole(said))
            case "privately":
                await self.alone.privately(pressed)
            case "again":
                await self._again(pressed)
            case "remove_document":
                document = await them.documents.find(UUID(value["document"]))
                await them.documents.delete(document.knowledge_base_id, document.id)
                await self.opening.publish(pressed.team, pressed.who)
            case _:
                pass

    async def _again(self, pressed: Pressed) -> None:
        where = pressed.where
        if where is None:
            return
        key = f"{AGAIN}{where.team}/{where.channel}/{where.ts}"
        entry = await self.desk.switchboard.channel_state.get("slack", key)
        kept = kept_of(entry.value) if entry is not None else None
        if kept is None:
            await self.desk.tell(pressed, render.notice("This was too long ago. Please ask once more."))
        elif kept.who.identity != pressed.who.identity:
            log.warning("slack.refused_press", who=pressed.who.identity, press=pressed.press)
            await self.desk.tell(pressed, render.notice(ONLY_THE_ASKER))
        else:
            await self.desk.switchboard.channel_state.remove("slack", key)
            anew = kept if kept.kind == "goes_on" else replace(kept, message=f"{kept.message}~{_stamp()}")
            self.answering.begin(replace(anew, at=time.time(), answer=where.ts))

    async def _complain(self, pressed: Pressed, error: ApiError) -> None:
        problem = error.problem
        if error.status in (403, 404):
            log.warning(
                "slack.refused_press", who=pressed.who.identity, press=pressed.press, code=problem.code
            )
            text = ONLY_THE_ASKER if pressed.press in ("vote", "more", "privately") else NOT_YOURS
            await self.desk.tell(pressed, render.notice(text))
            return
        await self.desk.tell(pressed, render.refusal(error))


def _stamp() -> str:
    return str(int(time.time() * 1000))
