"""What we say without a question: a greeting, help, how accounts are linked (SPEC 1, 6)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from switchboard_sdk import ApiError

from bot.core.library import first
from bot.core.words import prompts
from bot.teams import cards, render
from bot.teams.desk import Desk
from bot.teams.happened import Added, Who
from bot.teams.kept import Kept, place_of
from bot.teams.sending import TeamsTrouble
from bot.teams.settings import TeamsSettings
from bot.teams.signing_in import oauth_card

log = structlog.get_logger()
Json = dict[str, Any]
HELP: Final = frozenset({"", "help", "?", "/help", "hilfe"})
LINK: Final = frozenset({"link", "/link", "sign in", "connect my account"})
WELCOMED_S: Final = 30 * 86_400
SIGN_IN: Final = "Or let Teams sign you in:"
NOT_HERE: Final = "Write “link” to me in our 1:1 chat: the code that links your account is for you alone."
LISTED: Final = 3


@dataclass(slots=True)
class Opening:
    desk: Desk
    settings: TeamsSettings

    async def added(self, added: Added) -> None:
        """A greeting, once; Teams tells of one installation in two ways."""
        where, who = added.where, added.who
        if who is not None and await self.desk.people.standing(where, who) != "ours":
            return
        if where.direct and who is not None:
            await self.desk.note_chat(where, who)
        occasion = f"welcome/{place_of(where.conversation, 'once')}"
        if not await self.desk.unfinished.first(occasion, expires_s=WELCOMED_S):
            return
        name = who.name if who is not None and where.direct else ""
        offered = await self._prompts(who) if where.direct and who is not None else prompts(())
        card = cards.welcome(offered, name, where.direct)
        try:
            await self.desk.chat(where).send(cards.message(card), within_s=60.0)
        except TeamsTrouble as trouble:
            log.warning("teams.not_welcomed", code=trouble.code)

    async def instead(self, kept: Kept) -> Sequence[Json] | None:
        """Where what was said is no question: the message that stands there instead; else None."""
        said = kept.text.strip().lower()
        if kept.kind != "ask" or said not in HELP | LINK:
            return None
        if said in HELP:
            offered = await self._prompts(kept.who) if kept.where.direct else prompts(())
            return [cards.message(cards.help_(offered, kept.where.direct))]
        return await self._link(kept)

    async def _link(self, kept: Kept) -> Sequence[Json]:
        """The code, and behind it what makes Teams sign the person in by itself, where that is set up."""
        if not kept.where.direct:
            return [render.notice(NOT_HERE)]
        try:
            link = await self.desk.people.link(kept.where, kept.who)
        except ApiError as error:
            return [render.notice(f"{error.problem.detail} {error.problem.hint}")]
        base_url = self.desk.switchboard.base_url
        shown = [cards.message(cards.link(link, base_url))]
        asks = None if link.linked else oauth_card(self.settings, SIGN_IN, base_url)
        return [*shown, {"type": "message", "attachments": [asks]}] if asks else shown

    async def _prompts(self, who: Who) -> list[tuple[str, str]]:
        """What might be asked, after the documents that the person can see."""
        them = self.desk.people.as_them(who)
        try:
            found = await first(them.documents.everywhere(), LISTED)
        except ApiError as error:
            log.info("teams.no_prompts", code=error.problem.code)
            found = []
        return prompts([document.title for document in found if document.status == "ready"])
