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

from knowledge.embed import embedding_text
from knowledge.load import UnreadableDocument
from knowledge.prepare import PreparationFailed, Preparer, PrepareSettings
from tests.knowledge.load.made import docx_file, zip_bomb

DOC = UUID("7b1e4d4c-0000-4000-8000-000000000002")
PAGE = b"# Fuel\n\n## Tanks\n\nTanks are locked.\n\n## Hoses\n\nHoses are capped.\n"
MEMORY_MB = 600


def preparer_with(time_limit_s: float = 30, idle_s: float = 20) -> Preparer:
    settings = PrepareSettings(time_limit_s=time_limit_s, idle_s=idle_s, memory_mb=MEMORY_MB)
    command = [sys.executable, "-m", "tests.knowledge.prepare.strange_child", "--memory-mb", str(MEMORY_MB)]
    return Preparer(settings, command)


@pytest.fixture
async def preparer() -> AsyncIterator[Preparer]:
    made = preparer_with()
    yield made
    await made.close()


async def still_works(preparer: Preparer) -> bool:
    result = await preparer.prepare(PAGE, "fuel.md", DOC)
    return [piece.text for piece in result.chunks] == ["Tanks are locked.", "Hoses are capped."]


async def test_a_file_comes_back_as_chunks_with_vectors(preparer: Preparer) -> None:
    result = await preparer.prepare(PAGE, "fuel.md", DOC)

    assert result.document.title == "Fuel"
    assert [piece.section_title for piece in result.chunks] == ["Tanks", "Hoses"]
    for piece in result.chunks:
        assert np.array_equal(result.vectors[piece.chunk_id], [len(embedding_text(piece)), 1.0])


@pytest.mark.proves("CHUNK-002")
async def test_known_chunks_are_not_embedded_again(preparer: Preparer) -> None:
    first = await preparer.prepare(PAGE, "fuel.md", DOC)
    changed = PAGE.replace(b"capped", b"sealed")

    second = await preparer.prepare(changed, "fuel.md", DOC, frozenset(first.vectors))

    assert list(second.vectors) == [second.chunks[1].chunk_id]


async def test_a_given_title_replaces_the_one_in_the_file(preparer: Preparer) -> None:
    result = await preparer.prepare(PAGE, "fuel.md", DOC, title="Bunkering")

    assert result.document.title == "Bunkering"
    assert {piece.page_title for piece in result.chunks} == {"Bunkering"}


async def test_one_child_serves_many_files_at_once_in_turn(preparer: Preparer) -> None:
    results = await asyncio.gather(
        *(preparer.prepare(f"# P{n}\n\nWords.\n".encode(), "p.md", DOC) for n in range(8))
    )

    assert [result.document.title for result in results] == [f"P{n}" for n in range(8)]


async def test_an_unreadable_file_says_why(preparer: Preparer) -> None:
    with pytest.raises(UnreadableDocument) as refused:
        await preparer.prepare(b"", "empty.md", DOC)

    assert (refused.value.reason, refused.value.detail) == ("empty", "The file is empty.")
    assert refused.value.hint
    assert await still_works(preparer)


@pytest.mark.proves("PREPARE-001")
async def test_a_zip_bomb_is_refused_and_the_next_file_is_read(preparer: Preparer) -> None:
    with pytest.raises(UnreadableDocument) as refused:
        await preparer.prepare(zip_bomb(), "bomb.docx", DOC)

    assert refused.value.reason == "too_complex"
    assert (await preparer.prepare(docx_file(), "rules.docx", DOC)).document.title == "Boarding"


@pytest.mark.proves("PREPARE-001")
async def test_a_file_that_hangs_is_given_up_and_the_next_file_is_read(tmp_path: Path) -> None:
    # Long enough for a start on a busy machine.
    preparer = preparer_with(time_limit_s=8)
    with pytest.raises(UnreadableDocument, match="took longer than 8 s") as refused:
        await preparer.prepare(str(tmp_path / "begun").encode(), "hangs", DOC)

    assert refused.value.reason == "too_complex"
    assert (tmp_path / "begun").exists()
    assert preparer.child_pid is None
    assert await still_works(preparer)
    await preparer.close()


