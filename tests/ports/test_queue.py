"""The queue on a real Postgres: in the caller's transaction, tried again, one after the other."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from sqlalchemy import text

from ports.db import Database
from ports.queue import GiveUp, Pace, Queue, QueueWorker, Tasks

QUICK = Pace(poll_s=0.05, heartbeat_s=0.2, lost_after_s=2.0, stop_within_s=10.0, reconnect_s=0.1)
Args = dict[str, Any]


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database)


@asynccontextmanager
async def working(
    database: Database, tasks: Tasks, concurrency: int = 4, pace: Pace = QUICK
) -> AsyncGenerator[QueueWorker]:
    worker = QueueWorker(database.url, tasks, concurrency, pace)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.stop()
        await running


async def defer(
    database: Database, queue: Queue, task: str, args: Args | None = None, **how: Any
) -> int | None:
    async with database.begin() as session:
        return await queue.defer(session, task, args or {}, **how)


async def jobs(database: Database) -> dict[str, int]:
    async with database.begin() as session:
        rows = await session.execute(text("SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY 1"))
        return {str(row[0]): int(row[1]) for row in rows}


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Waits for a state of the world that others bring about; pytest's time limit ends it."""
    while not await condition():
        await asyncio.sleep(0.01)


@pytest.mark.proves("QUEUE-001")
async def test_a_job_exists_only_when_its_transaction_commits(database: Database, queue: Queue) -> None:
    async def defer_and_fail() -> None:
        async with database.begin() as session:
            await queue.defer(session, "greet", {})
            raise RuntimeError("the request fails after deferring")

    with pytest.raises(RuntimeError):
        await defer_and_fail()
    assert await jobs(database) == {}
    await defer(database, queue, "greet")
    assert await jobs(database) == {"todo": 1}


async def test_a_handler_gets_exactly_what_was_deferred(database: Database, queue: Queue) -> None:
    got: asyncio.Queue[Args] = asyncio.Queue()
    tasks = Tasks()
    tasks.add("greet", got.put)
    sent = {"context": "a word of ours", "nested": {"list": [1, None, "ü"]}}
    async with working(database, tasks):
        await defer(database, queue, "greet", sent)
        assert await got.get() == sent


@pytest.mark.proves("QUEUE-001")
async def test_a_job_that_succeeded_leaves_no_row(database: Database, queue: Queue) -> None:
    done = asyncio.Event()

    async def finish(args: Args) -> None:
        done.set()

    tasks = Tasks()
    tasks.add("finish", finish)
    await defer(database, queue, "finish")
    async with working(database, tasks):
        await done.wait()
    assert await jobs(database) == {}


@pytest.mark.proves("QUEUE-002")
async def test_a_failing_job_is_tried_again_and_then_kept_with_its_reason(
    database: Database, queue: Queue
) -> None:
    tried: list[Args] = []

    async def fail(args: Args) -> None:
        tried.append(args)
        raise ConnectionError("the mail server is down")

    tasks = Tasks()
    tasks.add("send", fail, attempts=3, backoff_s=0.01)
    async with working(database, tasks):
        await defer(database, queue, "send", {"to": "maya"})

        async def dead() -> bool:
            return bool(await queue.failed())

        await until(dead)
    (letter,) = await queue.failed()
    assert tried == [{"to": "maya"}] * 3
    assert (letter.task, letter.args, letter.attempts) == ("send", {"to": "maya"}, 3)
    assert letter.reason == "ConnectionError: the mail server is down"
    assert letter.failed_at is not None


@pytest.mark.proves("QUEUE-002")
async def test_a_job_that_gives_up_is_not_tried_again(database: Database, queue: Queue) -> None:
    tried: list[Args] = []

    async def give_up(args: Args) -> None:
        tried.append(args)
        raise GiveUp("This file is encrypted.")

    tasks = Tasks()
    tasks.add("read", give_up, attempts=5, backoff_s=0)
    async with working(database, tasks):
        await defer(database, queue, "read")

        async def dead() -> bool:
            return bool(await queue.failed())

        await until(dead)
    assert len(tried) == 1
    assert (await queue.failed())[0].reason == "This file is encrypted."


