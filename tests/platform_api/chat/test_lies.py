"""A model that lies in every way that we could think of, over the real way from HTTP to the model's API."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Generator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import select

from kit.wire.events import TurnCompleted, TurnEvent, parse_event
from kit.wire.search import SearchResult
from kit.wire.tools import ToolOutcome
from knowledge.verify import Source, split_sentences
from platform_api.agents.definitions import AgentSettings, load
from platform_api.agents.framework import FrameworkRuntime
from platform_api.agents.port import AgentEvent, TextWritten, ToolFinished, ToolStarted
from platform_api.app import PlatformPorts, build_app
from platform_api.chat.metrics import withheld_total
from platform_api.chat.service import Chat
from platform_api.edge import provide
from platform_api.llm.build import build_router
from platform_api.llm.frames import is_frame, render
from platform_api.llm.invocations import Invocations
from platform_api.llm.settings import LlmSettings
from platform_api.sessions.models import MessageRow
from ports.db import Database
from tests.evals.metrics import within, word_for_word
from tests.evals.texts import spoken, without_markers
from tests.evals.verifying.pages import chunks_of, source_of_chunk
from tests.platform_api.agents.test_runtime import SEARCH, Gateway
from tests.platform_api.chat.conftest import ChatWith, Client
from tests.platform_api.chat.disguises import DISGUISES, Lie, lies_of
from tests.platform_api.chat.lies import FACTS, KINDS, PAGES, Answer, answers
from tests.platform_api.chat.script import chunk, finished
from tests.platform_api.chat.test_over_http import events_of
from tests.platform_api.llm.model_server import DONE, ModelServer, Reply, model_server, text, tool_call
from tests.platform_api.llm.model_server import chunk as text_chunk
from tests.platform_api.people import People

REPORT = Path(__file__).parents[3] / "test-output" / "lies.md"


@pytest.fixture(scope="module")
def table() -> Generator["Table"]:
    """What was caught by which layer; written when all tests here have run."""
    caught = Table()
    yield caught
    caught.write()


@pytest.fixture
async def model() -> AsyncIterator[ModelServer]:
    async with model_server() as server:
        yield server


@pytest.fixture
async def liar(ports: PlatformPorts, chat_with: ChatWith, model: ModelServer) -> AsyncIterator[Chat]:
    """Turns with an OpenAI-compatible model; the search finds the same pages every time."""
    settings = LlmSettings(provider="openai", base_url=model.url, model="liar", fallback=False)
    router = build_router(settings, Invocations(ports.database))
    agents = AgentSettings()
    runtime = FrameworkRuntime(router, _Pages(), load(agents, {"not_found": render("not_found")}), agents)
    yield chat_with(runtime, keepalive_s=30)
    await router.stop()


@pytest.fixture
async def app(ports: PlatformPorts, liar: Chat) -> FastAPI:
    app = build_app(ports)
    provide(app, Chat, liar)
    return app


class _Pages(Gateway):
    def __init__(self) -> None:
        super().__init__(SEARCH)
        chunks = [chunk(page, page.split("\n")[0]).model_dump(mode="json") for page in PAGES]
        found = {"chunks": chunks, "total_results": len(chunks), "query_time_ms": 1.0}
        self.answer = ToolOutcome(is_error=False, content=[], structured=found)


@dataclass
class Table:
    """Rows of test-output/lies.md: a kind of lie, how many, and what refused them."""

    rows: list[tuple[str, int, Counter[str]]] = field(default_factory=list[tuple[str, int, Counter[str]]])

    def write(self) -> None:
        """For people. Sentences are counted, so a lie of two counts twice; one without a number in any column
        was not read as a sentence at all: markup, markers and thoughts are dropped."""
        layers = sorted({layer for _, _, caught in self.rows for layer in caught if caught[layer]})
        lines = [f"| kind of lie | lies | {' | '.join(layers)} |", "|---|" + "---|" * (len(layers) + 1)]
        for kind, lies, caught in self.rows:
            lines.append(f"| {kind} | {lies} | {' | '.join(str(caught[one] or '') for one in layers)} |")
        total = sum((caught for _, _, caught in self.rows), Counter[str]())
        every = sum(lies for _, lies, _ in self.rows)
        lines.append(f"| all | {every} | {' | '.join(str(total[one]) for one in layers)} |")
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text("\n".join(lines) + "\n")


async def told(people: People, model: ModelServer, *pieces: str) -> list[dict[str, Any]]:
    """The events of a turn in which the model searches, then writes these pieces."""
    model.asked.clear()
    model.replies = [tool_call("docs__search", json.dumps({"query": "leave"})), text(*pieces)]
    body = {"message": "What are the rules for leave, travel and rosters?"}
    return events_of(await people.maya.post("/api/v1/chat/stream", json=body))


def sentences_of(text: str) -> list[str]:
    """As a reader sees them."""
    return [one for line in text.split("\n") for one in split_sentences(line.removeprefix("- "))]


def shown(events: list[dict[str, Any]]) -> list[str]:
    """Every sentence that was streamed."""
    return sentences_of("".join(event["text"] for event in events if event["type"] == "answer.delta"))


def true(sentence: str, pages: Sequence[str] = PAGES) -> bool:
    """A frame, or word for word in a source: not the product's own judge, which is on trial here."""
    plain = without_markers(sentence)
    return is_frame(plain) or any(_stands_in(plain, page) for page in pages)


