"""What holds for every document and every strategy."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.chunk import STRATEGIES, chunk, estimate_tokens
from knowledge.chunk.sections import placed_blocks
from knowledge.document import Chunk, LoadedDocument
from knowledge.load.outline import Outline
from tests.knowledge.chunk.test_layout import DOC

WORDS = st.text(alphabet=st.sampled_from([*"abcé. :!?\"'1|-", "船", "\n"]), min_size=1, max_size=400)
LINES = st.lists(WORDS, min_size=1, max_size=12)
BLOCKS = st.lists(
    st.one_of(
        st.tuples(st.just("heading"), WORDS, st.integers(1, 6)),
        st.tuples(st.just("paragraph"), WORDS, st.just(0)),
        st.tuples(st.just("code"), WORDS, st.just(0)),
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
            outline.code(content, page)
        elif kind == "list":
            outline.items([f"- {' '.join(line.split())}" for line in content], page)
        else:
            outline.table(content, page)
    return LoadedDocument("Title", "text/plain", outline.blocks())


def covered(document: LoadedDocument, chunks: list[Chunk]) -> set[int]:
    return {place for piece in chunks for place in range(piece.start_offset, piece.end_offset)}


@settings(max_examples=150, deadline=None)
@given(
    document=documents(), strategy=st.sampled_from(sorted(STRATEGIES)), limit=st.sampled_from([20, 60, 220])
)
def test_chunks_are_slices_that_cover_the_document(
    document: LoadedDocument, strategy: str, limit: int
) -> None:
    chunks = chunk(document, DOC, strategy, limit)

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
    chunks = chunk(document, DOC, strategy, limit)

    ends = [0, *(piece.end_offset for piece in chunks)]
    assert all(piece.start_offset >= end for piece, end in zip(chunks, ends, strict=False))
    assert len({piece.chunk_id for piece in chunks}) == len(chunks)
    assert all(estimate_tokens(piece.text) <= limit + limit // 3 for piece in chunks)


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