@pytest.mark.proves("QUEUE-002")
async def test_a_dead_letter_can_be_replayed(database: Database, queue: Queue) -> None:
    mended = asyncio.Event()
    done = asyncio.Event()

    async def send(args: Args) -> None:
        if not mended.is_set():
            raise GiveUp("not yet")
        done.set()

    tasks = Tasks()
    tasks.add("send", send)
    async with working(database, tasks):
        await defer(database, queue, "send")

        async def dead() -> bool:
            return bool(await queue.failed())

        await until(dead)
        mended.set()
        async with database.begin() as session:
            assert await queue.replay(session, (await queue.failed())[0].id)
        await done.wait()
    assert await queue.failed() == []


@pytest.mark.proves("JOBS-003")
async def test_whoever_a_job_was_for_is_told_before_it_is_kept_as_a_dead_letter(
    database: Database, queue: Queue
) -> None:
    told: list[tuple[Args, str]] = []

    async def fail(args: Args) -> None:
        raise ConnectionError("the index is down")

    async def dead(args: Args, reason: str) -> None:
        assert await queue.failed() == []
        told.append((args, reason))

    tasks = Tasks()
    tasks.add("read", fail, attempts=2, backoff_s=0.01, dead=dead)
    async with working(database, tasks):
        await defer(database, queue, "read", {"document": "a"})

        async def kept() -> bool:
            return bool(await queue.failed())

        await until(kept)
    assert told == [({"document": "a"}, "ConnectionError: the index is down")]


async def test_dead_letters_are_found_by_task_and_arguments_and_can_be_forgotten(
    database: Database, queue: Queue
) -> None:
    async def give_up(args: Args) -> None:
        raise GiveUp("not readable")

    tasks = Tasks()
    for name in ("read", "send"):
        tasks.add(name, give_up)
        for organisation in ("ours", "theirs"):
            await defer(database, queue, name, {"organisation": organisation}, lock=f"{name}:{organisation}")
    async with working(database, tasks):

        async def all_dead() -> bool:
            return len(await queue.failed()) == 4

        await until(all_dead)
    ours = await queue.failed(about={"organisation": "ours"})
    read = await queue.failed(task="read", about={"organisation": "ours"})
    older = await queue.failed(before=ours[0].id, about={"organisation": "ours"})
    async with database.begin() as session:
        assert await queue.forget(session, ours[0].id)
        assert not await queue.forget(session, ours[0].id)
        assert await queue.forget_about(session, "read", {"organisation": "theirs"}) == 1

    assert {letter.args["organisation"] for letter in ours} == {"ours"}
    assert [letter.task for letter in read] == ["read"]
    assert older == ours[1:]
    assert len(await queue.failed()) == 2


async def test_which_locks_have_work_is_told(database: Database, queue: Queue) -> None:
    await defer(database, queue, "read", lock="document:1")
    async with database.begin() as session:
        assert await queue.at_work(session, ["document:1", "document:2"]) == {"document:1"}


async def test_replaying_what_is_no_dead_letter_does_nothing(database: Database, queue: Queue) -> None:
    job = await defer(database, queue, "send")
    assert job is not None
    async with database.begin() as session:
        assert not await queue.replay(session, job)


async def test_jobs_of_one_lock_run_one_after_the_other_in_order(database: Database, queue: Queue) -> None:
    running = 0
    most = 0
    order: list[int] = []
    finished = asyncio.Event()

    async def work(args: Args) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        order.append(args["number"])
        running -= 1
        if len(order) == 8:
            finished.set()

    tasks = Tasks()
    tasks.add("work", work)
    for number in range(8):
        await defer(database, queue, "work", {"number": number}, lock="session:1")
    async with working(database, tasks, concurrency=4):
        await finished.wait()
    assert most == 1
    assert order == list(range(8))


