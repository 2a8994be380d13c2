"""Chunks into vectors, each as cheaply as can be."""

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid4

import numpy as np
import pytest

from knowledge.chunk import chunk
from knowledge.document import Chunk
from knowledge.embed import (
    ChunkVectors,
    Embedder,
    Marked,
    Vectoriser,
    Vectors,
    embedding_text,
    packaged,
)
from knowledge.embed.port import ReadsParts
from knowledge.load import load

ORGANISATION = uuid4()
PAGE = """# Leave

Everyone gets 25 days.

## Carrying over

Up to five days can be carried over. Ask your manager. They lapse in March.

- Ask early.
- Ask your manager.
"""


def chunks(source: str = PAGE) -> list[Chunk]:
    return chunk(load(source.encode(), "leave.md"), UUID(int=1))


class Plain:
    """Knows no parts; a text's vector is made of its letters."""

    version = "plain-1"
    dimensions = 4

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return np.stack([self.vector(text) for text in texts])

    def vector(self, text: str) -> Vectors:
        row = np.array([text.count(letter) + 1 for letter in "aeio"], np.float32)
        return row / np.linalg.norm(row)


class Telling(Plain):
    """Knows parts."""

    async def embed_marked(self, texts: Sequence[Marked]) -> Vectors:
        self.texts += [one.text for one in texts]
        parts = [(one.text, *(one.text[a:b] for a, b in one.spans)) for one in texts]
        return np.stack([self.vector(text) for part in parts for text in part])


class Memory:
    def __init__(self) -> None:
        self.kept: dict[str, ChunkVectors] = {}

    async def get(self, _: UUID, embedder: str, hashes: Sequence[str]) -> dict[str, ChunkVectors]:
        return {one: self.kept[one] for one in hashes if one in self.kept}

    async def put(self, _: UUID, embedder: str, vectors: Mapping[str, ChunkVectors]) -> None:
        self.kept |= vectors


@pytest.mark.proves("EMBED-004")
@pytest.mark.parametrize("kind", [Plain, Telling])
async def test_each_chunk_has_its_vector_and_those_of_its_sentences(kind: type[Plain]) -> None:
    embedder = kind()
    pieces = chunks()

    found = await Vectoriser(embedder).vectors(ORGANISATION, pieces)

    second = found[pieces[1].chunk_id]
    told = [pieces[1].text[start:end] for start, end in second.sentences.spans]
    assert told[:3] == ["Up to five days can be carried over.", "Ask your manager.", "They lapse in March."]
    assert np.allclose(second.dense, embedder.vector(embedding_text(pieces[1])))
    rows = second.sentences.rows.astype(np.float32) / 127
    assert np.allclose(rows, [embedder.vector(text) for text in told], atol=0.005)
    assert second.sentences.rows.dtype == np.int8


@pytest.mark.proves("EMBED-004")
async def test_a_sentence_costs_nothing_where_it_is_the_chunk_or_came_before() -> None:
    plain, telling = Plain(), Telling()

    await Vectoriser(plain).vectors(ORGANISATION, chunks())
    await Vectoriser(telling).vectors(ORGANISATION, chunks())

    assert len(plain.texts) == len(set(plain.texts)) == 2 + 4
    assert len(telling.texts) == 2


async def test_what_is_known_is_not_asked_for_and_progress_tells_the_rest() -> None:
    embedder, memory = Telling(), Memory()
    vectoriser = Vectoriser(embedder, memory)
    told: list[tuple[int, int]] = []

    async def progress(done: int, total: int) -> None:
        told.append((done, total))

    pieces = chunks()
    await vectoriser.vectors(ORGANISATION, pieces[:1])
    again = await vectoriser.vectors(ORGANISATION, pieces, progress=progress)
    nothing = await vectoriser.vectors(ORGANISATION, pieces, frozenset(again))

    assert [text.splitlines()[-1] for text in embedder.texts] == [
        "Everyone gets 25 days.",
        "- Ask your manager.",
    ]
    assert set(again) == {piece.chunk_id for piece in pieces}
    assert nothing == {}
    assert told == [(1, 2), (2, 2)]


async def test_many_chunks_go_in_batches_and_all_are_kept() -> None:
    embedder, memory = Telling(), Memory()
    told: list[int] = []

    async def progress(done: int, _: int) -> None:
        told.append(done)

    source = "# Log\n" + "".join(f"\n## Day {n}\n\n{'Entry of the day. ' * 20}{n}.\n" for n in range(80))
    found = await Vectoriser(embedder, memory).vectors(ORGANISATION, chunks(source), progress=progress)

    assert len(found) == len(memory.kept) == 80
    assert told[0] == 0
    assert told[-1] == 80
    assert len(told) > 3


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return packaged()


@pytest.mark.proves("EMBED-004")
def test_the_packaged_model_tells_the_sentences_of_a_text_apart(embedder: Embedder) -> None:
    leave, engine = "Everyone gets 25 days of annual leave.", "The engine needs fresh oil."
    text = f"{leave} {engine}"
    assert isinstance(embedder, ReadsParts)

    whole, first, second = embedder.embed_marked(
        [Marked(text, ((0, len(leave)), (len(leave) + 1, len(text))))]
    )
    about_leave, about_oil = embedder.embed(
        ["How many days off do I have?", "Which oil goes into the motor?"]
    )

    assert np.allclose(whole, embedder.embed([text])[0], atol=1e-5)
    assert float(about_leave @ first) > float(about_leave @ second)
    assert float(about_oil @ second) > float(about_oil @ first)


def test_a_part_beyond_the_first_window_has_its_own_vector(embedder: Embedder) -> None:
    assert isinstance(embedder, ReadsParts)
    text = "The canteen opens at noon. " * 60 + "Rockets fly to the moon."
    start = text.index("Rockets")

    _, late = embedder.embed_marked([Marked(text, ((start, len(text)),))])

    assert float(late @ embedder.embed(["Rockets fly to the moon."])[0]) > 0.6


def test_a_part_of_which_nothing_is_read_stands_for_the_whole(embedder: Embedder) -> None:
    assert isinstance(embedder, ReadsParts)

    whole, part = embedder.embed_marked([Marked("Some words.  ", ((11, 13),))])

    assert np.array_equal(whole, part)
