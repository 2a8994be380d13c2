"""Fifty people at once on one bot process, and two thousand turns in a row (issue 8, must show 3)."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import psutil
import pytest

from tests.e2e.conftest import Place
from tests.slack.matrix import HALVES, STREAM
from tests.slack.office import ACME, process, settings_of
from tests.slack.simulator import Person, Posted, Slack
from tests.slack.wire import Wire, said

pytestmark = [pytest.mark.timeout(1800), pytest.mark.full]
PEOPLE, TURNS, AT_ONCE = 50, 2_000, 20
QUESTIONS = (
    ("How many days of annual leave do full-time staff earn a year?", "20 days"),
    ("How many days of paid sick leave do I earn a year?", "10 days"),
)


@pytest.fixture
async def apart(slack: Slack, platform: Place, key: str) -> AsyncIterator[tuple[Wire, psutil.Process]]:
    """The bot in a process of its own."""
    slack.team(identity=ACME)
    async with AsyncExitStack() as stack:
        wire = await stack.enter_async_context(Wire.to(platform.url))
        child = await stack.enter_async_context(process(slack, settings_of(slack, wire, key)))
        yield wire, psutil.Process(child.pid)


class Asker:
    """One person with two questions in one thread, the second right after the first."""

    def __init__(self, slack: Slack, person: Person) -> None:
        self.slack, self.person = slack, person
        self.acks: list[float] = []
        self.status_s = self.took_s = float("inf")
        self.answers: list[str] = []

    async def asks(self) -> None:
        first: Posted | None = None
        for text, _ in QUESTIONS:
            posted = await self.person.say(text, thread=first.ts if first else "")
            first = first or posted
            assert self.person.last is not None
            self.acks.append(self.person.last.waited_s)
        assert first is not None
        where = self.person.dm
        await self.slack.until(lambda: len(self._ended(first)) == len(QUESTIONS), within_s=300)
        self.answers = [one.shown for one in self._ended(first)]
        self.took_s = max(one.finished for one in self._ended(first)) - first.came
        times = self.slack.status_times.get((where.id, first.ts), [])
        shown = [*times, *(one.came for one in self._ended(first))]
        self.status_s = min(shown) - first.came

    def _ended(self, first: Posted) -> list[Posted]:
        return [m for m in self.slack.answers(self.person.dm, first.ts) if not m.streaming]


@pytest.mark.proves("SLACK-304")
async def test_fifty_people_at_once(
    slack: Slack, platform: Place, apart: tuple[Wire, psutil.Process]
) -> None:
    team = next(iter(slack.teams.values()))
    people = [slack.person(f"person{n}", team) for n in range(PEOPLE)]
    askers = [Asker(slack, person) for person in people]
    slack.sockets.ack_s = 30.0  # what is late is measured, not sent again
    began = cpu(apart[1]), cpu_of_all(platform.started.pid), time.process_time()
    await asyncio.gather(*(one.asks() for one in askers))
    ended = cpu(apart[1]), cpu_of_all(platform.started.pid), time.process_time()
    spent = [(b - a) / len(askers) / len(QUESTIONS) * 1000 for a, b in zip(began, ended, strict=True)]
    for one in askers:
        assert len(one.answers) == len(QUESTIONS), one.answers
        for answer, (_, fact) in zip(one.answers, QUESTIONS, strict=True):
            assert fact in answer, one.answers
    acks = sorted(ack for one in askers for ack in one.acks)
    status = sorted(one.status_s for one in askers)
    print(
        f"\n{PEOPLE} people at once, {len(acks)} questions: "
        f"ack p50 {statistics.median(acks) * 1000:.0f} ms, p99 {_at(acks, 0.99) * 1000:.0f} ms; "
        f"something to see p50 {statistics.median(status):.2f} s, p95 {_at(status, 0.95):.2f} s; "
        f"last answer after {max(one.took_s for one in askers):.1f} s; "
        f"CPU a question: bot {spent[0]:.0f} ms, platform {spent[1]:.0f} ms, simulator {spent[2]:.0f} ms"
    )


@pytest.mark.proves("SLACK-304")
async def test_two_thousand_turns_keep_the_memory(slack: Slack, apart: tuple[Wire, psutil.Process]) -> None:
    """The platform's words come from the test, everything else is real."""
    wire, bot = apart
    wire.on(*STREAM, *[said(*HALVES) for _ in range(TURNS)])
    team = next(iter(slack.teams.values()))
    people = [slack.person(f"person{n}", team) for n in range(AT_ONCE)]
    memory: list[float] = []
    for start in range(0, TURNS, AT_ONCE * 5):
        await asyncio.gather(*(_asks(slack, person, 5) for person in people))
        memory.append(bot.memory_info().rss / 1024**2)
        print(f"{start + AT_ONCE * 5} turns: {memory[-1]:.0f} MiB", flush=True)
    half = len(memory) // 2
    print(f"\nAfter {TURNS // 2} turns {memory[half - 1]:.0f} MiB, after {TURNS} {memory[-1]:.0f} MiB")
    assert memory[-1] - memory[half - 1] < 32, memory


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU that it has used."""
    times = process.cpu_times()
    return times.user + times.system


def cpu_of_all(pid: int) -> float:
    """With its engines."""
    process = psutil.Process(pid)
    return cpu(process) + sum(cpu(child) for child in process.children(recursive=True))


async def _asks(slack: Slack, person: Person, times: int) -> None:
    for _ in range(times):
        asked = await person.say(QUESTIONS[0][0])
        await slack.until(
            lambda ts=asked.ts: [m for m in slack.answers(person.dm, ts) if not m.streaming], within_s=120
        )
        slack.messages[person.dm.id].clear()
        slack.calls.clear()


def _at(ordered: list[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