@pytest.mark.proves("PREPARE-001")
async def test_a_file_that_is_slow_to_read_is_refused_by_the_child_itself(preparer: Preparer) -> None:
    # The reader of the test shortens its own limit of 60 s.
    with pytest.raises(UnreadableDocument, match="took longer than 60 s") as refused:
        await preparer.prepare(b"x", "dawdles", DOC)

    assert refused.value.reason == "too_complex"
    assert preparer.child_pid is not None
    assert await still_works(preparer)


@pytest.mark.proves("PREPARE-001")
async def test_a_file_that_fills_the_memory_is_given_up_and_the_next_file_is_read(preparer: Preparer) -> None:
    with pytest.raises(UnreadableDocument, match="more than 600 MB of memory") as refused:
        await preparer.prepare(b"x", "hoards", DOC)

    assert refused.value.reason == "too_complex"
    assert await still_works(preparer)


async def test_a_killed_child_is_replaced_and_its_file_is_tried_again(
    preparer: Preparer, tmp_path: Path
) -> None:
    result = await preparer.prepare(str(tmp_path / "attempts").encode(), "dies-once", DOC)

    assert result.document.title == "Survived"
    assert (tmp_path / "attempts").read_text() == "xx"


@pytest.mark.proves("PREPARE-001")
async def test_a_file_that_kills_its_reader_twice_is_refused(preparer: Preparer, tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="broke the reader, twice") as refused:
        await preparer.prepare(str(tmp_path / "attempts").encode(), "dies-always", DOC)

    assert refused.value.reason == "too_complex"
    assert (tmp_path / "attempts").read_text() == "xx"
    assert await still_works(preparer)


async def test_a_child_that_was_killed_between_two_files_is_not_noticed(preparer: Preparer) -> None:
    assert await still_works(preparer)
    assert preparer.child_pid is not None
    os.kill(preparer.child_pid, signal.SIGKILL)

    assert await still_works(preparer)


async def test_a_fault_of_ours_does_not_show_its_inside(preparer: Preparer) -> None:
    with pytest.raises(PreparationFailed) as failed:
        await preparer.prepare(b"x", "breaks", DOC)

    assert "secret" not in failed.value.detail + failed.value.hint
    assert await still_works(preparer)


async def test_a_parser_that_prints_does_not_break_the_answer(preparer: Preparer) -> None:
    assert (await preparer.prepare(b"Some words.", "prints", DOC)).document.text == "Some words."


async def test_a_cancelled_call_does_not_leave_its_answer_to_the_next(
    preparer: Preparer, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    os.mkfifo(begun)
    call = asyncio.create_task(preparer.prepare(str(begun).encode(), "hangs", DOC))
    assert await asyncio.to_thread(begun.read_text) == "begun"
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert await still_works(preparer)


async def test_an_idle_child_ends_and_the_next_file_starts_another() -> None:
    preparer = preparer_with(idle_s=0)
    assert await still_works(preparer)
    first = psutil.Process(preparer.child_pid) if preparer.child_pid else None
    if first is not None:
        await asyncio.to_thread(first.wait, 30)

    assert preparer.child_pid is None
    assert await still_works(preparer)
    await preparer.close()


async def test_the_child_is_gentle_and_has_none_of_our_secrets(
    preparer: Preparer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWITCHBOARD_DB__URL", "postgresql://u:secret@host/db")
    assert await still_works(preparer)

    child = psutil.Process(preparer.child_pid)
    assert child.nice() >= psutil.Process().nice() + 5
    assert "SWITCHBOARD_DB__URL" not in child.environ()


async def test_the_real_child_embeds_with_the_packaged_model() -> None:
    preparer = Preparer()

    result = await preparer.prepare(PAGE, "fuel.md", DOC)

    lengths = [float(np.linalg.norm(vector)) for vector in result.vectors.values()]
    assert lengths == pytest.approx([1.0, 1.0], abs=1e-3)
    await preparer.close()
