"""Files and messages that people give us: into their own knowledge base, with progress (SPEC 1, 7)."""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from switchboard_sdk import ApiError, Switchboard
from switchboard_sdk.library import NamedFile

from bot.core.library import personal_base
from bot.core.telling import upload
from bot.core.unfinished import Begun
from bot.slack import render
from bot.slack.calls import SlackTrouble
from bot.slack.desk import Desk
from bot.slack.files import NotFetched
from bot.slack.happened import Asked, File, Message, Where, Who
from bot.slack.kept import Kept
from kit.wire.library import Job

log = structlog.get_logger()
EVERY_S: Final = 1.5
FOLLOWED_S: Final = 1800.0
JOB: Final = "job/"
JOB_S: Final = 2 * 86_400
_FINISHED: Final = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(slots=True)
class Uploading:
    desk: Desk

    async def taken(self, asked: Asked, then: Callable[[Asked], None]) -> None:
        """Every file with one message of its own; `then` gets the question that came with them, once all can
        be found."""
        where = asked.where
        if await self.desk.people.standing(where.team, asked.who) != "ours":
            return
        kept = Kept(
            "files", asked.who, where, asked.text, where.ts, where.ref, at=time.time(), files=asked.files
        )
        begun = await self.desk.unfinished.begin(kept.place, kept.value())
        if begun is not None:
            await self.go_on(kept, begun, then)

    async def go_on(self, kept: Kept, begun: Begun, then: Callable[[Asked], None]) -> None:
        """Also after a restart: a file that was taken already is the same file."""
        await asyncio.gather(*(self.file(kept.where, kept.who, file) for file in kept.files))
        await self.desk.unfinished.end(begun)
        if kept.text:
            then(Asked(kept.who, kept.where, kept.text, kept.place))

    async def file(self, where: Where, who: Who, file: File) -> None:
        async def fetched() -> bytes:
            return await self.desk.files.fetch(where.team, file)

        await self._kept(where, who, file.name, file.id, fetched)

    async def text(self, where: Where, who: Who, name: str, key: str, text: str) -> None:
        async def given() -> bytes:
            return text.encode()

        await self._kept(where, who, name, key, given)

    async def told(self, job_id: UUID, who: Who, payload: dict[str, Any]) -> bool:
        """A job has ended while nobody followed it (delivery job.finished). Whether it is shown."""
        entry = await self.desk.switchboard.channel_state.get("slack", f"{JOB}{job_id}")
        if entry is None:
            # Not one of a file sent here.
            return True
        if entry.value.get("followed_until", 0) > time.time():
            return False
        team, channel, ts, name = (str(entry.value[part]) for part in ("team", "channel", "ts", "name"))
        job = await self.desk.people.as_them(who).jobs.get(job_id)
        shown = await self._show(Where(team, channel), ts, _said(name, job))
        await self._settled(job_id)
        return shown

    async def _kept(self, where: Where, who: Who, name: str, key: str, fetch: Any) -> None:
        posted = await self._post(where, _said(name, None), key)
        them = self.desk.people.as_them(who)
        try:
            data = await fetch()
            base = await personal_base(them)
            accepted = await them.documents.upload(base, [NamedFile(name, data)], key=f"slack-{key}")
            refused = next((one.error for one in accepted.documents if one.status == "refused"), None)
            if refused is not None:
                await self._show(where, posted, _said(name, None, refused))
                return
            await self._follow(where, them, posted, name, accepted.job_id)
        except NotFetched as error:
            await self._show(where, posted, _said(name, None, str(error)))
        except SlackTrouble as trouble:
            log.warning("slack.file_not_fetched", code=trouble.code)
            await self._show(where, posted, _said(name, None, "Slack did not give it to me."))
        except ApiError as error:
            await self._refused(where, who, posted, name, error)

    async def _refused(self, where: Where, who: Who, ts: str, name: str, error: ApiError) -> None:
        problem = error.problem
        if error.status == 403:
            with suppress(ApiError):
                link = await self.desk.people.link(where.team, who)
                if not link.linked:
                    await self._show(where, ts, render.link_card(link, self.desk.switchboard.base_url))
                    return
        await self._show(where, ts, _said(name, None, f"{problem.detail} {problem.hint}"))

    async def _follow(self, where: Where, them: Switchboard, ts: str, name: str, job_id: UUID) -> None:
        await self._followed(where, ts, name, job_id)
        last: Job | None = None
        shown_at = time.monotonic()
        try:
            async with asyncio.timeout(FOLLOWED_S), aclosing(them.jobs.follow(job_id)) as states:
                async for job in states:
                    last = job
                    if job.status not in _FINISHED and time.monotonic() - shown_at > EVERY_S:
                        shown_at = time.monotonic()
                        await self._show(where, ts, _said(name, job), patient=False)
        except TimeoutError:
            log.warning("slack.job_not_followed", job_id=str(job_id))
        if last is None or last.status not in _FINISHED:
            return
        if await self._show(where, ts, _said(name, last)):
            await self._settled(job_id)

    async def _followed(self, where: Where, ts: str, name: str, job_id: UUID) -> None:
        """Kept, so that the end is told also by whoever comes after us."""
        value = {
            "team": where.team,
            "channel": where.channel,
            "ts": ts,
            "name": name,
            "followed_until": time.time() + 30,
        }
        with suppress(ApiError):
            await self.desk.switchboard.channel_state.put(
                "slack", f"{JOB}{job_id}", value, expires_in_s=JOB_S
            )

    async def _settled(self, job_id: UUID) -> None:
        with suppress(ApiError):
            await self.desk.switchboard.channel_state.remove("slack", f"{JOB}{job_id}")

    async def _post(self, where: Where, message: Message, key: str) -> str:
        fields: dict[str, Any] = {"thread_ts": where.thread} if where.thread else {}
        fields["client_msg_id"] = str(uuid5(NAMESPACE_URL, f"{where.channel}/{key}/{where.ts}"))
        posted = await self.desk.quietly(
            where.team, "chat.postMessage", channel=where.channel, **fields, **message.payload()
        )
        return str(posted.get("ts", ""))

    async def _show(self, where: Where, ts: str, message: Message, *, patient: bool = True) -> bool:
        """In the message that stands there, or in a new one. Whether Slack has taken it."""
        try:
            if ts:
                await self.desk.slack.call(
                    where.team,
                    "chat.update",
                    within_s=60.0 if patient else 0.0,
                    channel=where.channel,
                    ts=ts,
                    **message.payload(),
                )
                return True
        except SlackTrouble as trouble:
            log.info("slack.upload_not_shown", code=trouble.code)
            if trouble.passing or not patient:
                return False
        return bool(await self._post(where, message, f"{ts}/again")) if patient else False


def _said(name: str, job: Job | None, problem: str = "") -> Message:
    return render.told(upload(name, job, problem))
