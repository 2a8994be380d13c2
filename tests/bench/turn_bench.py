"""What SPEC 14 promises of the all-in-one: `python -m tests.bench.turn_bench [turns]`.

Starts it twice on the same folder (the second start is the warm one), loads the sample handbook, asks its
questions one after the other, searches through the gateway, and asks the same of the bare index.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import httpx
from switchboard_sdk import Switchboard
from switchboard_sdk.folders import FolderUpload, files_in, rules_of

from access.keys import AccessKeys, organisation_key, user_key
from kit.wire import mcp
from kit.wire.account import Me
from kit.wire.events import AnswerDelta, TurnFailed
from kit.wire.search import SearchRequest
from knowledge.embed import packaged
from knowledge.index import IndexFilter
from knowledge.index.edge import open_edge
from knowledge.search import Search
from launch.child import Running, running
from launch.cli.docs import find_base
from tests.bench import processes
from tests.evals.golden import read_questions
from tests.evals.metrics import percentile
from tests.unlimited import without_limits

HANDBOOK = Path(__file__).parents[2] / "examples" / "handbook"
PERSON = "ada"
WARM_UP = 10
IDLE_S = 5.0


@dataclass(frozen=True, slots=True)
class Line:
    """One figure beside what SPEC 14 wants; `target` None: no promise, for comparison."""

    name: str
    value: float
    unit: str
    target: float | None = None

    def shown(self) -> str:
        wanted = "" if self.target is None else f"≤ {self.target:g} {self.unit}"
        ratio = "" if self.target is None else f"{self.value / self.target:5.2f}×"
        return f"{self.name:<46}{self.value:>10.2f} {self.unit:<4} {wanted:<12} {ratio}"


def main(turns: int) -> None:
    without_limits()
    for line in asyncio.run(_measure(turns)):
        print(line.shown())


async def _measure(turns: int) -> list[Line]:
    questions = [item.question for item in read_questions(HANDBOOK / "golden.yaml")]
    with tempfile.TemporaryDirectory(prefix="switchboard-bench-") as folder:
        data = Path(folder)
        async with running(data) as cold:
            lines = [Line("first start to ready", cold.ready_s, "s")]
            async with Switchboard(cold.base_url) as switchboard:
                await _load(switchboard)
        async with running(data) as warm, Switchboard(warm.base_url) as switchboard:
            lines.append(Line("warm start to ready", warm.ready_s, "s", 10))
            await switchboard.sign_in_dev(PERSON)
            me = await switchboard.me()
            lines += await _turns(switchboard, warm, list(islice(cycle(questions), turns)))
            lines += _memory(warm)
            through = await _through_gateway(switchboard, warm.base_url, questions)
        bare = await _bare(data, me, questions)
        return [*lines, *_compared(through, bare)]


async def _load(switchboard: Switchboard) -> None:
    await switchboard.sign_in_dev(PERSON)
    base = await find_base(switchboard, "org")
    results = await FolderUpload(switchboard, base.id).run(files_in(HANDBOOK), rules_of(HANDBOOK))
    print(f"sample handbook: {sum(result.status == 'ready' for result in results)} documents")


async def _turns(switchboard: Switchboard, platform: Running, questions: Sequence[str]) -> list[Line]:
    for question in questions[:WARM_UP]:
        await _turn(switchboard, question)
    idle = await _idle_cpu(platform.pid)
    before, begun = processes.cpu_seconds(platform.pid), time.perf_counter()
    timed = [await _turn(switchboard, question) for question in questions]
    spent = processes.cpu_between(before, processes.cpu_seconds(platform.pid))
    lasted = time.perf_counter() - begun
    first, whole = [one[0] for one in timed], [one[1] for one in timed]
    each = 1000 / len(questions)
    return [
        Line("first text, p50", percentile(first, 0.5), "ms", 60),
        Line("first text, p95", percentile(first, 0.95), "ms", 150),
        Line("whole turn, p50", percentile(whole, 0.5), "ms"),
        Line("whole turn, p95", percentile(whole, 0.95), "ms"),
        Line("CPU per turn, all processes", spent * each, "ms", 20),
        Line("… of it what idling costs in that time", idle * lasted * each, "ms"),
    ]


async def _turn(switchboard: Switchboard, question: str) -> tuple[float, float]:
    """Milliseconds to the first text, and to the end."""
    begun, first = time.perf_counter(), 0.0
    async with aclosing(switchboard.stream(question)) as events:
        async for event in events:
            if isinstance(event, TurnFailed):
                raise RuntimeError(f"a turn failed: {event.code} {event.detail}")
            if isinstance(event, AnswerDelta) and not first:
                first = (time.perf_counter() - begun) * 1000
    whole = (time.perf_counter() - begun) * 1000
    return first or whole, whole


async def _idle_cpu(pid: int) -> float:
    """CPU seconds per second while nobody asks anything."""
    before, begun = processes.cpu_seconds(pid), time.perf_counter()
    await asyncio.sleep(IDLE_S)
    return processes.cpu_between(before, processes.cpu_seconds(pid)) / (time.perf_counter() - begun)


def _memory(platform: Running) -> list[Line]:
    shares = sorted(processes.memory(platform.pid), key=lambda share: share.pss_mb, reverse=True)
    for share in shares:
        print(f"  {share.pss_mb:7.1f} MB  {share.name}")
    whole = sum(share.pss_mb for share in shares)
    return [Line(f"memory (PSS) of {len(shares)} processes", whole, "MB", 700)]


async def _through_gateway(switchboard: Switchboard, url: str, queries: Sequence[str]) -> list[float]:
    """docs.search over /mcp as an MCP client with an API key; milliseconds each."""
    key = (await switchboard.api_keys.create("bench", expires_in_days=1)).key
    headers = {
        "Authorization": f"Bearer {key}",
        "Accept": "application/json, text/event-stream",
        "Content-Type": "application/json",
        mcp.REVISION_HEADER: mcp.STATELESS,
        mcp.METHOD_HEADER: "tools/call",
        mcp.NAME_HEADER: "docs.search",
    }
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, timeout=30) as client:

        async def search(query: str) -> None:
            called = {"name": "docs.search", "arguments": {"query": query}}
            params = mcp.stateless_params(called, {"name": "bench", "version": "1"})
            answer = await client.post("/mcp", content=mcp.request("tools/call", params))
            if answer.status_code != 200 or answer.json()["result"].get("isError"):
                raise RuntimeError(f"docs.search failed: {answer.status_code} {answer.text[:300]}")

        return await _timed(search, queries)


async def _bare(data: Path, me: Me, queries: Sequence[str]) -> dict[str, list[float]]:
    """The same index without platform, gateway and HTTP, after the platform has let go of it."""
    embedder = packaged()
    folder = next(path for path in data.iterdir() if path.is_dir() and path.name == "index")
    index = open_edge(folder, embedder.version, embedder.dimensions)
    keys = AccessKeys([organisation_key(me.organisation_id), user_key(me.id)])
    search = Search(index, embedder)
    vectors = {query: embedder.embed([query])[0] for query in queries}
    try:
        return {
            "in process, embedding included": await _timed(
                lambda query: search.search(keys, SearchRequest(query=query)), queries
            ),
            "bare index, embedding known": await _timed(
                lambda query: index.search(
                    keys, IndexFilter(), vector=vectors[query].tolist(), text=query, limit=24
                ),
                queries,
            ),
        }
    finally:
        await index.close()


async def _timed(call: Callable[[str], Awaitable[object]], queries: Sequence[str]) -> list[float]:
    for query in queries[:WARM_UP]:
        await call(query)
    times: list[float] = []
    for query in islice(cycle(queries), 200):
        begun = time.perf_counter()
        await call(query)
        times.append((time.perf_counter() - begun) * 1000)
    return times


def _compared(through: list[float], bare: dict[str, list[float]]) -> list[Line]:
    lines = [
        Line("docs.search through the gateway, p50", percentile(through, 0.5), "ms"),
        Line("docs.search through the gateway, p95", percentile(through, 0.95), "ms", 40),
    ]
    for name, times in bare.items():
        lines.append(Line(f"docs.search {name}, p50", percentile(times, 0.5), "ms"))
        ratio = percentile(through, 0.5) / percentile(times, 0.5)
        lines.append(Line("… gateway ÷ this, p50", ratio, "×"))
    return lines


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
