"""Where limits are counted: in Redis where there is one, else here."""

from kit.clock import Clock
from ports.redis import RedisSettings
from ports.redis.scripts import ScriptRunner
from tools.gateway.limits import SCRIPT, Limiter, LocalLimiter, SharedLimiter


class Limits:
    """`start` before use."""

    def __init__(self, limiter: Limiter, runner: ScriptRunner | None) -> None:
        self.limiter = limiter
        self._runner = runner

    async def start(self) -> None:
        """Waits a second at most for Redis; limits are counted here until it answers."""
        if self._runner is not None:
            await self._runner.start()

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.close()


def open_limits(redis_url: str | None, clock: Clock, deadline_s: float | None = None) -> Limits:
    """`redis_url` None: one process with its own counts. `deadline_s`: as set for Redis."""
    local = LocalLimiter(clock)
    if redis_url is None:
        return Limits(local, None)
    within = RedisSettings().timeout_ms / 1000 if deadline_s is None else deadline_s
    runner = ScriptRunner(redis_url, SCRIPT, deadline_s=within)
    return Limits(SharedLimiter(runner, local, clock), runner)
