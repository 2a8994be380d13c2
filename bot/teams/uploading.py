"""Files that people send us: into their own knowledge base, with progress (SPEC 1, 7)."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from switchboard_sdk import ApiError, Switchboard
from switchboard_sdk.library import NamedFile

from bot.core import telling
from bot.core.library import personal_base
from bot.core.unfinished import Begun
from bot.teams import cards, render
from bot.teams.desk import Desk
from bot.teams.files import NotFetched
from bot.teams.happened import Asked, File, Where, Who
from bot.teams.kept import Kept, place_of
from bot.teams.sending import TeamsTrouble
from kit.wire.library import Job

log = structlog.get_logger()
Json = dict[str, Any]
EVERY_S: Final = 2.0
FOLLOWED_S: Final = 1800.0
JOB: Final = "job/"
JOB_S: Final = 2 * 86_400
PICTURES: Final = (
    "I cannot read pictures that are pasted into a message. Send me the document itself with the paper clip."
)
_FINISHED: Final = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(slots=True)
class Uploading:
    desk: Desk

    async def taken(self, asked: Asked, then: Callable[[Asked], None]) -> None:
        """Every file with one message of its own; `then` gets the question that came with them, once all can
        be found."""
        where, who = asked.where, asked.who
        if await self.desk.people.standing(where, who) != "ours":
            # `then` refuses.
            then(Asked(who, where, asked.text or "…"))
            return
        turn = asked.turn
        kept = Kept(
            "files", who, where, asked.text, turn.message_id, turn.thread, at=time.time(), files=asked.files
        )
        begun = await self.desk.unfinished.begin(kept.place, kept.value())
        if begun is not None:
            await self.desk.note_chat(where, who)
            await self.go_on(kept, begun, then)

    async def go_on(self, kept: Kept, begun: Begun, then: Callable[[Asked], None]) -> None:
        """Also after a restart: a file that was taken already is the same file."""
        await asyncio.gather(*(self._file(kept, file) for file in kept.files))
        await self.desk.unfinished.end(begun)
        if kept.text:
            then(Asked(kept.who, kept.where, kept.text))

    async def pictures(self, asked: Asked) -> None:
        occasion = f"pictures/{place_of(asked.where.conversation, asked.where.activity)}"
        if await self.desk.unfinished.first(occasion):
            await self.desk.quietly(asked.where, render.notice(PICTURES), within_s=60.0)

    async def told(self, job_id: UUID, who: Who) -> bool:
        """A job has ended while nobody followed it (delivery job.finished). Whether it is shown."""
        entry = await self.desk.switchboard.channel_state.get("teams", f"{JOB}{job_id}")
        if entry is None:
            # Not one of a file sent here.
            return True
        if entry.value.get("followed_until", 0) > time.time():
            return False
        where = Where(*entry.value["where"])
        job = await self.desk.people.as_them(who).jobs.get(job_id)
        message, name = str(entry.value["message"]), str(entry.value["name"])
        shown = await self._show(where, message, _told(name, job))
        await self._settled(job_id)
        return shown

    async def _file(self, kept: Kept, file: File) -> None:
        where, them = kept.where, self.desk.people.as_them(kept.who)
        message = await self._known(kept, file) or await self.desk.quietly(where, _told(file.name, None))
        await self._note(kept, file, message)
        try:
            data = await self.desk.files.fetch(file)
            base = await personal_base(them)
            key = f"teams-{place_of(kept.message, file.id)}"[:120]
            accepted = await them.documents.upload(base, [NamedFile(file.name, data)], key=key)
            refused = next((one.error for one in accepted.documents if one.status == "refused"), None)
            if refused is not None:
                await self._show(where, message, _told(file.name, None, refused))
                return
            await self._follow(where, them, message, file.name, accepted.job_id)
        except NotFetched as error:
            await self._show(where, message, _told(file.name, None, str(error)))
        except ApiError as error:
            await self._refused(kept, message, file.name, error)

    async def _refused(self, kept: Kept, message: str, name: str, error: ApiError) -> None:
        problem = error.problem
        if error.status == 403:
            with suppress(ApiError):
                link = await self.desk.people.link(kept.where, kept.who)
                if not link.linked:
                    card = cards.link(link, self.desk.switchboard.base_url)
                    await self._show(kept.where, message, cards.message(card))
                    return
        await self._show(kept.where, message, _told(name, None, f"{problem.detail} {problem.hint}"))

    async def _follow(self, where: Where, them: Switchboard, message: str, name: str, job_id: UUID) -> None:
        await self._followed(where, message, name, job_id)
        last: Job | None = None
        shown_at = time.monotonic()
        try:
            async with asyncio.timeout(FOLLOWED_S), aclosing(them.jobs.follow(job_id)) as states:
                async for job in states:
                    last = job
                    if job.status not in _FINISHED and time.monotonic() - shown_at > EVERY_S:
                        shown_at = time.monotonic()
                        await self._show(where, message, _told(name, job), patient=False)
        except TimeoutError:
            log.warning("teams.job_not_followed", job_id=str(job_id))
        if last is None or last.status not in _FINISHED:
            return
        if await self._show(where, message, _told(name, last)):
            await self._settled(job_id)

    async def _known(self, kept: Kept, file: File) -> str:
        """The message that stands there for it since before a restart."""
        try:
            entry = await self.desk.switchboard.channel_state.get("teams", _file_key(kept, file))
        except ApiError:
            return ""
        return str(entry.value.get("message", "")) if entry is not None else ""

    async def _note(self, kept: Kept, file: File, message: str) -> None:
        if message:
            await self._put(_file_key(kept, file), {"message": message}, 86_400)

    async def _followed(self, where: Where, message: str, name: str, job_id: UUID) -> None:
        """Kept, so that the end is told also by whoever comes after us."""
        place = [
            where.service_url,
            where.conversation,
            where.kind,
            where.tenant,
            where.bot,
            where.activity,
            where.team,
        ]
        value: Json = {"where": place, "message": message, "name": name, "followed_until": time.time() + 30}
        await self._put(f"{JOB}{job_id}", value, JOB_S)

    async def _settled(self, job_id: UUID) -> None:
        with suppress(ApiError):
            await self.desk.switchboard.channel_state.remove("teams", f"{JOB}{job_id}")

    async def _put(self, key: str, value: Json, life_s: int) -> None:
        with suppress(ApiError):
            await self.desk.switchboard.channel_state.put("teams", key, value, expires_in_s=life_s)

    async def _show(self, where: Where, message: str, activity: Json, *, patient: bool = True) -> bool:
        """In the message that stands there, or in a new one. Whether Teams has taken it."""
        try:
            if message:
                within_s = 60.0 if patient else 0.0
                await self.desk.chat(where).replace(message, activity, within_s=within_s)
                return True
        except TeamsTrouble as trouble:
            log.info("teams.upload_not_shown", code=trouble.code)
            if trouble.passing or not patient:
                return False
        return bool(await self.desk.quietly(where, activity, within_s=60.0)) if patient else False


def _told(name: str, job: Job | None, problem: str = "") -> Json:
    return cards.message(cards.told(telling.upload(name, job, problem)))


def _file_key(kept: Kept, file: File) -> str:
    return f"file/{place_of(kept.where.conversation, place_of(kept.message, file.id))}"