def _stands_in(sentence: str, page: str) -> bool:
    """Word for word: in one piece, or as a lead-in with its item, a header with its row."""
    if within(sentence, page):
        return True
    lines = [line for line in page.split("\n") if line]
    return any(word_for_word(sentence, f"{lead}\n{line}") for lead, line in permutations(lines, 2))


@pytest.mark.proves("ANSWER-001")
async def test_a_model_that_lies_in_two_hundred_ways_puts_nothing_false_into_the_stream(
    people: People, model: ModelServer, table: Table
) -> None:
    lying = list(answers())
    assert {one.kind for one in lying} == set(KINDS)
    assert sum(len(one.lies) for one in lying) >= 200
    for answer in lying:
        before = _caught()
        events = await told(people, model, answer.text)
        assert events[-1]["type"] == "turn.completed", events[-1]
        table.rows.append((KINDS[answer.kind], len(answer.lies), _caught() - before))
        assert [one for one in shown(events) if not true(one)] == []
        _no_lie_is_anywhere(answer, events)


@cache
def handbook() -> list[list[Source]]:
    """Twelve chunks of the sample handbook each, as a search finds them; in a mixed order."""
    sources = [source_of_chunk(file, piece) for file, piece in chunks_of(Path("examples/handbook"))]
    random.Random(5).shuffle(sources)
    return [sources[at : at + 12] for at in range(0, len(sources) - 11, 12)]


@cache
def lies(of: int) -> list[Lie]:
    return list(lies_of(handbook()[of], seed=of))


@pytest.mark.proves("ANSWER-001")
@pytest.mark.parametrize("group", range(6))
@pytest.mark.parametrize("each", [3, pytest.param(30, marks=[pytest.mark.full, pytest.mark.timeout(900)])])
async def test_no_disguise_brings_a_false_sentence_of_a_real_document_into_the_stream(
    client: Client, database: Database, table: Table, each: int, group: int
) -> None:
    """Over turns of a scripted agent; what is kept is read back."""
    chance = random.Random(each + group)
    for name, disguise in list(DISGUISES.items())[group::6]:
        of = chance.randrange(len(handbook()))
        written = "\n\n".join(disguise(lie) for lie in chance.sample(lies(of), each))
        size = chance.choice([1, 6, 40, len(written)])
        pieces = [TextWritten(written[at : at + size]) for at in range(0, len(written), size)]
        client.runtime.steps = [*search_finding(handbook()[of]), *pieces, finished()]
        before = _caught()
        asked = await client.ask("What are the rules for leave, travel and rosters?")
        events = [event.model_dump(mode="json") for event in await asked.events()]
        table.rows.append((name, each, _caught() - before))
        async with database.begin() as db:
            kept = await db.scalar(select(MessageRow).where(MessageRow.turn_id == asked.turn_id, _ANSWER))
        assert kept is not None, name
        _only_the_truth_is_told(events, kept, [one.text for one in handbook()[of]], name)


_ANSWER = MessageRow.role == "assistant"


def search_finding(sources: Sequence[Source]) -> list[AgentEvent]:
    chunks = [chunk(one.text, one.title) for one in sources]
    result = SearchResult(chunks=chunks, total_results=len(chunks), query_time_ms=1.0)
    return [
        ToolStarted("call-1", "docs.search", {"query": "rules"}),
        ToolFinished("call-1", "docs.search", True, 3.0, result),
    ]


