"""How much may be asked for: rates and budgets, counted in Redis, all in one round trip (SPEC 11).

A rate slides: what counts is this window so far, and of the one before the share that still lies within
the last `window_ms`. A budget belongs to its window (a day in UTC) and begins anew with the next. A call
counts either everywhere or, where one bound refuses it, nowhere. While Redis does not answer, each process
counts by itself: neither open nor closed.

All keys of a room carry one hash tag, since a cluster runs a script only where all its keys are in one slot.
"""

import time
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address
from math import floor
from typing import Protocol, cast

import structlog
from prometheus_client import Counter, Gauge

from kit.clock import Clock, epoch
from ports.redis.scripts import Packed, ScriptRunner, ScriptUnavailable
from ports.redis.settings import RedisSettings

MINUTE_MS = 60_000
DAY_MS = 86_400_000
_REMEMBERED = 10_000
_log = structlog.get_logger()
_degraded = Gauge(
    "switchboard_limits_degraded", "1 while limits are counted by this process alone.", ["room"]
)
_local_runs = Counter("switchboard_limited_locally_total", "Counted by this process alone.", ["room"])

SCRIPT = """
local now = tonumber(ARGV[#ARGV])
local kept, looked, values = {}, {0, 0}, redis.call('MGET', unpack(KEYS))
for i = 1, #KEYS do
  local most, window = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2])
  local amount, slides = tonumber(ARGV[4 * i - 1]), ARGV[4 * i] == '1'
  local at = math.floor(now / window)
  local w, count, before = at, 0, 0
  if values[i] then
    w, count, before = string.match(values[i], '^(%d+):(%d+):(%d+)$')
    w, count, before = tonumber(w) or at, tonumber(count) or 0, tonumber(before) or 0
    if at > w then
      before = (at == w + 1) and count or 0
      w, count = at, 0
    end
  end
  local left = (at < w) and window or (window - now % window)
  local held = slides and before * left / window or 0
  if count + held + amount > most then
    local wait = left
    if slides and count + amount <= most and before > 0 then
      wait = left - (most - count - amount) * window / before
    elseif slides and count > 0 and amount <= most then
      wait = left + math.max(0, window - (most - amount) * window / count)
    end
    return {i, math.ceil(wait)}
  end
  if amount == 0 then
    looked[#looked + 1] = math.floor(most - count - held)
  end
  kept[i] = {w .. ':' .. (count + amount) .. ':' .. before, 2 * window}
end
for i = 1, #KEYS do
  redis.call('SET', KEYS[i], kept[i][1], 'PX', kept[i][2])
end
return looked
"""


@dataclass(frozen=True, slots=True)
class Bound:
    """At most `most` of `amount`s within `window_ms`; `whose` is an id of what it is counted for."""

    kind: str
    whose: str
    most: int
    window_ms: int = MINUTE_MS
    amount: int = 1
    slides: bool = True

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.whose}"


@dataclass(slots=True, eq=False)
class Bounds:
    """All that bound one call; worth keeping for the next like it, with what the limiter makes of them."""

    each: tuple[Bound, ...]
    packed: Packed | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """`refused_by` None: the call was counted. `wait_s`: until it could be."""

    refused_by: Bound | None = None
    wait_s: float = 0.0


FREE = Taken()


class Limiter(Protocol):
    async def take(self, bounds: Bounds) -> Taken:
        """Count one call against all of them, or against none."""
        ...

    async def left(self, bounds: Bounds) -> list[int]:
        """What could still be taken of each now; nothing is counted."""
        ...


