"""Deferring jobs, in the caller's own transaction; the dead letters and their replay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import msgspec
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from kit import telemetry
from ports.db import Database

if TYPE_CHECKING:
    from sqlalchemy import CursorResult

DEFAULT = "default"
"""The platform's queue; another process with a worker of its own has one of its own, by name."""
TRACE = "_trace"
FAILURE = "_failure"
"""Keys in a job's arguments that are ours: the caller's trace, the reason of the last failure."""

_DEFER = text(
    "SELECT (procrastinate_defer_jobs_v1(ARRAY[ROW(CAST(:queue AS varchar), CAST(:task AS varchar),"
    " CAST(:priority AS integer), CAST(:lock AS text), CAST(:queueing_lock AS text), CAST(:args AS jsonb),"
    " CAST(:run_at AS timestamptz))::procrastinate_job_to_defer_v1]))[1]"
)
_DEFER_MANY = text(
    "SELECT procrastinate_defer_jobs_v1(array_agg(ROW(CAST(:queue AS varchar), CAST(:task AS varchar), 0,"
    " one.lock, NULL, one.args, NULL)::procrastinate_job_to_defer_v1))"
    " FROM jsonb_to_recordset(CAST(:jobs AS jsonb)) AS one(lock text, args jsonb)"
)
_FAILED = text(
    "SELECT job.id, task_name, args, attempts, (SELECT max(at) FROM procrastinate_events event"
    " WHERE event.job_id = job.id AND event.type = 'failed') AS failed_at"
    " FROM procrastinate_jobs job WHERE queue_name = :queue AND status = 'failed'"
    " AND args @> CAST(:about AS jsonb)"
    " AND (CAST(:task AS text) IS NULL OR task_name = :task)"
    " AND (CAST(:before AS bigint) IS NULL OR job.id < :before) ORDER BY job.id DESC LIMIT :limit"
)
_REPLAY = text(
    "UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL, args = args - :failure"
    " WHERE id = :id AND queue_name = :queue AND status = 'failed' RETURNING id"
)
_FORGET = text(
    "DELETE FROM procrastinate_jobs WHERE queue_name = :queue AND status = 'failed'"
    " AND (CAST(:id AS bigint) IS NULL OR id = :id)"
    " AND (CAST(:task AS text) IS NULL OR task_name = :task) AND args @> CAST(:about AS jsonb)"
)
_AT_WORK = text(
    "SELECT DISTINCT lock FROM procrastinate_jobs WHERE queue_name = :queue"
    " AND status IN ('todo', 'doing') AND lock = ANY(:locks)"
)
_WITHDRAW = text(
    "DELETE FROM procrastinate_jobs WHERE queue_name = :queue AND status = 'todo' AND queueing_lock = :lock"
)


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A dead letter: a job after its last attempt."""

    id: int
    task: str
    args: dict[str, Any]
    reason: str
    attempts: int
    failed_at: datetime | None


class Queue:
    """Jobs on the same Postgres, so that a job and the row it is about are one commit."""

    def __init__(self, database: Database, name: str = DEFAULT) -> None:
        self._database = database
        self.name = name

    async def defer(
        self,
        session: AsyncSession,
        task: str,
        args: Mapping[str, Any],
        *,
        queueing_lock: str | None = None,
        lock: str | None = None,
        run_at: datetime | None = None,
        priority: int = 0,
    ) -> int | None:
        """A job in the session's transaction: it exists when and only when that commits. Its id.

        Jobs of one `lock` run one after the other, in order. Where a job with the same
        `queueing_lock` still waits, nothing is added and the answer is None. Higher `priority` first.
        """
        values = {
            "queue": self.name,
            "task": task,
            "priority": priority,
            "lock": lock,
            "queueing_lock": queueing_lock,
            "args": _json({**args, TRACE: telemetry.inject()}),
            "run_at": run_at,
        }
        if queueing_lock is None:
            return (await session.execute(_DEFER, values)).scalar_one()
        return await _defer_once(session, values)

    async def defer_many(
        self, session: AsyncSession, task: str, jobs: Sequence[tuple[Mapping[str, Any], str | None]]
    ) -> None:
        """Jobs of one task, each with its arguments and its `lock`, in this order; one statement for all."""
        if not jobs:
            return
        trace = telemetry.inject()
        rows = [{"args": {**args, TRACE: trace}, "lock": lock} for args, lock in jobs]
        values = {"queue": self.name, "task": task, "jobs": msgspec.json.encode(rows).decode()}
        await session.execute(_DEFER_MANY, values)

    async def failed(
        self,
        limit: int = 100,
        *,
        task: str | None = None,
        about: Mapping[str, Any] | None = None,
        before: int | None = None,
    ) -> list[FailedJob]:
        """The dead letters, newest first. about: arguments that they have; before: only older ids."""
        values = {
            "queue": self.name,
            "limit": limit,
            "task": task,
            "about": _json(about or {}),
            "before": before,
        }
        async with self._database.begin() as session:
            rows = (await session.execute(_FAILED, values)).all()
        return [_failed_job(*row) for row in rows]

    async def replay(self, session: AsyncSession, job_id: int) -> bool:
        """Give a dead letter all its attempts again. False where it is none."""
        done = await session.execute(_REPLAY, {"queue": self.name, "id": job_id, "failure": FAILURE})
        return done.first() is not None

    async def forget(self, session: AsyncSession, job_id: int) -> bool:
        """Delete a dead letter. False where it is none."""
        return await _forget(session, {"queue": self.name, "id": job_id, "task": None, "about": "{}"}) > 0

    async def forget_about(self, session: AsyncSession, task: str, about: Mapping[str, Any]) -> int:
        """Delete the dead letters of this task with these arguments; how many there were."""
        return await _forget(session, {"queue": self.name, "id": None, "task": task, "about": _json(about)})

    async def at_work(self, session: AsyncSession, locks: Sequence[str]) -> frozenset[str]:
        """Those of the locks for which a job waits or runs."""
        return frozenset(await session.scalars(_AT_WORK, {"queue": self.name, "locks": list(locks)}))

    async def withdraw(self, session: AsyncSession, queueing_lock: str) -> None:
        """Delete the job that waits with this lock; one that runs already is left alone."""
        await session.execute(_WITHDRAW, {"queue": self.name, "lock": queueing_lock})


async def _forget(session: AsyncSession, values: dict[str, Any]) -> int:
    return cast("CursorResult[Any]", await session.execute(_FORGET, values)).rowcount


def _json(value: Mapping[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


async def _defer_once(session: AsyncSession, values: dict[str, Any]) -> int | None:
    try:
        # The savepoint keeps the caller's transaction usable.
        async with session.begin_nested():
            return (await session.execute(_DEFER, values)).scalar_one()
    except IntegrityError as error:
        if "procrastinate_jobs_queueing_lock_idx" in str(error.orig):
            return None
        raise


def _failed_job(
    id: int, task: str, args: dict[str, Any], attempts: int, failed_at: datetime | None
) -> FailedJob:
    failure = args.get(FAILURE, {})
    own = {name: value for name, value in args.items() if name not in (TRACE, FAILURE)}
    return FailedJob(id, task, own, failure.get("reason", "unknown"), attempts, failed_at)