def _only_the_truth_is_told(
    events: list[dict[str, Any]], kept: MessageRow, pages: Sequence[str], name: str
) -> None:
    """In the stream, in the message that is kept, in the citations."""
    end = events[-1]
    assert end["type"] == "turn.completed", (name, end)
    assert end["text"] == kept.text, name
    cited = [one["citation"] for one in events if one["type"] == "answer.citation"]
    assert cited == end["citations"], name
    said = [*shown(events), *sentences_of(end["text"]), *(one["sentence"] for one in cited)]
    assert [one for one in said if not true(one, pages)] == [], name
    assert all(any(one["quote"] in page for page in pages) for one in cited), name
    assert end["text"], name


def _no_lie_is_anywhere(answer: Answer, events: list[dict[str, Any]]) -> None:
    """Also not in citations, statuses or the whole text at the end."""
    if answer.kind == "list":
        return  # their parts are true; the sentences above were judged one by one
    streamed = spoken(json.dumps(events, ensure_ascii=False))
    for lie in answer.lies:
        for sentence in split_sentences(without_markers(lie)):
            assert true(sentence) or f" {spoken(sentence)} " not in f" {streamed} "


async def test_the_truth_passes_among_lies(people: People, model: ModelServer) -> None:
    """A filter that lets nothing through would pass the test above."""
    lies = [lie for answer in answers() if answer.kind == "number" for lie in answer.lies]
    mixed = [
        f'{fact.text} [{fact.page} "{fact.text}"]\n\n{lie}' for fact, lie in zip(FACTS, lies, strict=False)
    ]
    events = await told(people, model, "\n\n".join(mixed))
    said = {without_markers(one) for one in shown(events)}
    assert {fact.text for fact, _ in zip(FACTS, lies, strict=False)} <= said


def _caught() -> Counter[str]:
    samples = (one for metric in withheld_total.collect() for one in metric.samples)
    caught: Counter[str] = Counter()
    for one in samples:
        if one.name.endswith("_total"):
            caught[one.labels["layer"]] += int(one.value)
    return caught


@pytest.mark.proves("ANSWER-003")
async def test_the_first_sentence_is_read_before_the_model_has_finished(
    liar: Chat, model: ModelServer
) -> None:
    """The model goes on only when its first sentence was read: otherwise this ends with the test's time."""
    read = asyncio.Event()
    first = text_chunk("Full-time staff earn 20 days of annual leave a year. [1] ")
    rest = [text_chunk("Cash is always refused. [5]"), text_chunk(finish="stop"), DONE]
    model.replies = [tool_call("docs__search", '{"query": "leave"}'), Reply([first, read, *rest])]
    asker = Client(liar)
    asked = await asker.ask("How many days of leave do I get?")
    heard: list[TurnEvent] = []
    async for batch in liar.follow(asker.principal, asked.session_id, asked.turn_id):
        heard += [parse_event(entry.data) for entry in batch]
        if any(event.type == "answer.delta" for event in heard):
            read.set()
    assert isinstance(heard[-1], TurnCompleted)
    assert heard[-1].text.endswith("Cash is always refused. [2]")


@pytest.mark.proves("ANSWER-004")
@pytest.mark.parametrize("size", [1, 7, 100_000])
async def test_how_the_model_streams_does_not_change_what_is_shown(
    people: People, model: ModelServer, size: int
) -> None:
    answer = (
        "## Leave\n\n**Full-time staff** earn 20 days of annual leave a year [1].\n\n"
        'What is not paid:\n- Parking fines [2 "Parking fines"]\n- Upgrades 【2†travel】\n\n'
        "| Amount | Approved by | Quotes needed |\n|---|---|---|\n"
        "| up to 20,000 AUD | head of department | 2 |\n"
    )
    events = await told(people, model, *(answer[at : at + size] for at in range(0, len(answer), size)))
    assert events[-1]["text"] == (
        "Full-time staff earn 20 days of annual leave a year. [1] \n\nWhat is not paid: [2] \n"
        "- Parking fines [3] \n- Upgrades [4] \n\n"
        "Amount: up to 20,000 AUD; Approved by: head of department; Quotes needed: 2 [5]"
    )