class LocalLimiter:
    """The same by this process alone: what holds while Redis is away, and where there is none."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._counts: dict[str, tuple[int, int, int]] = {}

    async def take(self, bounds: Bounds) -> Taken:
        now = int(self._clock.now().timestamp() * 1000)
        kept: list[tuple[str, tuple[int, int, int]]] = []
        for bound in bounds.each:
            window, count, before = self._count(bound, now)
            left = bound.window_ms - now % bound.window_ms
            held = before * left / bound.window_ms if bound.slides else 0
            if count + held + bound.amount > bound.most:
                return Taken(bound, _wait_ms(bound, count, before, left) / 1000)
            kept.append((bound.key, (window, count + bound.amount, before)))
        if len(self._counts) > _REMEMBERED:
            self._forget(now)
        self._counts.update(kept)
        return FREE

    async def left(self, bounds: Bounds) -> list[int]:
        now = int(self._clock.now().timestamp() * 1000)
        return [self._left(bound, now) for bound in bounds.each]

    def _left(self, bound: Bound, now: int) -> int:
        _, count, before = self._count(bound, now)
        share = before * (bound.window_ms - now % bound.window_ms) / bound.window_ms if bound.slides else 0
        return max(0, floor(bound.most - count - share))

    def _count(self, bound: Bound, now: int) -> tuple[int, int, int]:
        at = now // bound.window_ms
        window, count, before = self._counts.get(bound.key, (at, 0, 0))
        if at > window:
            return at, 0, count if at == window + 1 else 0
        return window, count, before

    def _forget(self, now: int) -> None:
        """Of minutes that are over; days have other numbers and stay."""
        minute = now // MINUTE_MS
        self._counts = {
            key: kept for key, kept in self._counts.items() if kept[0] < MINUTE_MS or kept[0] >= minute - 1
        }


class SharedLimiter:
    """In Redis, exact over all replicas; by `local` while Redis does not answer: neither open nor closed."""

    def __init__(self, runner: ScriptRunner, local: Limiter, clock: Clock, room: str) -> None:
        """room: whose limits these are; two rooms never count together."""
        self._runner = runner
        self._tag = f"{{{room}}}"
        self._degraded = _degraded.labels(room)
        self._local_runs = _local_runs.labels(room)
        self._local = local
        self._now = epoch(clock)
        self._since: float | None = None

    async def take(self, bounds: Bounds) -> Taken:
        now = int(self._now() * 1000)
        try:
            packed = bounds.packed or self._pack(bounds)
            answer = await self._runner.sent(packed, now)
            if isinstance(answer, Exception):
                answer = await self._runner.again(packed, now, answer)
            index, wait_ms, *_ = cast(list[int], answer)
        except ScriptUnavailable:
            self._note(away=True)
            return await self._local.take(bounds)
        if self._since is not None:
            self._note(away=False)
        return Taken(bounds.each[index - 1], wait_ms / 1000) if index else FREE

    async def left(self, bounds: Bounds) -> list[int]:
        try:
            # One by one: of several, one that is used up would hide the others.
            return [await self._left(replace(bound, amount=0)) for bound in bounds.each]
        except ScriptUnavailable:
            return await self._local.left(bounds)

    async def _left(self, looked_at: Bound) -> int:
        packed = self._pack(Bounds((looked_at,)))
        answer = cast(list[int], await self._runner.run(packed, int(self._now() * 1000)))
        return max(0, answer[2]) if len(answer) > 2 else 0

    def _pack(self, bounds: Bounds) -> Packed:
        arguments = [word for bound in bounds.each for word in _arguments(bound)]
        bounds.packed = self._runner.packed([self._tag + bound.key for bound in bounds.each], arguments)
        return bounds.packed

    def _note(self, *, away: bool) -> None:
        if away:
            self._local_runs.inc()
        if away == (self._since is not None):
            return
        self._degraded.set(away)
        if away:
            self._since = time.monotonic()
            _log.warning("limits.counted_locally", room=self._tag, hint="Look at Redis.")
        elif self._since is not None:
            after_s = round(time.monotonic() - self._since, 1)
            _log.warning("limits.counted_in_redis", room=self._tag, after_s=after_s)
            self._since = None


def _arguments(bound: Bound) -> tuple[int, int, int, int]:
    return bound.most, bound.window_ms, bound.amount, int(bound.slides)


def _wait_ms(bound: Bound, count: int, before: int, left: int) -> float:
    """Until the share of the window before has become small enough, in this window or in the next."""
    if bound.slides and count + bound.amount <= bound.most and before:
        return left - (bound.most - count - bound.amount) * bound.window_ms / before
    if bound.slides and count and bound.amount <= bound.most:
        return left + max(0.0, bound.window_ms - (bound.most - bound.amount) * bound.window_ms / count)
    return left


class Limits:
    """Where limits are counted: in Redis where there is one, else here. `start` before use."""

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


def open_limits(redis_url: str | None, clock: Clock, room: str, deadline_s: float | None = None) -> Limits:
    """`redis_url` None: one process with its own counts. `deadline_s`: as set for Redis."""
    local = LocalLimiter(clock)
    if redis_url is None:
        return Limits(local, None)
    within = RedisSettings().timeout_ms / 1000 if deadline_s is None else deadline_s
    runner = ScriptRunner(redis_url, SCRIPT, deadline_s=within)
    return Limits(SharedLimiter(runner, local, clock, room), runner)


def address_of(client: tuple[str, int] | None) -> str:
    """By which a caller is counted of whom nothing else is known; `client` as in an ASGI scope."""
    host = (client or ("unknown", 0))[0]
    try:
        found = ip_address(host)
    except ValueError:
        return host
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        # whoever has one address has all 2^64 of its network
        return str(IPv6Address(int(found) >> 64 << 64))
    return host
