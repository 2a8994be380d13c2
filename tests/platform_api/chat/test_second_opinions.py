"""What a turn may ask beside the rules: stored sentence vectors, a judge. It goes on without either."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from access.keys import AccessKeys
from access.principal import Principal
from kit.errors import Unavailable
from kit.wire.events import TurnCompleted
from knowledge.embed import SentenceVectors
from knowledge.search.finder import One
from knowledge.sentences import sentence_spans
from platform_api.app import PlatformPorts
from platform_api.chat.checks import Means
from platform_api.chat.stored import StoredVectors
from platform_api.llm.spending import Spending
from tests.platform_api.chat.conftest import ChatWith, Client
from tests.platform_api.chat.script import LEAVE, ScriptedRuntime, answer
from tests.platform_api.people import People
from tests.platform_api.reading import embedder
from tests.platform_api.work import Work

FREE = "Twenty-five days of holiday a year belong to you. [1]"
"""True, in words that the rules alone do not pass."""
SURE = 0.945
"""A threshold that only the source's own words reach, and a judge."""


class Kept:
    """An index that has vectors of every chunk; remembers who asked for which."""

    def __init__(self, *, fails: Exception | None = None, hangs: asyncio.Event | None = None) -> None:
        self.asked: list[tuple[AccessKeys, list[UUID]]] = []
        self.fails, self.hangs = fails, hangs

    async def sentences(self, keys: AccessKeys, chunk_ids: Sequence[UUID]) -> dict[UUID, SentenceVectors]:
        self.asked.append((keys, list(chunk_ids)))
        if self.fails:
            raise self.fails
        if self.hangs:
            await self.hangs.wait()
        spans = tuple(sentence_spans(LEAVE))
        rows = embedder().embed([LEAVE[start:end] for start, end in spans])
        vectors = SentenceVectors(spans, (rows * 127).round().astype("int8"))
        return dict.fromkeys(chunk_ids, vectors)


