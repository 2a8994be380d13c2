"""One stretch of a worker's life, from connecting to stopping: procrastinate, and what we add to it.

Ours: the reason of a failure is kept with the job, jobs of lost workers are taken over, periodic tasks
in seconds, one trace from the request through the job.
"""

import asyncio
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import procrastinate
import structlog
from opentelemetry.trace import Status, StatusCode
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.worker import Worker
from prometheus_client import Counter, Gauge, Histogram

from kit import telemetry
from ports.db import libpq_url
from ports.queue.pace import Pace
from ports.queue.presence import LOCK_CLASS, PresentWorkers, one_statement_each, pool_of_quiet, present
from ports.queue.queue import FAILURE, TRACE
from ports.queue.tasks import GiveUp, Periodic, Task, Tasks

JOBS = Counter("switchboard_queue_jobs_total", "Jobs that ended, by how.", ["task", "outcome"])
SECONDS = Histogram("switchboard_queue_job_seconds", "How long an attempt took.", ["task"])

HELD = Gauge("switchboard_queue_jobs_held", "Jobs waiting, running and dead.", ["task", "state"])

_log = structlog.get_logger()
_tracer = telemetry.tracer("queue")
_REASON_LIMIT = 500
_ANSWER_WITHIN_MS = 30_000
_STATES = {"todo": "waiting", "doing": "running", "failed": "dead"}
LOST = "The worker that ran it was lost."

_LOST = """
SELECT job.id, job.task_name, job.args, job.attempts, job.worker_id FROM procrastinate_jobs job
LEFT JOIN procrastinate_workers worker ON worker.id = job.worker_id
WHERE job.queue_name = %(queue)s AND job.status = 'doing' AND (worker.id IS NULL
  OR worker.last_heartbeat < now() - make_interval(secs => %(seconds)s)
  OR NOT EXISTS (SELECT FROM pg_locks held WHERE held.locktype = 'advisory' AND held.granted
    AND held.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND held.classid = %(lock)s AND held.objid = worker.id::oid AND held.objsubid = 2))
"""
# Only while it is still that worker's: another one may have taken it over in between.
_TAKE_OVER = """
UPDATE procrastinate_jobs SET status = %(status)s::procrastinate_job_status, attempts = attempts + 1,
  scheduled_at = NULL, args = args || %(note)s
WHERE id = %(id)s AND status = 'doing' AND worker_id IS NOT DISTINCT FROM %(worker)s
"""
_NOTE = "UPDATE procrastinate_jobs SET args = args || %(note)s WHERE id = %(id)s"
_COUNT = """
SELECT task_name, status::text AS status, count(*) AS number FROM procrastinate_jobs
WHERE queue_name = %(queue)s AND status IN ('todo', 'doing', 'failed') GROUP BY 1, 2
"""
_PERIODIC = """
SELECT procrastinate_defer_periodic_job_v2(
  %(queue)s, %(name)s, %(name)s, %(name)s, 0, '', %(moment)s, '{}'::jsonb) AS id
"""