async def test_many_jobs_deferred_at_once_keep_their_arguments_locks_and_order(
    database: Database, queue: Queue
) -> None:
    order: list[Args] = []
    finished = asyncio.Event()

    async def work(args: Args) -> None:
        order.append(args)
        if len(order) == 8:
            finished.set()

    tasks = Tasks()
    tasks.add("work", work)
    async with database.begin() as session:
        await queue.defer_many(session, "work", [({"number": number}, "one") for number in range(8)])
        await queue.defer_many(session, "work", [])
        assert await queue.at_work(session, ["one", "other"]) == {"one"}
    async with working(database, tasks, concurrency=4):
        await finished.wait()
    assert order == [{"number": number} for number in range(8)]


async def test_jobs_without_a_lock_run_side_by_side(database: Database, queue: Queue) -> None:
    together = asyncio.Barrier(3)

    async def meet(args: Args) -> None:
        await together.wait()

    tasks = Tasks()
    tasks.add("meet", meet)
    for _ in range(3):
        await defer(database, queue, "meet")

    async def empty() -> bool:
        return await jobs(database) == {}

    async with working(database, tasks, concurrency=3):
        await until(empty)


async def test_a_queueing_lock_keeps_one_waiting_job_and_the_callers_transaction(
    database: Database, queue: Queue
) -> None:
    async with database.begin() as session:
        first = await queue.defer(session, "tidy", {}, queueing_lock="tidy")
        second = await queue.defer(session, "tidy", {}, queueing_lock="tidy")
        other = await queue.defer(session, "greet", {})
    assert first is not None
    assert second is None
    assert other is not None
    assert await jobs(database) == {"todo": 2}


async def test_higher_priority_goes_first_and_a_later_date_waits(database: Database, queue: Queue) -> None:
    order: list[str] = []
    finished = asyncio.Event()

    async def note(args: Args) -> None:
        order.append(args["name"])
        if len(order) == 2:
            finished.set()

    tasks = Tasks()
    tasks.add("note", note)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await defer(database, queue, "note", {"name": "tomorrow"}, run_at=tomorrow, priority=9)
    await defer(database, queue, "note", {"name": "ordinary"})
    await defer(database, queue, "note", {"name": "urgent"}, priority=5)
    async with working(database, tasks, concurrency=1):
        await finished.wait()
    assert order == ["urgent", "ordinary"]
    assert await jobs(database) == {"todo": 1}


async def test_a_stopping_worker_finishes_what_it_has_begun(database: Database, queue: Queue) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    done: list[Args] = []

    async def work(args: Args) -> None:
        begun.set()
        await go_on.wait()
        done.append(args)

    tasks = Tasks()
    tasks.add("work", work)
    worker = QueueWorker(database.url, tasks, 1, QUICK)
    running = asyncio.create_task(worker.run())
    await defer(database, queue, "work")
    await begun.wait()
    await defer(database, queue, "work")
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    await running
    assert len(done) == 1
    assert await jobs(database) == {"todo": 1}


async def test_a_job_that_a_stop_cuts_off_runs_again(database: Database, queue: Queue) -> None:
    begun = asyncio.Event()

    async def hang(args: Args) -> None:
        begun.set()
        await asyncio.Event().wait()

    tasks = Tasks()
    tasks.add("hang", hang, attempts=1)
    await defer(database, queue, "hang")
    hurried = Pace(poll_s=0.05, stop_within_s=0.05)
    async with working(database, tasks, pace=hurried):
        await begun.wait()
    assert await jobs(database) == {"todo": 1}


async def test_a_job_over_its_time_limit_fails(database: Database, queue: Queue) -> None:
    async def hang(args: Args) -> None:
        await asyncio.Event().wait()

    tasks = Tasks()
    tasks.add("hang", hang, attempts=1, timeout_s=0.05)
    async with working(database, tasks):
        await defer(database, queue, "hang")

        async def dead() -> bool:
            return bool(await queue.failed())

        await until(dead)
    assert (await queue.failed())[0].reason.startswith("TimeoutError")


