"""How calls ended and how long they took, for /metrics: counted on the path of every call.

prometheus_client's own counters take a lock for each number, four to a call. All calls belong to one event
loop, so plain numbers do; whoever reads them for a page sees each of them whole.
"""

from bisect import bisect_left
from collections.abc import Iterator

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, float("inf"))
"""Seconds; prometheus_client's own."""
_SHOWN = tuple("+Inf" if bound == float("inf") else repr(bound) for bound in _BOUNDS)


class _Took:
    __slots__ = ("buckets", "seconds")

    def __init__(self) -> None:
        self.buckets = [0] * len(_BOUNDS)
        self.seconds = 0.0


class Tallies(Collector):
    def __init__(self) -> None:
        self._ended: dict[tuple[str, str, str], int] = {}
        self._took: dict[tuple[str, str], _Took] = {}

    def ended(self, server: str, tool: str, outcome: str, took_s: float) -> None:
        key = (server, tool, outcome)
        self._ended[key] = self._ended.get(key, 0) + 1
        took = self._took.get((server, tool))
        if took is None:
            took = self._took[server, tool] = _Took()
        took.buckets[bisect_left(_BOUNDS, took_s)] += 1
        took.seconds += took_s

    def describe(self) -> Iterator[Metric]:
        yield from _families()

    def collect(self) -> Iterator[Metric]:
        calls, seconds = _families()
        for labels, count in list(self._ended.items()):
            calls.add_metric(labels, count)
        for labels, took in list(self._took.items()):
            seconds.add_metric(labels, _cumulative(list(took.buckets)), took.seconds)
        yield from (calls, seconds)


def _families() -> tuple[CounterMetricFamily, HistogramMetricFamily]:
    return (
        CounterMetricFamily(
            "switchboard_gateway_calls", "Tool calls by how they ended.", labels=("server", "tool", "outcome")
        ),
        HistogramMetricFamily(
            "switchboard_gateway_call_seconds", "How long tool calls took.", labels=("server", "tool")
        ),
    )


def _cumulative(buckets: list[int]) -> list[tuple[str, float]]:
    count, shown = 0, list[tuple[str, float]]()
    for bound, more in zip(_SHOWN, buckets, strict=True):
        count += more
        shown.append((bound, count))
    return shown


TALLIES = Tallies()
REGISTRY.register(TALLIES)
