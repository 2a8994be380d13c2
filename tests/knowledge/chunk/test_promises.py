"""What holds for every document and every strategy."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from knowledge.chunk import STRATEGIES, chunk, estimate_tokens
from knowledge.chunk.sections import placed_blocks
from knowledge.document import Block, Chunk, LoadedDocument
from knowledge.load.outline import Outline
from tests.knowledge.chunk.test_layout import DOC

WORDS = st.text(alphabet=st.sampled_from([*"abcé. :!?\"'1|-", "船", "\n"]), min_size=1, max_size=400)
LINES = st.lists(WORDS, min_size=1, max_size=12)
CODE_LINES = st.sampled_from(
    [
        *("class A:", "def f(x):", "# what it does", "x = 1", "", "{", "}"),
        *('"k": [', '"a": "some text",', "],", "船 := 2", '"b": {'),
    ]
)
CODE = st.lists(st.tuples(CODE_LINES, st.integers(0, 4)), min_size=1, max_size=30).map(
    lambda lines: "\n".join("  " * depth + line for line, depth in lines)
)
LANGUAGES = st.sampled_from(["python", "json", "go", ""])
BLOCKS = st.lists(
    st.one_of(
        st.tuples(st.just("heading"), WORDS, st.integers(1, 6)),
        st.tuples(st.just("paragraph"), WORDS, st.just(0)),
        st.tuples(st.just("code"), CODE, st.just(0)),
        st.tuples(st.just("list"), LINES, st.just(0)),
        st.tuples(st.just("table"), st.lists(LINES, min_size=1, max_size=8), st.just(0)),
    ),
    max_size=25,
)


@st.composite
def documents(draw: st.DrawFn) -> LoadedDocument:
    outline = Outline()
    for number, (kind, content, level) in enumerate(draw(BLOCKS)):
        page = number // 3 + 1
        if kind == "heading":
            outline.heading(content, level, page)
        elif kind == "paragraph":
            outline.paragraph(content, page)
        elif kind == "code":
            outline.code(content, draw(LANGUAGES), page)
        elif kind == "list":
            outline.items([f"- {' '.join(line.split())}" for line in content], page)
        else:
            outline.table(content, page)
    return LoadedDocument("Title", "text/plain", outline.blocks())


def by_letters(texts: Sequence[str]) -> NDArray[np.float32]:
    """Texts as how often they use each of some letters, of unit length."""
    rows = np.array([[text.count(letter) + 1.0 for letter in "abcdefst"] for text in texts], np.float32)
    rows = rows.reshape(len(texts), -1)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def covered(document: LoadedDocument, chunks: list[Chunk]) -> set[int]:
    return {place for piece in chunks for place in range(piece.start_offset, piece.end_offset)}


@settings(max_examples=150, deadline=None)
@given(
    document=documents(), strategy=st.sampled_from(sorted(STRATEGIES)), limit=st.sampled_from([20, 60, 220])
)
def test_chunks_are_slices_that_cover_the_document(
    document: LoadedDocument, strategy: str, limit: int
) -> None:
    chunks = chunk(document, DOC, strategy, limit, embed=by_letters)

    for piece in chunks:
        body = document.text[piece.start_offset : piece.end_offset]
        assert piece.text == body or piece.text.endswith("\n" + body)
        assert body.strip()
    inside = covered(document, chunks)
    for placed in placed_blocks(document):
        if placed.block.kind != "heading":
            letters = {at for at in range(placed.start, placed.end) if not document.text[at].isspace()}
            assert letters <= inside


@settings(max_examples=150, deadline=None)
@given(
    document=documents(),
    strategy=st.sampled_from(sorted(set(STRATEGIES) - {"fixed_size"})),
    limit=st.sampled_from([20, 60, 220]),
)
def test_chunks_do_not_overlap_and_keep_to_the_limit(
    document: LoadedDocument, strategy: str, limit: int
) -> None:
    chunks = chunk(document, DOC, strategy, limit, embed=by_letters)

    ends = [0, *(piece.end_offset for piece in chunks)]
    assert all(piece.start_offset >= end for piece, end in zip(chunks, ends, strict=False))
    assert len({piece.chunk_id for piece in chunks}) == len(chunks)
    assert all(estimate_tokens(piece.text) <= limit + limit // 3 for piece in chunks)


ROWS = st.lists(st.text("abc ", min_size=1, max_size=12), min_size=2, max_size=40)


@settings(max_examples=150, deadline=None)
@given(rows=ROWS, strategy=st.sampled_from(sorted(STRATEGIES)), limit=st.sampled_from([40, 60, 220]))
@pytest.mark.proves("CHUNK-001")
def test_no_strategy_cuts_inside_a_row_or_an_item(rows: list[str], strategy: str, limit: int) -> None:
    outline = Outline()
    outline.paragraph("What follows was counted. It was counted twice.")
    outline.table([["Name", "Count"], *([f"r{n}{row}", "7"] for n, row in enumerate(rows))])
    outline.items([f"- i{n}{row}" for n, row in enumerate(rows)])
    document = LoadedDocument("Title", "text/plain", outline.blocks())
    whole = set(document.text.split("\n"))

    chunks = chunk(document, DOC, strategy, limit, embed=by_letters)

    for piece in chunks:
        lines = piece.text.split("\n")
        cut = [line for line in lines if line not in whole]
        assert all(line.startswith(("What", "It")) for line in cut)
        if " | " in lines[0]:
            assert lines[0] == "Name | Count"


@settings(max_examples=100, deadline=None)
@given(document=documents(), strategy=st.sampled_from(["layout", "markdown", "paragraph", "code", "json"]))
@pytest.mark.proves("CHUNK-002")
def test_a_new_section_at_the_end_leaves_the_ids_of_all_before_it(
    document: LoadedDocument, strategy: str
) -> None:
    heading = Block("heading", "Added", 1, 99, "added")
    longer = replace(document, blocks=(*document.blocks, heading, Block("paragraph", "New words.", 0, 99)))

    before = chunk(document, DOC, strategy, 60, embed=by_letters)
    after = chunk(longer, DOC, strategy, 60, embed=by_letters)

    if any(block.kind != "heading" for block in document.blocks):
        assert [piece.chunk_id for piece in after[: len(before)]] == [piece.chunk_id for piece in before]


@settings(max_examples=60, deadline=None)
@given(document=documents(), strategy=st.sampled_from(sorted(STRATEGIES)))
def test_each_chunk_knows_its_neighbours_and_what_is_in_it(document: LoadedDocument, strategy: str) -> None:
    chunks = chunk(document, DOC, strategy, 60, embed=by_letters)
    elsewhere = chunk(document, UUID(int=9), strategy, 60, embed=by_letters)

    ids = [piece.chunk_id for piece in chunks]
    assert [piece.previous_id for piece in chunks] == [None, *ids][: len(ids)]
    assert [piece.next_id for piece in chunks] == [*ids[1:], None][: len(ids)]
    assert [piece.content_hash for piece in chunks] == [piece.content_hash for piece in elsewhere]


@given(document=documents())
def test_the_same_document_gives_the_same_chunks(document: LoadedDocument) -> None:
    assert chunk(document, DOC) == chunk(document, DOC)


def test_fixed_size_windows_repeat_the_end_of_the_one_before() -> None:
    outline = Outline()
    outline.paragraph(" ".join(f"Sentence {n} is about tides." for n in range(400)))

    chunks = chunk(LoadedDocument("Tides", "text/plain", outline.blocks()), DOC, "fixed_size")

    overlaps = [
        estimate_tokens(chunks[0].text[b.start_offset - a.end_offset :])
        if b.start_offset < a.end_offset
        else 0
        for a, b in itertools.pairwise(chunks)
    ]
    assert len(chunks) > 3
    assert all(400 <= estimate_tokens(piece.text) <= 512 for piece in chunks[:-1])
    assert all(20 <= overlap <= 50 for overlap in overlaps)


def test_page_chunks_stay_on_their_page() -> None:
    outline = Outline()
    for page in (1, 2):
        outline.heading(f"Part {page}", 1, page)
        outline.paragraph("Words.", page)

    chunks = chunk(LoadedDocument("T", "application/pdf", outline.blocks()), DOC, "page")

    assert [(piece.page, piece.text) for piece in chunks] == [
        (1, "Part 1\n\nWords."),
        (2, "Part 2\n\nWords."),
    ]


def test_an_unknown_strategy_names_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="unknown chunking strategy 'magic'; there are layout"):
        chunk(LoadedDocument("T", "text/plain", ()), DOC, "magic")