async def attend(
    url: str, tasks: Tasks, concurrency: int, pace: Pace, stopping: asyncio.Event, *, queue: str
) -> None:
    """Work until `stopping` is set. Raises where the connection is lost."""
    # Its messages hold the arguments of jobs, which are not for logs; we log ends of jobs ourselves.
    logging.getLogger("procrastinate").setLevel(logging.CRITICAL)
    connector = _connector(url, concurrency)
    app = procrastinate.App(connector=connector)
    for task in tasks:
        _register(app, connector, task, queue, periodic=any(each.task is task for each in tasks.periodic))
    async with present(url) as presence, app.open_async():
        app.job_manager = PresentWorkers(connector, presence)
        worker = _worker(app, queue, concurrency, pace)
        beside = [
            asyncio.create_task(_stop_when(stopping, worker)),
            asyncio.create_task(presence.watch()),
            asyncio.create_task(_take_over(connector, tasks, queue, pace)),
            asyncio.create_task(_count(connector, tasks, queue, pace)),
            *(asyncio.create_task(_defer_every(connector, queue, each)) for each in tasks.periodic),
        ]
        for each in beside:
            each.add_done_callback(lambda done: _end_with(done, worker))
        try:
            await worker.run()
        finally:
            for each in beside:
                each.cancel()
            ended = await asyncio.gather(*beside, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome


def _connector(url: str, concurrency: int) -> procrastinate.PsycopgConnector:
    return procrastinate.PsycopgConnector(
        conninfo=libpq_url(url),
        kwargs={"connect_timeout": 5, "options": f"-c statement_timeout={_ANSWER_WITHIN_MS}"},
        configure=one_statement_each,
        pool_factory=pool_of_quiet,
        min_size=1,
        max_size=min(concurrency, 4) + 2,
        timeout=10,
    )


def _worker(app: procrastinate.App, queue: str, concurrency: int, pace: Pace) -> Worker:
    return Worker(
        app,
        queues=[queue],
        concurrency=concurrency,
        fetch_job_polling_interval=pace.poll_s,
        shutdown_graceful_timeout=pace.stop_within_s,
        # Our own rows are the truth about what was done; the queue keeps what failed.
        delete_jobs=DeleteJobCondition.SUCCESSFUL,
        install_signal_handlers=False,
        update_heartbeat_interval=pace.heartbeat_s,
        stalled_worker_timeout=pace.lost_after_s,
    )


def _end_with(done: "asyncio.Task[None]", worker: Worker) -> None:
    if not done.cancelled() and done.exception() is not None:
        worker.stop()


async def _stop_when(stopping: asyncio.Event, worker: Worker) -> None:
    await stopping.wait()
    worker.stop()


class _Retry(procrastinate.BaseRetryStrategy):
    def __init__(self, task: Task) -> None:
        self._task = task

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> procrastinate.RetryDecision | None:
        if isinstance(exception, asyncio.CancelledError):
            # Cut off by a stop, through no fault of its own.
            return procrastinate.RetryDecision(retry_in={"seconds": 0})
        pause_s = None if isinstance(exception, GiveUp) else self._task.pause_s(job.attempts + 1)
        if pause_s is None:
            return None
        return procrastinate.RetryDecision(retry_in={"milliseconds": int(pause_s * 1000)})


def _register(
    app: procrastinate.App,
    connector: procrastinate.PsycopgConnector,
    task: Task,
    queue: str,
    *,
    periodic: bool,
) -> None:
    async def run(context: procrastinate.JobContext, /, **args: Any) -> None:
        try:
            await _attempt(task, args)
        except Exception as error:
            if periodic:
                return
            reason = _reason(error)
            await _note(connector, context.job.id, reason)
            if isinstance(error, GiveUp) or task.pause_s(context.job.attempts + 1) is None:
                await _bury(task, args, reason)
            raise

    app.task(name=task.name, queue=queue, pass_context=True, retry=_Retry(task))(run)


async def _attempt(task: Task, args: dict[str, Any]) -> None:
    parent = telemetry.extract(args.pop(TRACE, {}))
    args.pop(FAILURE, None)
    outcome = "failed"
    with (
        SECONDS.labels(task.name).time(),
        # The exception's text may quote what people wrote: the span gets its type only.
        _tracer.start_as_current_span(
            f"job {task.name}", context=parent, record_exception=False, set_status_on_exception=False
        ) as span,
    ):
        try:
            async with asyncio.timeout(task.timeout_s):
                await task.handler(args)
            outcome = "succeeded"
        except asyncio.CancelledError:
            outcome = "cut_off"
            raise
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            _log.warning("queue.job_failed", task=task.name, error=type(error).__name__)
            raise
        finally:
            JOBS.labels(task.name, outcome).inc()


async def _bury(task: Task, args: dict[str, Any], reason: str) -> None:
    """Tell whoever the job was for that no attempt follows, before the queue keeps it as a dead letter."""
    if task.dead:
        own = {name: value for name, value in args.items() if name not in (TRACE, FAILURE)}
        await task.dead(own, reason)


def _reason(error: Exception) -> str:
    said = str(error)
    return (said if isinstance(error, GiveUp) else f"{type(error).__name__}: {said}")[:_REASON_LIMIT]


async def _note(connector: procrastinate.PsycopgConnector, job_id: int | None, reason: str) -> None:
    await connector.execute_query_async(_NOTE, id=job_id, note=_failure(reason))


def _failure(reason: str) -> dict[str, Any]:
    return {FAILURE: {"reason": reason, "at": datetime.now(UTC).isoformat()}}


async def _take_over(connector: procrastinate.PsycopgConnector, tasks: Tasks, queue: str, pace: Pace) -> None:
    """Give back the jobs of workers that are gone; one that loses its worker every time fails."""
    while True:
        lost = await connector.execute_query_all_async(
            _LOST, queue=queue, seconds=pace.lost_after_s, lock=LOCK_CLASS
        )
        for job in lost:
            await _take_over_one(connector, tasks.get(job["task_name"]), job)
        await asyncio.sleep(pace.look_s)


async def _take_over_one(
    connector: procrastinate.PsycopgConnector, task: Task | None, job: dict[str, Any]
) -> None:
    last = task is not None and job["attempts"] + 1 >= task.attempts
    if last and task is not None:
        await _bury(task, job["args"], LOST)
    await connector.execute_query_async(
        _TAKE_OVER,
        id=job["id"],
        worker=job["worker_id"],
        status="failed" if last else "todo",
        note=_failure(LOST),
    )
    JOBS.labels(job["task_name"], "lost").inc()
    _log.warning("queue.job_taken_over", task=job["task_name"], gave_up=last)


async def _count(connector: procrastinate.PsycopgConnector, tasks: Tasks, queue: str, pace: Pace) -> None:
    """How many jobs wait, run and have failed: every worker says the same, so take the maximum."""
    while True:
        found = await connector.execute_query_all_async(_COUNT, queue=queue)
        numbers = {(row["task_name"], row["status"]): row["number"] for row in found}
        for task in tasks:
            for status, state in _STATES.items():
                HELD.labels(task.name, state).set(numbers.get((task.name, status), 0))
        await asyncio.sleep(pace.count_s)


async def _defer_every(connector: procrastinate.PsycopgConnector, queue: str, periodic: Periodic) -> None:
    """Every worker tries at the same moments; the database lets one of them through."""
    while True:
        now = time.time()
        moment = int(now // periodic.seconds + 1) * periodic.seconds
        await asyncio.sleep(moment - now)
        # The last one still waits: the workers are busy.
        with suppress(UniqueViolation):
            await connector.execute_query_one_async(
                _PERIODIC, queue=queue, name=periodic.task.name, moment=moment
            )
