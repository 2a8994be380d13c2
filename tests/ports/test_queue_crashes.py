"""Workers that are killed: nothing is lost, and a job that kills its worker does not do so for ever."""

import asyncio
import random
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from ports.db import Database
from ports.queue import Pace, Queue, QueueWorker, Tasks
from tests.ports.worker_process import tasks_of

ROOT = Path(__file__).parents[2]
QUICK = Pace(poll_s=0.05, heartbeat_s=0.2, lost_after_s=2.0)


@contextmanager
def worker_process(database: Database) -> Generator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "tests.ports.worker_process", database.url]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
async def noted(database: Database) -> Database:
    async with database.begin() as session:
        await session.execute(text("CREATE TABLE noted (number int)"))
    return database


async def numbers(database: Database) -> list[int]:
    async with database.begin() as session:
        return list((await session.execute(text("SELECT number FROM noted ORDER BY 1"))).scalars())


async def defer(database: Database, task: str, number: int) -> None:
    async with database.begin() as session:
        await Queue(database).defer(session, task, {"number": number}, lock=f"{task}:{number}")


async def waiting(database: Database) -> int:
    async with database.begin() as session:
        jobs = text("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")
        return (await session.execute(jobs)).scalar_one()


async def work_until_done(database: Database, tasks: Tasks) -> None:
    worker = QueueWorker(database.url, tasks, 4, QUICK)
    running = asyncio.create_task(worker.run())
    while await waiting(database):
        await asyncio.sleep(0.02)
    await worker.stop()
    await running


@pytest.mark.proves("QUEUE-003")
async def test_a_job_of_a_killed_worker_is_done_by_another(noted: Database) -> None:
    with worker_process(noted) as process:
        await defer(noted, "hang", 1)
        while not await numbers(noted):
            await asyncio.sleep(0.02)
        process.kill()
        process.wait()

    async def finish(args: dict[str, int]) -> None:
        async with noted.begin() as session:
            await session.execute(text("INSERT INTO noted VALUES (:number + 1)"), args)

    tasks = Tasks()
    tasks.add("hang", finish)
    await work_until_done(noted, tasks)
    assert await numbers(noted) == [1, 2]
    assert await Queue(noted).failed() == []


@pytest.mark.proves("QUEUE-003")
async def test_a_living_worker_is_not_robbed(noted: Database) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    runs = 0

    async def slow(args: dict[str, int]) -> None:
        nonlocal runs
        runs += 1
        begun.set()
        await go_on.wait()

    def tasks() -> Tasks:
        table = Tasks()
        table.add("slow", slow)
        return table

    workers = [QueueWorker(noted.url, tasks(), 2, QUICK) for _ in range(2)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    await defer(noted, "slow", 1)
    await begun.wait()
    # Longer than a worker without heartbeat would keep its job.
    await asyncio.sleep(QUICK.lost_after_s * 1.5)
    go_on.set()
    await asyncio.gather(*(worker.stop() for worker in workers))
    await asyncio.gather(*running)
    assert runs == 1


async def test_a_job_that_kills_its_worker_every_time_ends_as_a_dead_letter(noted: Database) -> None:
    await defer(noted, "die", 1)
    for _ in range(2):
        with worker_process(noted) as process:
            await asyncio.to_thread(process.wait)
    await work_until_done(noted, tasks_of(noted))
    (letter,) = await Queue(noted).failed()
    assert (letter.task, letter.reason) == ("die", "The worker that ran it was lost.")


@pytest.mark.proves("JOBS-002")
async def test_a_killed_worker_is_noticed_by_its_connection_long_before_its_heartbeat_is_missed(
    noted: Database,
) -> None:
    await defer(noted, "hang", 1)
    with worker_process(noted) as process:
        while await numbers(noted) == []:
            await asyncio.sleep(0.05)
        process.kill()
        process.wait()
        patient = Pace(poll_s=0.05, look_s=0.05, heartbeat_s=600, lost_after_s=3600, stop_within_s=0.1)
        worker = QueueWorker(noted.url, tasks_of(noted), 4, patient)
        running = asyncio.create_task(worker.run())
        while len(await numbers(noted)) < 2:
            await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert await numbers(noted) == [1, 1]


@pytest.mark.full
@pytest.mark.timeout(300)
@pytest.mark.proves("QUEUE-003")
async def test_two_hundred_jobs_survive_ten_kills(noted: Database) -> None:
    for number in range(200):
        await defer(noted, "note", number)
    chance = random.Random(7)
    for _ in range(10):
        with worker_process(noted):
            enough = min(200, len(await numbers(noted)) + chance.randint(1, 25))
            while len(await numbers(noted)) < enough:
                await asyncio.sleep(0.05)
    await work_until_done(noted, tasks_of(noted))
    assert set(await numbers(noted)) == set(range(200))
    assert await Queue(noted).failed() == []
