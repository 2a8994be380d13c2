"""What broken tool servers do to the calls of others (SPEC 9, SPEC 14).

Calls of a good tool, one after another, while others call broken servers. The broken servers and who calls
them are processes of their own that run at the lowest priority: elsewhere they would be other machines, and
here they would take the two cores from the gateway and from whoever measures.

A gateway that answers two hundred other calls a second is slower than one that answers none, broken
servers or not. So each kind is held against as many callers of a server that is well ("calm"), in the same
round: that is what being broken costs others. What the company costs at all stands beside it (`alone`).
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from subprocess import Popen

from tests.bench.gateway_abuse import BROKEN, CALLERS, CALM
from tests.bench.gateway_processes import CALL, Child, asked, credential, stateless
from tests.bench.gateway_roles import LIMIT
from tests.bench.processes import pss_kb
from tools.gateway.upstreams.http1 import Http1Client

_SETTLED_S = 0.3
_WITHOUT_END = ("hanging", "dripping")
"""Whose callers wait and make no calls meanwhile: what they are held against has no callers at all."""


@dataclass(frozen=True)
class Company:
    """Who calls beside the one who measures."""

    name: str
    callers: Mapping[str, int]
    held_against: str


@dataclass(frozen=True)
class Stay:
    p50_ms: float
    p95_ms: float
    gateway_ms_per_s: float
    """CPU of the gateway, per second."""
    calls_per_s: float
    """Of the others."""


def companies() -> list[Company]:
    returning = [kind for kind in BROKEN if kind not in _WITHOUT_END]
    calm, all_calm = f"{CALM} {CALLERS}", f"{CALM} {CALLERS * len(returning)}"
    single = [Company(kind, {kind: CALLERS}, "alone" if kind in _WITHOUT_END else calm) for kind in BROKEN]
    return [
        Company("alone", {}, "alone"),
        Company(calm, {CALM: CALLERS}, calm),
        *single,
        Company(all_calm, {CALM: CALLERS * len(returning)}, all_calm),
        Company("all six", dict.fromkeys(BROKEN, CALLERS), all_calm),
    ]


async def isolation(gateway: Child, abusers: Popen[str], calls: int, rounds: int) -> None:
    signed_in = await credential(gateway)
    await _calling(abusers, {**dict.fromkeys(BROKEN, CALLERS), CALM: 1})
    # the first failures of each kind are over before anything is measured
    await asyncio.sleep(2)
    stays: dict[str, list[Stay]] = {}
    for _ in range(rounds):
        for company in companies():
            await _calling(abusers, company.callers)
            await asyncio.sleep(_SETTLED_S)
            signed_in = await credential(gateway)
            stay = await _stay(gateway, abusers, company, signed_in, calls)
            stays.setdefault(company.name, []).append(stay)
    _show(stays)
    print(f"memory of the gateway: {pss_kb(gateway.pid) / 1024:.0f} MB")
    print("how the abused calls ended:", (await asked(gateway, b"", {}, "/ended")).body.decode())


async def _stay(
    gateway: Child, abusers: Popen[str], company: Company, signed_in: Mapping[str, str], calls: int
) -> Stay:
    headers, body = stateless("tools/call", CALL, "echo.say")
    client = Http1Client(f"{gateway.url}/mcp", LIMIT)
    await _calling(abusers, company.callers)
    took: list[float] = []
    before, start = gateway.cpu_s(), time.perf_counter()
    for _ in range(calls):
        began = time.perf_counter()
        answer = await client.call(body, {**headers, **signed_in})
        took.append((time.perf_counter() - began) * 1e3)
        if answer.status != 200:
            raise SystemExit(f"beside {company.name}: {answer.status} {answer.body[:200]!r}")
        await asyncio.sleep(0.002)
    lasted, cpu = time.perf_counter() - start, gateway.cpu_s() - before
    await client.close()
    took.sort()
    ended = await _calling(abusers, {})
    return Stay(took[calls // 2], took[calls * 95 // 100], cpu * 1e3 / lasted, ended / lasted)


async def _calling(abusers: Popen[str], callers: Mapping[str, int]) -> int:
    """From now on. How many calls ended until now."""
    assert abusers.stdin
    assert abusers.stdout
    abusers.stdin.write(" ".join(f"{count}x{kind}" for kind, count in callers.items()) + "\n")
    abusers.stdin.flush()
    return int(await asyncio.to_thread(abusers.stdout.readline))


def _show(stays: Mapping[str, list[Stay]]) -> None:
    print(f"\n{'':12}{'':24}{'p95 ×':>16}{'p50 ×':>16}{'gateway':>10}{'others':>9}")
    print(
        f"{'beside':12}{'held against':12}{'p50 ms':>8}{'p95 ms':>8}"
        f"{'that':>8}{'alone':>8}{'that':>8}{'alone':>8}{'CPU ms/s':>10}{'calls/s':>9}"
    )
    for company in companies():
        mine, others = stays[company.name], [stays[name] for name in (company.held_against, "alone")]
        values = [statistics.median(of(stay) for stay in mine) for of in (_p50, _p95)]
        ratios = [_ratio(mine, other, of) for of in (_p95, _p50) for other in others]
        spent = statistics.median(stay.gateway_ms_per_s for stay in mine)
        ended = statistics.median(stay.calls_per_s for stay in mine)
        print(
            f"{company.name:12}{company.held_against:12}"
            + "".join(f"{value:8.2f}" for value in values + ratios)
            + f"{spent:10.0f}{ended:9.0f}"
        )
    print("(goal: p95 1.2 times what it is held against; medians over the rounds, ratios within each)")


def _p50(stay: Stay) -> float:
    return stay.p50_ms


def _p95(stay: Stay) -> float:
    return stay.p95_ms


def _ratio(mine: list[Stay], others: list[Stay], of: Callable[[Stay], float]) -> float:
    """Round by round: what a round's neighbours take from it, they take from both."""
    return statistics.median(of(a) / of(b) for a, b in zip(mine, others, strict=True))
