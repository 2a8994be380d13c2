"""Hostile files are refused with a reason or neutralised, and cost neither time nor memory (SPEC 13)."""

from uuid import UUID

import pytest

from knowledge.load import UnreadableDocument, load, render_html
from knowledge.prepare import Preparer, PrepareSettings
from tests.knowledge.load.hostile import INJECTION, Hostile
from tests.knowledge.load.hostile_files import FILES

DOC = UUID("7b1e4d4c-0000-4000-8000-000000000009")


@pytest.mark.proves("LOAD-020")
@pytest.mark.timeout(30)
@pytest.mark.parametrize("hostile", FILES.values(), ids=FILES.keys())
def test_a_hostile_file_is_refused_or_neutralised(hostile: Hostile) -> None:
    if hostile.reason:
        with pytest.raises(UnreadableDocument) as refused:
            load(hostile.make(), hostile.name)
        assert refused.value.reason == hostile.reason
        assert refused.value.hint
        return
    text = load(hostile.make(), hostile.name).text
    assert hostile.said in text
    assert hostile.unsaid not in text


@pytest.mark.proves("LOAD-021")
@pytest.mark.parametrize("name", ["docm", "xlsm", "pptm"])
def test_a_macro_document_is_read_without_its_macros_and_says_so(name: str) -> None:
    document = load(FILES[name].make(), FILES[name].name)

    assert document.metadata["macros"] == "ignored"


@pytest.mark.proves("LOAD-020")
async def test_hostile_files_pass_through_one_reading_process_and_the_next_file_is_read() -> None:
    preparer = Preparer(PrepareSettings(time_limit_s=30, memory_mb=400))
    try:
        for name in ("docx bomb", "docx billion laughs", "bomb that lies about its size", "deep json"):
            with pytest.raises(UnreadableDocument) as refused:
                await preparer.read(FILES[name].make(), FILES[name].name, DOC)
            assert refused.value.reason == FILES[name].reason
        read = await preparer.read(FILES["prompt injection"].make(), "a.md", DOC)
        assert [piece.text for piece in read.chunks] == [INJECTION]
    finally:
        await preparer.close()


@pytest.mark.proves("LOAD-003")
def test_a_hostile_page_is_shown_without_anything_that_runs() -> None:
    document = load(FILES["script in html"].make(), "a.html")

    assert "steal" not in render_html(document, "Fares")
