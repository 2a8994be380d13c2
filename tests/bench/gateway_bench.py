"""What a tools/call costs in the gateway with every policy on, against doing without (SPEC 14).

`make bench-gateway` prints, at 1, 16 and 64 calls at once: CPU of the process in the middle per call,
calls per second, p50 and p99; for a direct call, a policy-free relay (uvicorn + aiohttp), the gateway in
both eras of MCP, and the proxies that the MCP SDK and FastMCP make. All in one run, interleaved, so that a
noisy machine is noisy for all. Then: listing 1,000 tools of 50 servers, the memory of 5,000 idle sessions,
and what six kinds of broken servers do to the others.

The upstream is a bare asyncio protocol in a process of its own; every process in the middle is one uvicorn
worker with uvloop and httptools. 10 % of traces are recorded and exported.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from kit.wire import mcp
from launch.engines import start_valkey
from tests.bench.gateway_isolation import isolation
from tests.bench.gateway_processes import (
    CALL,
    CLIENT,
    FASTMCP,
    Child,
    abusers,
    asked,
    child,
    credential,
    fastmcp,
    stateless,
)
from tests.bench.gateway_roles import LIMIT
from tests.bench.processes import pss_kb
from tests.engines import engine_folder
from tools.gateway.upstreams.http1 import Http1Client

AT_ONCE = (1, 16, 64)
FOREIGN_ROUNDS = 3
"""Proxies of others take a hundred times as long, and nothing hangs on their second digit."""
_WARM = 4
WITHOUT_FASTMCP = "FastMCP's proxy is left out: scripts/install_node_tools.sh gets it"


@dataclass(frozen=True)
class Run:
    cpu_us: float
    per_s: float
    p50_ms: float
    p99_ms: float


@dataclass
class Subject:
    """Whom the calls go to, and how they look."""

    name: str
    child: Child
    headers: dict[str, str]
    body: bytes
    path: str = "/mcp"
    signs_in_at: Child | None = None
    """Tokens live for a minute: each round asks for a new one."""
    share: float = 1.0
    """Of the calls of a round: a slow one is measured with fewer."""
    runs: dict[int, list[Run]] = field(default_factory=dict[int, list[Run]])


async def load(subject: Subject, calls: int, at_once: int) -> Run:
    client = Http1Client(subject.child.url + subject.path, LIMIT, connections=at_once)
    took: list[float] = []

    async def caller(count: int) -> None:
        for _ in range(count):
            began = time.perf_counter()
            answer = await client.call(subject.body, subject.headers)
            took.append(time.perf_counter() - began)
            if answer.status != 200 or b'"text":"t' not in answer.body.replace(b": ", b":"):
                raise SystemExit(f"{subject.name}: {answer.status} {answer.body[:500]!r}")

    await asyncio.gather(*(caller(_WARM if subject.share == 1 else 1) for _ in range(at_once)))
    took.clear()
    before, began = subject.child.cpu_s(), time.perf_counter()
    await asyncio.gather(*(caller(calls // at_once) for _ in range(at_once)))
    wall, cpu = time.perf_counter() - began, subject.child.cpu_s() - before
    await client.close()
    took.sort()
    return Run(
        cpu / len(took) * 1e6, len(took) / wall, took[len(took) // 2] * 1e3, took[len(took) * 99 // 100] * 1e3
    )


async def measure(subjects: list[Subject], calls: int, rounds: int) -> None:
    """Each round goes through all of them at each number of calls at once, beginning with another one."""
    for number in range(rounds):
        turned = subjects[number % len(subjects) :] + subjects[: number % len(subjects)]
        for at_once in AT_ONCE:
            for subject in turned:
                if subject.share < 1 and number >= FOREIGN_ROUNDS:
                    continue
                some = max(at_once, int(calls * subject.share))
                if subject.signs_in_at is not None:
                    subject.headers |= await credential(subject.signs_in_at)
                subject.runs.setdefault(at_once, []).append(await load(subject, some, at_once))


def middle(subject: Subject, at_once: int, what: Callable[[Run], float]) -> float:
    return statistics.median(what(run) for run in subject.runs[at_once])


def table(subjects: list[Subject]) -> dict[str, dict[int, dict[str, float]]]:
    """Printed, and returned for machines."""
    by_name = {subject.name: subject for subject in subjects}
    report: dict[str, dict[int, dict[str, float]]] = {}
    titles = (
        f"{'CPU µs/call':>13}{'× relay':>9}{'half of them':>14}{'calls/s':>9}{'p50 ms':>10}{'p99 ms':>10}"
    )
    print(f"{'':24}{'at once':>8}{titles}")
    for at_once in AT_ONCE:
        for subject in subjects:
            cpu = middle(subject, at_once, lambda run: run.cpu_us)
            # pair by pair: what a round's neighbours take from it, they take from both
            pairs = zip(subject.runs[at_once], by_name["relay"].runs[at_once], strict=False)
            ratios = [ours.cpu_us / theirs.cpu_us for ours, theirs in pairs]
            low, ratio, high = quartiles(ratios)
            rest = [middle(subject, at_once, what) for what in (_per_s, _p50, _p99)]
            shown = "" if subject.name == "direct" else f"{ratio:.2f}"
            half = f"{low:.2f} to {high:.2f}" if shown else ""
            print(
                f"{subject.name:24}{at_once:8}{cpu:13.0f}{shown:>9}{half:>14}"
                f"{rest[0]:9.0f}{rest[1]:10.2f}{rest[2]:10.2f}"
            )
            spread = {"ratio": ratio, "low": low, "high": high}
            kept = {"cpu_us": cpu, **spread, "per_s": rest[0], "p50_ms": rest[1], "p99_ms": rest[2]}
            rounded = {name: round(value, 3) for name, value in kept.items()}
            report.setdefault(subject.name, {})[at_once] = rounded
        print()
    direct = by_name["direct"]
    added = [f"{name} {_added(by_name[name], direct):.2f}" for name in ("gateway 2026-07-28", "relay")]
    print(f"added to p50, alone, ms: {', '.join(added)} (goal 0.5)")
    return report


def quartiles(ratios: list[float]) -> tuple[float, float, float]:
    """The middle half of them, and its middle."""
    if len(ratios) < 2:
        return ratios[0], ratios[0], ratios[0]
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return low, middle, high


def _added(subject: Subject, direct: Subject) -> float:
    pairs = zip(subject.runs[1], direct.runs[1], strict=True)
    return statistics.median(run.p50_ms - without.p50_ms for run, without in pairs)


def _per_s(run: Run) -> float:
    return run.per_s


def _p50(run: Run) -> float:
    return run.p50_ms


def _p99(run: Run) -> float:
    return run.p99_ms


async def in_session(gateway: Child, signed_in: Mapping[str, str]) -> dict[str, str]:
    """The headers of a session of 2025-11-25."""
    plain = {"content-type": "application/json", "accept": "application/json, text/event-stream", **signed_in}
    revision = mcp.SESSION_REVISIONS[0]
    hello = {"protocolVersion": revision, "capabilities": {}, "clientInfo": CLIENT}
    answer = await asked(gateway, mcp.request("initialize", hello), plain)
    session = {mcp.SESSION_HEADER: answer.session, mcp.REVISION_HEADER: revision}
    noted = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}).encode()
    await asked(gateway, noted, plain | session)
    return plain | session


async def costs(
    upstream: Child, relay: Child, gateway: Child, others: Mapping[str, Child], calls: int, rounds: int
) -> None:
    """others: proxies of other makers, by name; they take longest, so few calls go to them."""
    signed_in = await credential(gateway)
    headers, body = stateless("tools/call", CALL, "echo.say")
    old_headers = await in_session(gateway, signed_in)
    old_body = mcp.request("tools/call", CALL)
    subjects = [
        Subject("direct", upstream, headers, body),
        Subject("relay", relay, headers | signed_in, body),
        Subject("gateway 2026-07-28", gateway, dict(headers), body, signs_in_at=gateway),
        Subject("gateway 2025-11-25", gateway, old_headers, old_body, signs_in_at=gateway),
    ]
    for name, other in others.items():
        subjects.append(Subject(name, other, dict(headers), body, share=0.05))
    await measure(subjects, calls, rounds)
    print(json.dumps(table(subjects)))


async def listing(gateway: Child) -> None:
    headers, body = stateless("tools/list", {})
    signed_in = headers | await credential(gateway)
    began = time.perf_counter()
    cold = await asked(gateway, body, signed_in)
    first = time.perf_counter() - began
    client = Http1Client(gateway.url + "/mcp", LIMIT)
    took: list[float] = []
    before = gateway.cpu_s()
    for _ in range(50):
        began = time.perf_counter()
        await client.call(body, signed_in)
        took.append(time.perf_counter() - began)
    cpu = (gateway.cpu_s() - before) / 50
    await client.close()
    count = len(json.loads(cold.body)["result"]["tools"])
    print(
        f"\nlisting {count} tools of 50 servers, {len(cold.body) / 1e3:.0f} kB: cold {first * 1e3:.1f} ms,"
        f" warm p50 {statistics.median(took) * 1e3:.1f} ms, CPU {cpu * 1e3:.1f} ms"
    )


async def sessions(gateway: Child, many: int = 5000) -> None:
    signed_in = await credential(gateway)
    before = pss_kb(gateway.pid)
    for start in range(0, many, 50):
        await asyncio.gather(*(in_session(gateway, signed_in) for _ in range(start, start + 50)))
    after = pss_kb(gateway.pid)
    print(
        f"\n{many} idle sessions: {(after - before) / 1024:.1f} MB more"
        f" ({(after - before) * 1024 / many:.0f} bytes each), {after / 1024:.0f} MB in all"
    )


async def policies(gateway: Child) -> None:
    """What the gateway itself counted: every policy was really there. The last records leave in a batch."""
    await asyncio.sleep(3)
    print("policies:", (await asked(gateway, b"", {}, "/policies")).body.decode())


def foreign(upstream: str) -> Iterator[tuple[str, AbstractContextManager[Child]]]:
    yield "MCP SDK proxy", child("sdk", upstream)
    if FASTMCP.exists():
        yield "FastMCP proxy", fastmcp(upstream)
    else:
        print(WITHOUT_FASTMCP)


def main(calls: int, rounds: int, only: str, quick: bool) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        valkey = start_valkey(stack.enter_context(engine_folder()), durable=False)
        stack.callback(valkey.stop)
        upstream = stack.enter_context(child("upstream"))

        places = itertools.count()

        def gateway(which: str, *others: str) -> Child:
            # a spool's folder belongs to one gateway, and the ones before still run
            place = str(folder / str(next(places)))
            return stack.enter_context(child("gateway", upstream.url, valkey.url, place, which, *others))

        if only in ("", "cost"):
            relay = stack.enter_context(child("relay", upstream.url))
            gate = gateway("one")
            others = {} if quick else {name: stack.enter_context(it) for name, it in foreign(upstream.url)}
            asyncio.run(costs(upstream, relay, gate, others, calls, rounds))
            asyncio.run(policies(gate))
        if only in ("", "list"):
            asyncio.run(listing(gateway("many")))
        if only in ("", "sessions"):
            asyncio.run(sessions(gateway("one")))
        if only in ("", "isolation"):
            gate = gateway("broken", stack.enter_context(child("others")).url)
            asyncio.run(isolation(gate, stack.enter_context(abusers(gate.url)), 150, rounds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=320)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--only", default="", choices=["", "cost", "list", "sessions", "isolation"])
    parser.add_argument(
        "--quick", action="store_true", help="without the proxies of others, which take longest"
    )
    given = parser.parse_args()
    main(given.calls, given.rounds, given.only, given.quick)
