"""A file from outside may do what it likes: it gets a sentence, and the next file is read."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import numpy as np
import psutil
import pytest
import pytest_asyncio

from knowledge.embed import EmbedderSpec
from knowledge.load import UnreadableDocument
from knowledge.prepare import PreparationFailed, Preparer, PrepareSettings
from tests.knowledge.load.made import docx_file, zip_bomb

SPEC = EmbedderSpec()
DOC = UUID("7b1e4d4c-0000-4000-8000-000000000002")
PAGE = b"# Fuel\n\n## Tanks\n\nTanks are locked.\n\n## Hoses\n\nHoses are capped.\n"
MEMORY_MB = 600
pytestmark = pytest.mark.asyncio(loop_scope="module")


def preparer_with(time_limit_s: float = 30, idle_s: float = 20) -> Preparer:
    settings = PrepareSettings(time_limit_s=time_limit_s, idle_s=idle_s, memory_mb=MEMORY_MB)
    return Preparer(settings, *map(strange, ("strange_child", "strange_embedding")))


def strange(module: str) -> list[str]:
    return [sys.executable, "-m", f"tests.knowledge.prepare.{module}", "--memory-mb", str(MEMORY_MB)]


@pytest_asyncio.fixture(loop_scope="module")
async def preparer() -> AsyncIterator[Preparer]:
    made = preparer_with()
    yield made
    await made.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Preparer]:
    """For what leaves the children as they were: to start them costs more than these tests."""
    made = preparer_with()
    yield made
    await made.close()


async def still_works(preparer: Preparer) -> bool:
    result = await preparer.read(PAGE, "fuel.md", DOC)
    return [piece.text for piece in result.chunks] == ["Tanks are locked.", "Hoses are capped."]


async def test_a_file_comes_back_as_chunks(shared: Preparer) -> None:
    result = await shared.read(PAGE, "fuel.md", DOC)

    assert result.document.title == "Fuel"
    assert [piece.section_title for piece in result.chunks] == ["Tanks", "Hoses"]


async def test_what_was_read_is_cut_again_into_the_same_chunks(shared: Preparer) -> None:
    read = await shared.read(PAGE, "fuel.md", DOC)

    again = await shared.cut(read.document, DOC)
    other = await shared.cut(read.document, DOC, title="Bunkering", strategy="page")

    assert again == read
    assert [piece.chunk_strategy for piece in other.chunks] == ["page"]
    assert other.document.title == "Bunkering"


async def test_a_document_is_cut_by_meaning_with_the_parents_embedder(preparer: Preparer) -> None:
    read = await preparer.read(b"One is one. Two is two. Three is three.", "x.txt", DOC, strategy="semantic")

    assert [piece.chunk_strategy for piece in read.chunks] == ["semantic"]
    assert len(preparer.pids) == 2


async def test_texts_come_back_as_vectors_in_their_order(shared: Preparer) -> None:
    several = await asyncio.gather(*(shared.embed(SPEC, ["a" * n, "b" * (n + 1)]) for n in range(20)))

    assert [rows[:, 0].tolist() for rows in several] == [[n, n + 1] for n in range(20)]


async def test_a_given_title_replaces_the_one_in_the_file(shared: Preparer) -> None:
    result = await shared.read(PAGE, "fuel.md", DOC, title="Bunkering")

    assert result.document.title == "Bunkering"
    assert {piece.page_title for piece in result.chunks} == {"Bunkering"}


async def test_one_child_serves_many_files_at_once_in_turn(shared: Preparer) -> None:
    results = await asyncio.gather(
        *(shared.read(f"# P{n}\n\nWords.\n".encode(), "p.md", DOC) for n in range(8))
    )

    assert [result.document.title for result in results] == [f"P{n}" for n in range(8)]


async def test_an_unreadable_file_says_why(shared: Preparer) -> None:
    with pytest.raises(UnreadableDocument) as refused:
        await shared.read(b"", "empty.md", DOC)

    assert (refused.value.reason, refused.value.detail) == ("empty", "The file is empty.")
    assert refused.value.hint
    assert await still_works(shared)


@pytest.mark.proves("PREPARE-001")
async def test_a_zip_bomb_is_refused_and_the_next_file_is_read(shared: Preparer) -> None:
    with pytest.raises(UnreadableDocument) as refused:
        await shared.read(zip_bomb(), "bomb.docx", DOC)

    assert refused.value.reason == "too_complex"
    assert (await shared.read(docx_file(), "rules.docx", DOC)).document.title == "Boarding"


@pytest.mark.proves("PREPARE-001")
async def test_a_file_that_hangs_is_given_up_and_the_next_file_is_read(tmp_path: Path) -> None:
    # Long enough for a start on a busy machine.
    preparer = preparer_with(time_limit_s=8)
    with pytest.raises(UnreadableDocument, match="took longer than 8 s") as refused:
        await preparer.read(str(tmp_path / "begun").encode(), "hangs", DOC)

    assert refused.value.reason == "too_complex"
    assert (tmp_path / "begun").exists()
    assert preparer.pids == []
    assert await still_works(preparer)
    await preparer.close()


@pytest.mark.proves("PREPARE-001")
async def test_a_file_that_is_slow_to_read_is_refused_by_the_child_itself(preparer: Preparer) -> None:
    # The reader of the test shortens its own limit of 60 s.
    with pytest.raises(UnreadableDocument, match="took longer than 60 s") as refused:
        await preparer.read(b"x", "dawdles", DOC)

    assert refused.value.reason == "too_complex"
    assert len(preparer.pids) == 1
    assert await still_works(preparer)


@pytest.mark.proves("PREPARE-001")
async def test_a_file_that_fills_the_memory_is_given_up_and_the_next_file_is_read(preparer: Preparer) -> None:
    with pytest.raises(UnreadableDocument, match="more than 600 MB of memory") as refused:
        await preparer.read(b"x", "hoards", DOC)

    assert refused.value.reason == "too_complex"
    assert await still_works(preparer)


async def test_a_killed_child_is_replaced_and_its_file_is_tried_again(
    preparer: Preparer, tmp_path: Path
) -> None:
    result = await preparer.read(str(tmp_path / "attempts").encode(), "dies-once", DOC)

    assert result.document.title == "Survived"
    assert (tmp_path / "attempts").read_text() == "xx"


@pytest.mark.proves("PREPARE-001")
async def test_a_file_that_kills_its_reader_twice_is_refused(preparer: Preparer, tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="broke the reader, twice") as refused:
        await preparer.read(str(tmp_path / "attempts").encode(), "dies-always", DOC)

    assert refused.value.reason == "too_complex"
    assert (tmp_path / "attempts").read_text() == "xx"
    assert await still_works(preparer)


async def test_a_child_that_was_killed_between_two_files_is_not_noticed(preparer: Preparer) -> None:
    assert await still_works(preparer)
    [child] = preparer.pids
    os.kill(child, signal.SIGKILL)

    assert await still_works(preparer)


async def test_a_fault_of_ours_does_not_show_its_inside(shared: Preparer) -> None:
    with pytest.raises(PreparationFailed) as failed:
        await shared.read(b"x", "breaks", DOC)

    assert "secret" not in failed.value.detail + failed.value.hint
    assert await still_works(shared)


async def test_a_parser_that_prints_does_not_break_the_answer(shared: Preparer) -> None:
    assert (await shared.read(b"Some words.", "prints", DOC)).document.text == "Some words."


async def test_a_cancelled_call_does_not_leave_its_answer_to_the_next(
    preparer: Preparer, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    call = asyncio.create_task(preparer.read(str(begun).encode(), "hangs", DOC))
    assert await asyncio.to_thread(begun.read_text) == "begun"
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert await still_works(preparer)


async def test_idle_children_end_and_the_next_file_starts_another() -> None:
    preparer = preparer_with(idle_s=1)
    for work in (lambda: preparer.read(PAGE, "fuel.md", DOC), lambda: preparer.embed(SPEC, ["words"])):
        await work()
        child = psutil.Process(preparer.pids[-1])
        await asyncio.to_thread(child.wait, 30)

    assert preparer.pids == []
    assert await still_works(preparer)
    await preparer.close()


async def test_the_children_are_gentle_and_have_none_of_our_secrets(
    preparer: Preparer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_DB__URL", "postgresql://u:secret@host/db")
    assert await still_works(preparer)
    await preparer.embed(SPEC, ["words"])

    assert len(preparer.pids) == 2
    for child in map(psutil.Process, preparer.pids):
        assert child.nice() >= psutil.Process().nice() + 5
        assert "SWITCHBOARD_DB__URL" not in child.environ()


@pytest.mark.proves("PREPARE-002")
async def test_a_slow_file_holds_up_neither_other_files_nor_embedding(tmp_path: Path) -> None:
    slow = tmp_path / "slow"
    os.mkfifo(slow)
    settings = PrepareSettings(memory_mb=MEMORY_MB, patience_s=0.1, readers=2)
    preparer = Preparer(settings, *map(strange, ("strange_child", "strange_embedding")))
    waiting = asyncio.create_task(preparer.read(str(slow).encode(), "waits", DOC))

    others = await asyncio.gather(*(still_works(preparer) for _ in range(5)))
    vectors = await preparer.embed(SPEC, ["words"])

    assert all(others)
    assert vectors.tolist() == [[5.0, 1.0]]
    assert not waiting.done()
    assert len(preparer.pids) == 3
    await asyncio.to_thread(slow.write_text, "# Slow\n\nAt last.\n")
    assert (await waiting).document.title == "Slow"
    assert await still_works(preparer)
    # Nobody waits any more: the second reader is not kept.
    assert len(preparer.pids) == 2
    await preparer.close()


async def test_a_killed_embedding_child_is_replaced_and_its_batch_tried_again(
    preparer: Preparer, tmp_path: Path
) -> None:
    dying = f"dies-once {tmp_path / 'attempt'}"

    first, second = await asyncio.gather(preparer.embed(SPEC, [dying]), preparer.embed(SPEC, ["next"]))

    assert (first[0, 0], second[0, 0]) == (len(dying), 4)


@pytest.mark.parametrize("what", ["dies-always", "breaks"])
async def test_texts_that_cannot_be_embedded_fail_on_our_side_and_the_next_are(
    shared: Preparer, what: str
) -> None:
    with pytest.raises(PreparationFailed) as failed:
        await shared.embed(SPEC, [what])

    assert failed.value.retryable
    assert (await shared.embed(SPEC, ["next"])).tolist() == [[4.0, 1.0]]


async def test_an_embedding_that_hangs_is_given_up(tmp_path: Path) -> None:
    settings = PrepareSettings(memory_mb=MEMORY_MB, embed_limit_s=5)
    preparer = Preparer(settings, *map(strange, ("strange_child", "strange_embedding")))

    with pytest.raises(PreparationFailed):
        await preparer.embed(SPEC, [f"hangs {tmp_path / 'begun'}"])

    assert (tmp_path / "begun").exists()
    assert (await preparer.embed(SPEC, ["next"])).tolist() == [[4.0, 1.0]]
    await preparer.close()


async def test_whoever_gives_up_leaves_the_answers_of_others_in_order(shared: Preparer) -> None:
    await shared.embed(SPEC, ["start"])
    calls = [asyncio.create_task(shared.embed(SPEC, ["x" * n])) for n in range(1, 9)]
    await asyncio.sleep(0)
    calls[2].cancel()

    answers = await asyncio.gather(*calls, return_exceptions=True)

    assert isinstance(answers.pop(2), asyncio.CancelledError)
    assert [answer[0, 0] for answer in answers if not isinstance(answer, BaseException)] == [
        1,
        2,
        4,
        5,
        6,
        7,
        8,
    ]


async def test_the_real_children_read_and_embed_with_the_packaged_model() -> None:
    preparer = Preparer()

    result = await preparer.read(PAGE, "fuel.md", DOC)
    vectors = await preparer.embed(SPEC, [piece.text for piece in result.chunks])

    assert np.linalg.norm(vectors, axis=1).tolist() == pytest.approx([1.0, 1.0], abs=1e-3)
    await preparer.close()
