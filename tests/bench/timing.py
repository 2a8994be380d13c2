"""Calls measured side by side: each query goes through all of them, so that noise meets them alike."""

import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.evals.metrics import mean, percentile

Call = Callable[[str], Awaitable[Any]]
_WARM_UP = 20


@dataclass(frozen=True, slots=True)
class Measured:
    """In ms; cpu: processor time of the whole process per call."""

    p50: float
    p95: float
    cpu: float

    def over(self, other: "Measured") -> str:
        return (
            f"p50 {self.p50 / other.p50:.2f}, p95 {self.p95 / other.p95:.2f}, CPU {self.cpu / other.cpu:.2f}"
        )


async def side_by_side(calls: Mapping[str, Call], queries: Sequence[str]) -> dict[str, Measured]:
    for query in queries[:_WARM_UP]:
        for call in calls.values():
            await call(query)
    times: dict[str, list[float]] = {name: [] for name in calls}
    processor: dict[str, list[float]] = {name: [] for name in calls}
    order, rng = list(calls), random.Random(1)
    for query in queries:
        rng.shuffle(order)
        for name in order:
            begun, spent = time.perf_counter(), time.process_time()
            await calls[name](query)
            processor[name].append((time.process_time() - spent) * 1000)
            times[name].append((time.perf_counter() - begun) * 1000)
    return {name: measured(times[name], processor[name]) for name in calls}


def measured(times: Sequence[float], processor: Sequence[float]) -> Measured:
    return Measured(percentile(times, 0.5), percentile(times, 0.95), mean(processor))


def show(rows: Mapping[str, Measured]) -> None:
    for name, row in rows.items():
        print(
            f"  {name:<48} p50 {row.p50:8.2f} ms   p95 {row.p95:8.2f} ms   CPU {row.cpu:8.2f} ms", flush=True
        )
