"""Jobs: those of the caller, and for admins what the queue gave up."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from uuid import UUID

import httpx
from pydantic import ValidationError

from kit.wire.jobs import DeadLetter, Replayed, ReplayRequest
from kit.wire.library import Job
from switchboard_sdk import errors
from switchboard_sdk.pages import every
from switchboard_sdk.sse import EventTooLarge, data_of_events
from switchboard_sdk.transport import Call, Transport, backoff, checked, write

JOBS = "/api/v1/jobs"
ADMIN = "/api/v1/admin/jobs"
FINISHED = frozenset({"succeeded", "failed", "cancelled"})
LOST_IN_A_ROW = 20


class Jobs:
    """All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def all(self) -> AsyncIterator[Job]:
        return every(self._transport, Job, JOBS)

    async def get(self, job_id: UUID) -> Job:
        return await self._transport.read(Job, Call("GET", f"{JOBS}/{job_id}"))

    async def follow(self, job_id: UUID) -> AsyncGenerator[Job]:
        """Its states as they change; the last one is finished. Survives a broken connection."""
        last: Job | None = None
        for lost in range(1, LOST_IN_A_ROW + 1):
            async with aclosing(self._until_cut(job_id)) as states:
                async for job in states:
                    if job != last:
                        yield job
                    last = job
                    if job.status in FINISHED:
                        return
            await self._transport.sleep(backoff(lost))
        raise errors.stream_lost(self._transport.base_url, "")

    async def _until_cut(self, job_id: UUID) -> AsyncGenerator[Job]:
        """First the state as it is, then each change that is announced."""
        yield await self.get(job_id)
        silence = self._transport.patience.silence_s
        call = Call("GET", f"{JOBS}/{job_id}/events", accept="text/event-stream", answer_s=silence)
        try:
            async with self._transport.open(call) as response:
                async for data in data_of_events(response.aiter_bytes()):
                    yield Job.model_validate_json(data)
        except httpx.TransportError:
            return
        except (ValidationError, EventTooLarge) as error:
            raise errors.unreadable(self._transport.base_url, "an event", call.request_id) from error

    async def cancel(self, job_id: UUID) -> Job:
        return await self._transport.read(Job, write("POST", f"{JOBS}/{job_id}/cancel"))

    async def retry(self, job_id: UUID) -> Job:
        """Its failed documents are queued again."""
        return await self._transport.read(Job, write("POST", f"{JOBS}/{job_id}/retry"))


class AdminJobs:
    """For admins. All methods raise ApiError."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def failed(self) -> AsyncIterator[DeadLetter]:
        """Dead letters, newest first."""
        return every(self._transport, DeadLetter, f"{ADMIN}/failed")

    async def replay(
        self, *, task: str | None = None, document_id: UUID | None = None, job_id: UUID | None = None
    ) -> Replayed:
        """All dead letters that fit; all there are where nothing is given."""
        body = checked(ReplayRequest, task=task, document_id=document_id, job_id=job_id)
        return await self._transport.read(Replayed, write("POST", f"{ADMIN}/replay", body))

    async def replay_one(self, letter_id: int) -> Replayed:
        return await self._transport.read(Replayed, write("POST", f"{ADMIN}/failed/{letter_id}/replay"))

    async def delete(self, letter_id: int) -> None:
        await self._transport.send(write("DELETE", f"{ADMIN}/failed/{letter_id}"))

    async def reconcile(self) -> Job:
        """Compare index and files with the database, and repair; follow the job for its report."""
        return await self._transport.read(Job, write("POST", f"{ADMIN}/reconcile"))
