"""What cannot be read is refused with the reason and the next step."""

import zipfile
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge.load import UnreadableDocument, load
from knowledge.load import pdf as pdf_loader
from knowledge.load.errors import HINTS
from tests.knowledge.load.made import blank_pdf, docx_file, pdf_file, xlsx_file, zip_bomb

PNG = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x10\x00\x00\x00\x10\x08\x02\x00\x00\x00" + b"\x00" * 50
)
OLD_WORD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600


def zipped(*names: str) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return target.getvalue()


@pytest.mark.proves("LOAD-001")
@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"", "a.md", "empty"),
        (b" \r\n\t", "a.txt", "empty"),
        (b"---\ntitle: Moved\nredirect_to: /new\n---\n", "a.md", "empty"),
        (b"<html><body><script>x()</script></body></html>", "a.html", "empty"),
        (blank_pdf(), "a.pdf", "empty"),
        (blank_pdf(scanned=True), "a.pdf", "needs_ocr"),
        (pdf_file(password="secret"), "a.pdf", "encrypted"),
        (pdf_file()[:400], "a.pdf", "corrupt"),
        (docx_file()[:5000], "a.docx", "corrupt"),
        (zipped("[Content_Types].xml", "word/document.xml"), "a.docx", "corrupt"),
        (zipped("[Content_Types].xml", "xl/workbook.xml"), "a.xlsx", "corrupt"),
        (OLD_WORD, "a.doc", "unsupported"),
        (OLD_WORD + "EncryptedPackage".encode("utf-16-le"), "a.docx", "encrypted"),
        (zipped("[Content_Types].xml", "ppt/presentation.xml"), "a.pptx", "corrupt"),
        (zipped("a.txt"), "a.zip", "unsupported"),
        (PNG, "a.md", "unsupported"),
        (b"<?xml version='1.0'?><a>b</a>", "a.xml", "unsupported"),
        (bytes(range(256)) * 40, "a.txt", "not_text"),
        (b'{"a": ', "a.json", "corrupt"),
        (b"# Title\n\nbroken \x81\x8d\x8f text\n", "a.md", "not_text"),
        (b"\xff\xfe\xfd odd bytes \x80\x81!", "a.txt", "not_text"),
        (zip_bomb(), "a.docx", "too_complex"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_kind_of_bad_file_gets_its_reason(data: bytes, name: str, reason: str) -> None:
    with pytest.raises(UnreadableDocument) as refused:
        load(data, name)

    assert refused.value.reason == refused.value.code == reason
    assert refused.value.detail.endswith(".")
    assert refused.value.hint


def test_a_picture_named_as_a_page_is_called_by_its_name() -> None:
    with pytest.raises(UnreadableDocument, match=r"It is an image .* though its name ends in \.md"):
        load(PNG, "page.md")


@pytest.mark.proves("LOAD-002")
def test_a_file_with_the_wrong_ending_is_read_as_what_it_is() -> None:
    assert load(docx_file(), "rules.pdf").content_type.endswith("wordprocessingml.document")
    assert load(xlsx_file(), "rates.md").content_type.endswith("spreadsheetml.sheet")
    assert load(b"<!doctype html><p>Hello</p>", "page.docx").content_type == "text/html"
    assert load(b"# Heading\n\n- one\n- two\n", "README").content_type == "text/markdown"
    assert load(b"Just words.", "notes.pdf").content_type == "text/plain"


def test_too_many_pages_are_refused_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_loader, "MAX_PAGES", 2)

    with pytest.raises(UnreadableDocument, match="It has 3 pages; the limit is 2") as refused:
        load(blank_pdf(pages=3), "a.pdf")

    assert refused.value.reason == "too_many_pages"


def test_the_error_is_a_problem_with_a_next_step() -> None:
    problem = UnreadableDocument("encrypted", "The PDF is protected with a password.").problem("req_1")

    assert problem.status == 422
    assert problem.code == "encrypted"
    assert problem.hint == HINTS["encrypted"]


@pytest.mark.proves("LOAD-001")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_files_never_raise_anything_else(data: st.DataObject) -> None:
    original = data.draw(st.sampled_from(_SAMPLES))
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(1, 20))):
        position = data.draw(st.integers(0, len(damaged) - 1))
        damaged[position] = data.draw(st.integers(0, 255))
    try:
        document = load(bytes(damaged[: data.draw(st.integers(10, len(damaged)))]), "file.bin")
    except UnreadableDocument:
        return
    assert document.blocks


@settings(max_examples=150, deadline=None)
@given(text=st.text(min_size=1), name=st.sampled_from(["a.md", "a.html", "a.txt", "a.csv", "a.json", "a"]))
def test_any_text_is_read_or_refused(text: str, name: str) -> None:
    try:
        document = load(text.encode(), name)
    except UnreadableDocument:
        return
    assert all(
        block.text.strip() == block.text.strip("\n") or block.kind == "code" for block in document.blocks
    )
    assert "\n\n" not in "".join(block.text for block in document.blocks)


_SAMPLES = [
    docx_file(),
    xlsx_file(),
    pdf_file(),
    b"---\ntitle: x\n---\n# A\n\n|a|b|\n|-|-|\n|1|2|\n<div>x</div>\n",
]