class Spying:
    """The embedder; `texts` is what it was asked for."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.version, self.dimensions = embedder().version, embedder().dimensions

    def embed(self, texts: Sequence[str]) -> Any:
        self.texts += texts
        return embedder().embed(texts)

    def count_tokens(self, text: str) -> int:
        return embedder().count_tokens(text)


class Opinion:
    """A judge with one opinion of everything."""

    def __init__(self, entailed: float | Exception) -> None:
        self.entailed_, self.asked = entailed, list[list[tuple[str, str]]]()
        self.spending: Spending | None = None

    def of(self, principal: Principal, turn_id: UUID) -> "Opinion":
        self.spending = Spending(principal, turn_id, input_tokens=7, output_tokens=2, cost=0.5)
        return self

    async def entailed(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        self.asked.append(list(pairs))
        if isinstance(self.entailed_, Exception):
            raise self.entailed_
        return [self.entailed_ for _ in pairs]

    def start(self) -> None: ...
    async def stop(self) -> None: ...


def client_with(chat_with: ChatWith, *steps: Any, **means: Any) -> Client:
    runtime = ScriptedRuntime(*steps)
    return Client(chat_with(runtime, means=Means(**means), threshold=SURE), runtime)


async def told(client: Client) -> TurnCompleted:
    end = await (await client.ask()).end()
    assert isinstance(end, TurnCompleted)
    return end


def stored(index: Kept, spy: Spying | None = None, timeout_s: float = 30.0) -> StoredVectors:
    return StoredVectors(One(index, spy or embedder()), timeout_s)  # type: ignore[arg-type]  # what is asked of it


@pytest.mark.proves("ANSWER-010")
async def test_vectors_are_fetched_once_under_the_askers_own_keys(chat_with: ChatWith) -> None:
    index, spy = Kept(), Spying()
    client = client_with(chat_with, *answer(FREE, " ", FREE), vectors=stored(index, spy))
    await told(client)
    ((keys, chunks),) = index.asked
    assert keys == client.principal.access_keys
    assert len(chunks) == 1
    assert spy.texts, "the sentence was compared with them"


@pytest.mark.proves("ANSWER-010")
async def test_in_a_shared_place_they_are_asked_for_as_everybody_there(chat_with: ChatWith) -> None:
    index = Kept()
    client = client_with(chat_with, vectors=stored(index))
    await (await client.ask(audience="everyone_here")).end()
    ((keys, _),) = index.asked
    assert list(keys) == [f"o:{client.principal.organisation_id}"]


@pytest.mark.proves("ANSWER-010")
@pytest.mark.parametrize("own_model", [True, False])
async def test_an_index_that_fails_or_hangs_changes_nothing(chat_with: ChatWith, own_model: bool) -> None:
    steps = answer("Staff get 25 days of annual leave. [1] ", FREE)
    plain = await told(client_with(chat_with, *steps))
    failing = stored(Kept(fails=Unavailable("gone")))
    hanging = stored(Kept(hangs=asyncio.Event()), timeout_s=0.05)
    for vectors in (failing, hanging):
        end = await told(client_with(chat_with, *steps, vectors=vectors, own_model=own_model))
        assert (end.text, end.outcome, end.degraded) == (plain.text, "answered", None)


async def test_the_built_in_model_asks_for_none_while_it_quotes(chat_with: ChatWith) -> None:
    index = Kept()
    await told(client_with(chat_with, vectors=stored(index), own_model=True))
    assert index.asked == []
    end = await told(client_with(chat_with, *answer(FREE), vectors=stored(index), own_model=True))
    assert len(index.asked) == 1
    assert end.outcome == "answered"


@pytest.mark.proves("ANSWER-010")
async def test_vectors_of_a_real_index_are_for_those_who_may_open_the_document(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    base = (await people.maya.post("/api/v1/knowledge-bases", json={"name": "Notes"})).json()["id"]
    sent = [("file", ("leave.md", f"# Leave\n\n{LEAVE}".encode(), "text/markdown"))]
    await people.maya.post(f"/api/v1/knowledge-bases/{base}/documents", files=sent)
    await worker.finish()
    found = await people.maya.post(f"/api/v1/knowledge-bases/{base}/query", json={"query": "annual leave"})
    chunk_id = UUID(found.json()["chunks"][0]["chunk_id"])
    vectors = StoredVectors(One(ports.index, embedder()), 30.0)
    maya, tom = [(await one.get("/api/v1/me")).json() for one in (people.maya, people.tom)]
    keys = [AccessKeys([f"u:{one['id']}"]) for one in (maya, tom)]
    hers = await vectors.of(keys[0], [chunk_id])
    assert hers is not None
    assert len(hers.of[chunk_id].spans) >= 2
    assert await vectors.of(keys[1], [chunk_id]) is None


@pytest.mark.proves("ANSWER-009")
async def test_a_judge_may_pass_what_the_rules_leave_open(chat_with: ChatWith) -> None:
    judge = Opinion(0.97)
    end = await told(client_with(chat_with, *answer(FREE), judges=judge))
    assert end.text == FREE
    assert end.citations[0].confidence == 0.97
    ((passage, sentence),) = judge.asked[0]
    assert passage.startswith("Leave › Annual leave: Staff get 25 days")
    assert sentence == FREE.removesuffix(" [1]")
    assert (end.usage.input_tokens, end.usage.output_tokens, end.usage.cost) == (17, 7, 0.5)


@pytest.mark.proves("ANSWER-009")
@pytest.mark.parametrize(
    "lie",
    [
        "Staff get 35 days of annual leave.",
        "Staff do not get 25 days of annual leave.",
        "Contractors of Pellworth get 25 days of annual leave.",
        "Twenty-five days of holiday a year belong to you, or more.",
        "Twenty-five days of holiday a year belong to you 🚫.",
        "It is a myth that twenty-five days of holiday a year belong to you.",
        "Twenty-five days of holiday a year belong to you (and a car).",
        "Lunch is free.",
    ],
)
async def test_a_judge_that_believes_everything_lets_no_lie_pass(chat_with: ChatWith, lie: str) -> None:
    end = await told(client_with(chat_with, *answer(lie), judges=Opinion(1.0)))
    assert lie.rstrip(".") not in end.text


@pytest.mark.proves("ANSWER-009")
@pytest.mark.parametrize("opinion", [0.5, Unavailable("gone"), ValueError("broken")])
async def test_without_a_judge_that_is_sure_the_sentence_stays_withheld(
    chat_with: ChatWith, opinion: Any
) -> None:
    plain = await told(client_with(chat_with, *answer(FREE)))
    end = await told(client_with(chat_with, *answer(FREE), judges=Opinion(opinion)))
    assert end.text == plain.text
    assert "belong" not in end.text


async def test_sentences_that_come_together_are_judged_together_and_keep_their_order(
    chat_with: ChatWith,
) -> None:
    judge = Opinion(0.97)
    written = "Staff get 25 days of annual leave. [1] Days that are left expire with March. [1]"
    end = await told(client_with(chat_with, *answer(f"{FREE} {written}"), judges=judge))
    (asked,) = judge.asked
    assert len(asked) == 2
    assert end.text == (
        f"{FREE} Staff get 25 days of annual leave. [1] Days that are left expire with March. [2]"
    )
