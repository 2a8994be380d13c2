"""Workers that are killed in the middle of a run, through the real queue."""

import asyncio
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from platform_api.app import PlatformPorts
from platform_api.library.models import DocumentRow, SourceRunRow
from ports.queue import Pace, QueueWorker
from tests.knowledge.gather.site import TestSite
from tests.platform_api.library.source_worker import tasks_of
from tests.platform_api.library.sources import add, with_sources
from tests.platform_api.library.steps import base_of, listed
from tests.platform_api.people import People

ROOT = Path(__file__).parents[3]
QUICK = Pace(poll_s=0.05, heartbeat_s=0.2, lost_after_s=2.0)
FILES = 60


@pytest.fixture
def files(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for number in range(FILES):
        (folder / f"page-{number:02}.md").write_text(f"# Page {number}\n\nBoat {number} leaves at six.\n")
    return folder


@pytest.fixture
def ports(ports: PlatformPorts, files: Path) -> PlatformPorts:
    return with_sources(ports, TestSite(), files)


@contextmanager
def worker_process(ports: PlatformPorts, blobs: Path, files: Path) -> Generator[None]:
    """Killed at the end."""
    module = "tests.platform_api.library.source_worker"
    command = [sys.executable, "-m", module, ports.database.url, str(blobs), str(files)]
    process = subprocess.Popen(command, cwd=ROOT)
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def documents(ports: PlatformPorts) -> int:
    async with ports.database.begin() as session:
        return await session.scalar(select(func.count()).select_from(DocumentRow)) or 0


async def ended(ports: PlatformPorts) -> SourceRunRow | None:
    async with ports.database.begin() as session:
        return await session.scalar(select(SourceRunRow).where(SourceRunRow.finished_at.is_not(None)))


@pytest.mark.full
@pytest.mark.timeout(300)
@pytest.mark.proves("SOURCE-007")
async def test_a_run_whose_worker_is_killed_three_times_takes_each_file_once(
    people: People, ports: PlatformPorts, files: Path, tmp_path: Path
) -> None:
    base = await base_of(people.ada)
    source = await add(people.ada, base, "folder", path=str(files))
    for enough in (5, 25, 45):
        with worker_process(ports, tmp_path / "blobs", files):
            while await documents(ports) < enough:
                await asyncio.sleep(0.02)
        assert await ended(ports) is None
    last = QueueWorker(ports.database.url, tasks_of(ports.database, tmp_path / "blobs", files), 2, QUICK)
    running = asyncio.create_task(last.run())
    while await ended(ports) is None:
        await asyncio.sleep(0.1)
    await last.stop()
    await running
    assert await documents(ports) == FILES
    run = (await source.runs())[0]
    assert run["status"] == "succeeded"
    assert run["counts"]["success"] + run["counts"]["unchanged"] == FILES
    assert run["counts"]["removed"] == run["counts"]["failed"] == 0
    assert {one["version"] for one in await listed(people.ada, base)} == {1}
