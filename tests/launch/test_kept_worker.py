"""A worker that ends by itself is started again; one that always does is told of."""

import asyncio

import pytest

from launch.kept_worker import KeptWorker, WorkerGone


class Ends:
    """A worker that works until it is stopped, or ends at once with an error."""

    def __init__(self, *, well: bool) -> None:
        self._well = well
        self.running = asyncio.Event()
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        self.running.set()
        if not self._well:
            raise OSError("no memory")
        await self._stopped.wait()

    async def stop(self) -> None:
        self._stopped.set()


async def test_a_worker_that_ended_is_replaced_by_another_one() -> None:
    made = [Ends(well=False), Ends(well=True)]
    waiting = iter(made)
    kept = KeptWorker(lambda: next(waiting), pause_s=0)
    running = asyncio.create_task(kept.run())
    await made[1].running.wait()
    await kept.stop()
    await running


async def test_a_worker_that_always_ends_is_told_of() -> None:
    kept = KeptWorker(lambda: Ends(well=False), pause_s=0)
    with pytest.raises(WorkerGone):
        await kept.run()


async def test_stopping_ends_the_wait_for_the_next_worker() -> None:
    first = Ends(well=False)
    kept = KeptWorker(lambda: first, pause_s=3600)
    running = asyncio.create_task(kept.run())
    await first.running.wait()
    await kept.stop()
    await running
