"""The worker in tests: runs what is queued when it is told to, with the platform's own handlers."""

from typing import Any

from sqlalchemy import text

from platform_api.app import PlatformPorts
from platform_api.worker import build_tasks
from ports.queue.queue import TRACE

_TAKE = text(
    "UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = (SELECT min(id) FROM procrastinate_jobs"
    " WHERE status = 'todo') RETURNING task_name, args"
)


class Work:
    """One job after the other, without waiting for a poll; tests/ports proves the real worker."""

    def __init__(self, ports: PlatformPorts) -> None:
        self.ports = ports
        self._tasks = build_tasks(ports)

    async def finish(self) -> int:
        """Run all that is queued; how many jobs that was."""
        count = 0
        while job := await self.take():
            await self.run(*job)
            count += 1
        return count

    async def take(self) -> tuple[str, dict[str, Any]] | None:
        """The oldest waiting job, as if a worker had fetched it."""
        async with self.ports.database.begin() as session:
            row = (await session.execute(_TAKE)).first()
        if row is None:
            return None
        return row.task_name, {name: value for name, value in row.args.items() if name != TRACE}

    async def run(self, task: str, args: dict[str, Any]) -> None:
        known = self._tasks.get(task)
        assert known is not None, f"no worker knows {task}"
        await known.handler(args)

    async def bury(self, task: str, args: dict[str, Any], reason: str) -> None:
        """Tell the task that no attempt follows, as a worker does after the last one."""
        known = self._tasks.get(task)
        assert known is not None, f"no worker knows {task}"
        assert known.dead is not None, f"{task} does not want to know"
        await known.dead(args, reason)
