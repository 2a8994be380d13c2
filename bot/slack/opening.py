"""What people see before they ask: App Home, prompts in the agent view (SPEC 1)."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog
from switchboard_sdk import ApiError

from bot.core.library import first, open_questions
from bot.slack import render
from bot.slack.desk import Desk
from bot.slack.happened import ChatOpened, HomeOpened, Who
from bot.slack.home import Home
from bot.slack.home import home as home_view
from kit.wire.account import Me
from kit.wire.channels import LinkState
from kit.wire.interactions import Interaction
from kit.wire.library import Document, Job

log = structlog.get_logger()
SHOWN: Final = 20
TITLES: Final = 4
WELCOMED_S: Final = 366 * 86_400


@dataclass(slots=True)
class Opening:
    desk: Desk

    async def home(self, opened: HomeOpened) -> None:
        await self.publish(opened.team, opened.who)

    async def publish(self, team: str, who: Who) -> None:
        """Whatever the platform says now; what it does not say is left empty."""
        if await self.desk.people.standing(team, who) != "ours":
            return
        view = home_view(await self._home(team, who))
        await self.desk.quietly(team, "views.publish", user_id=who.user, view=view)

    async def chat(self, opened: ChatOpened) -> None:
        where, who = opened.where, opened.who
        if await self.desk.people.standing(where.team, who) != "ours":
            return
        thread = {"thread_ts": where.thread} if where.thread else {}
        await self.desk.quietly(
            where.team,
            "assistant.threads.setSuggestedPrompts",
            channel_id=where.channel,
            prompts=render.prompts(await self._titles(who)),
            **thread,
        )
        if await self.desk.unfinished.first(f"home/{where.team}/{who.user}", expires_s=WELCOMED_S):
            await self.desk.quietly(
                where.team, "chat.postMessage", channel=where.channel, **render.welcome().payload()
            )

    async def _titles(self, who: Who) -> list[str]:
        try:
            documents = self.desk.people.as_them(who).documents.everywhere()
            return [one.title for one in await first(documents, TITLES) if one.status == "ready"]
        except ApiError as error:
            log.info("slack.no_titles", code=error.problem.code)
            return []

    async def _home(self, team: str, who: Who) -> Home:
        them = self.desk.people.as_them(who)
        me: Me | None = None
        link = LinkState(identity=who.identity, linked=False)
        documents: list[Document] = []
        jobs: list[Job] = []
        interactions: list[Interaction] = []
        with suppress(ApiError):
            link = await self.desk.people.link(team, who)
        with suppress(ApiError):
            me = await them.me()
            interactions = await open_questions(them, SHOWN)
            jobs = await first(them.jobs.all(), SHOWN)
            async for base in them.knowledge_bases.all():
                if base.owner_type == "user" and base.owner_id == str(me.id):
                    documents += await first(them.documents.all(base.id), SHOWN - len(documents))
        return Home(
            me=me,
            link=link,
            documents=documents,
            jobs=jobs,
            interactions=interactions,
            base_url=self.desk.switchboard.base_url,
        )