@pytest.mark.proves("QUEUE-004")
async def test_a_periodic_task_runs_once_per_period_whatever_the_number_of_workers(
    database: Database,
) -> None:
    turns = asyncio.Semaphore(0)
    running = 0
    overlapped = False

    async def sweep(args: Args) -> None:
        nonlocal running, overlapped
        overlapped |= running > 0
        running += 1
        await asyncio.sleep(0)
        running -= 1
        turns.release()
        raise RuntimeError("a failure does not stop the next turn, nor is it kept")

    def tasks() -> Tasks:
        table = Tasks()
        table.every(1, "sweep", sweep)
        return table

    async with working(database, tasks()), working(database, tasks()):
        for _ in range(2):
            await turns.acquire()
    assert not overlapped
    assert "failed" not in await jobs(database)
    async with database.begin() as session:
        ran = (await session.execute(text("SELECT count(*) FROM procrastinate_periodic_defers"))).scalar_one()
    assert ran == 1  # the last turn's mark; earlier ones are cleared


@pytest.mark.proves("QUEUE-005")
async def test_a_job_belongs_to_the_trace_of_the_request_that_deferred_it(
    database: Database, queue: Queue
) -> None:
    seen: asyncio.Queue[int] = asyncio.Queue()

    async def look(args: Args) -> None:
        assert args == {}
        await seen.put(trace.get_current_span().get_span_context().trace_id)

    tasks = Tasks()
    tasks.add("look", look)
    with TracerProvider().get_tracer("request").start_as_current_span("request") as span:
        await defer(database, queue, "look")
    async with working(database, tasks):
        assert await seen.get() == span.get_span_context().trace_id


async def test_a_worker_survives_the_loss_of_its_connections(database: Database, queue: Queue) -> None:
    done: asyncio.Queue[int] = asyncio.Queue()

    async def work(args: Args) -> None:
        await done.put(args["number"])

    tasks = Tasks()
    tasks.add("work", work)
    cut = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND application_name <> 'tests'"
    )
    async with working(database, tasks):
        await defer(database, queue, "work", {"number": 1})
        assert await done.get() == 1
        async with database.begin() as session:
            await session.execute(cut)
        await defer(database, queue, "work", {"number": 2})
        # The first one comes again where its end could not be told any more: at least once.
        while (number := await done.get()) != 2:
            assert number == 1


def test_two_tasks_cannot_share_a_name() -> None:
    async def nothing(args: Args) -> None: ...

    tasks = Tasks()
    tasks.add("tidy", nothing)
    with pytest.raises(ValueError, match="tidy"):
        tasks.every(5, "tidy", nothing)


@pytest.mark.proves("QUEUE-001")
async def test_a_queue_of_another_name_is_another_workers_business(database: Database) -> None:
    theirs, ours = Queue(database), Queue(database, "contact")
    done: asyncio.Queue[str] = asyncio.Queue()
    tasks = Tasks()

    async def note(args: Args) -> None:
        done.put_nowait(args["whose"])

    async def fail(args: Args) -> None:
        raise GiveUp("never")

    tasks.add("note", note)
    tasks.add("fail", fail)
    await defer(database, theirs, "note", {"whose": "theirs"})
    await defer(database, theirs, "fail", {})
    worker = QueueWorker(database.url, tasks, 2, QUICK, name="contact")
    running = asyncio.create_task(worker.run())
    await defer(database, ours, "note", {"whose": "ours"})
    assert await done.get() == "ours"
    await defer(database, ours, "fail", {})
    await until(lambda: _has_dead_letter(ours))
    await worker.stop()
    await running
    assert done.empty()
    assert await jobs(database) == {"todo": 2, "failed": 1}
    assert await theirs.failed() == []


async def _has_dead_letter(queue: Queue) -> bool:
    return bool(await queue.failed())


async def test_a_waiting_job_can_be_withdrawn_by_its_lock(database: Database, queue: Queue) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    await defer(database, queue, "note", {}, queueing_lock="one", run_at=later)
    async with database.begin() as session:
        await Queue(database, "contact").withdraw(session, "one")
    assert await jobs(database) == {"todo": 1}
    async with database.begin() as session:
        await queue.withdraw(session, "one")
    assert await jobs(database) == {}
