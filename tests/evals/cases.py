"""What the extractive model is fitted on: questions with what a search finds for them, answerable or not.

Answerable: queries made from a statement of the corpus (known_items), and questions written by hand. Not
answerable: what was asked of other corpora, both with the document that answers taken out, queries with words
exchanged for another corpus's, and questions written to have no answer. No golden file is read.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Literal
from uuid import UUID

import yaml
from pydantic import BaseModel, TypeAdapter

from platform_api.llm.extractive.statements import Offer
from tests.evals.corpus import Corpus, Found
from tests.evals.known_items import KnownItem, content_of, known_items
from tests.evals.texts import plain

Kind = Literal["made", "written", "other", "taken out", "changed", "nothing"]
ANSWERABLE: tuple[Kind, ...] = ("made", "written")
WRITTEN = Path(__file__).with_name("written_questions.yaml")
_FROM_OTHERS, _EXCHANGED = 40, 2


class Written(BaseModel):
    """right: part of the answering document's path; None: nothing answers. has: literals of the answer."""

    question: str
    right: str | None = None
    has: list[str] = []


@dataclass(frozen=True, slots=True)
class Case:
    corpus: str
    kind: Kind
    query: str
    found: Found
    statement: str = ""
    has: tuple[str, ...] = ()
    documents: frozenset[UUID] = frozenset()

    @property
    def answerable(self) -> bool:
        return self.kind in ANSWERABLE

    def answers(self, offer: Offer) -> bool:
        """Whether this statement is what was asked for."""
        if self.statement:
            return offer.statement.text == self.statement
        text = plain(offer.statement.text)
        return (
            bool(self.has) and offer.source.doc_id in self.documents and all(map(text.__contains__, self.has))
        )


def written_questions() -> Mapping[str, list[Written]]:
    """By the name of the corpus's folder."""
    return TypeAdapter(dict[str, list[Written]]).validate_python(yaml.safe_load(WRITTEN.read_text("utf-8")))


def items_of(corpus: Corpus, many: int) -> list[KnownItem]:
    """The same ones in every run."""
    rng = Random(7)
    sources = list(corpus.sources)
    rng.shuffle(sources)
    return list(known_items(sources[:many], rng))


async def cases_of(
    corpus: Corpus, items: Sequence[KnownItem], others: Mapping[str, Sequence[KnownItem]]
) -> AsyncIterator[Case]:
    """Of one corpus. others: what was made of the others; `items`: of this one."""
    rng = Random(3)
    foreign = [
        one.query for each in others.values() for one in rng.sample(each, min(_FROM_OTHERS, len(each)))
    ]
    words = [word for query in foreign for word in content_of(query)]
    for item in items:
        document = frozenset([item.doc_id])
        found = await corpus.find(item.query)
        yield Case(corpus.name, "made", item.query, found, item.statement, documents=document)
        yield Case(corpus.name, "taken out", item.query, await corpus.find(item.query, without=document))
        if words:
            changed = _exchanged(item.query, words, rng)
            yield Case(corpus.name, "changed", changed, await corpus.find(changed))
    for query in foreign:
        yield Case(corpus.name, "other", query, await corpus.find(query))
    async for case in written_cases(corpus):
        yield case


async def written_cases(corpus: Corpus) -> AsyncIterator[Case]:
    """The questions written by hand. Of other corpora only what is far enough away: two handbooks answer much
    of each other's."""
    for name, questions in written_questions().items():
        for one in questions:
            if name == corpus.name:
                found = await corpus.find(one.question)
                kind: Kind = "nothing" if one.right is None else "written"
                has = tuple(map(plain, one.has))
                documents = _documents(corpus, one.right)
                yield Case(corpus.name, kind, one.question, found, has=has, documents=documents)
            elif one.right and name in FAR.get(corpus.name, ()):
                yield Case(corpus.name, "other", one.question, await corpus.find(one.question))


FAR: Mapping[str, frozenset[str]] = {
    "handbook": frozenset(["contributing"]),
    "contributing": frozenset(["handbook", "pages"]),
    "content": frozenset(["handbook", "pages"]),
}
"""Whose written questions have no answer where."""


def _documents(corpus: Corpus, right: str | None) -> frozenset[UUID]:
    return frozenset(doc_id for doc_id, name in corpus.names.items() if right and right in name)


def _exchanged(query: str, words: Sequence[str], rng: Random) -> str:
    """About something else: two of its longer words are another corpus's."""
    told = query.split()
    places = [at for at, word in enumerate(told) if len(word) > 3]
    for at in rng.sample(places, min(_EXCHANGED, len(places))):
        told[at] = rng.choice(words)
    return " ".join(told)
