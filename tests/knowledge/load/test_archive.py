"""Archives: what is inside goes in file by file, what is dangerous or unreadable is refused by name."""

import stat
import struct
import zipfile
import zlib
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.load import UnreadableDocument
from knowledge.load.archive import ArchiveFile, ArchiveLimits, ArchiveRefusal, entries, is_archive
from tests.knowledge.load.made import docx_file, pdf_file, xlsx_file


def packed(*files: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            archive.writestr(name, data)
    return target.getvalue()


def outcome(data: bytes, limits: ArchiveLimits | None = None) -> list[tuple[str, str]]:
    """(path, 'ok' or the code of the refusal)"""
    return [
        (one.path, one.code if isinstance(one, ArchiveRefusal) else "ok") for one in entries(data, limits)
    ]


@pytest.mark.proves("LOAD-010")
def test_the_files_come_out_in_order_and_what_systems_leave_behind_is_skipped() -> None:
    data = packed(
        ("rules/", b""),
        ("rules/fees.md", b"# Fees"),
        ("__MACOSX/rules/._fees.md", b"\0\5"),
        ("rules/.DS_Store", b"x"),
        (".git/config", b"x"),
        ("Thumbs.db", b"x"),
        ("~$fees.docx", b"x"),
        ("./rules//empty.txt", b""),
    )

    assert list(entries(data)) == [
        ArchiveFile("rules/fees.md", b"# Fees"),
        ArchiveFile("rules/empty.txt", b""),
    ]


@pytest.mark.proves("LOAD-011")
@pytest.mark.parametrize(
    "path",
    ["../../etc/passwd", "a/../../b.md", "/etc/passwd", "C:/x.md", "..\\..\\x.md", "a\nb.md", "x" * 501],
)
def test_paths_that_lead_elsewhere_are_refused_and_the_rest_goes_in(path: str) -> None:
    found = list(entries(packed((path, b"x"), ("good.md", b"y"))))

    assert [getattr(one, "code", "ok") for one in found] == ["unsafe_path", "ok"]


@pytest.mark.proves("LOAD-011")
def test_links_are_refused() -> None:
    link = zipfile.ZipInfo("passwords")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16

    assert outcome(packed((link, b"/etc/passwd"))) == [("passwords", "symbolic_link")]


@pytest.mark.proves("LOAD-011")
def test_archives_inside_archives_are_refused_but_office_files_are_not_archives() -> None:
    inner = packed(("a.md", b"x"))
    data = packed(
        ("in.zip", inner), ("rules.docx", docx_file()), ("x.tar.gz", b"\x1f\x8b\x08"), ("p.pdf", pdf_file())
    )

    assert outcome(data) == [
        ("in.zip", "nested_archive"),
        ("rules.docx", "ok"),
        ("x.tar.gz", "nested_archive"),
        ("p.pdf", "ok"),
    ]


@pytest.mark.proves("LOAD-011")
def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = packed(("zeros.txt", b"0" * 20_000_000), ("small.md", b"x"))

    assert outcome(bomb) == [("zeros.txt", "too_complex"), ("small.md", "ok")]
    assert outcome(bomb, ArchiveLimits(entry_bytes=1000)) == [("zeros.txt", "too_large"), ("small.md", "ok")]
    with pytest.raises(UnreadableDocument, match="Unpacked the archive takes 20 MB; the limit is 1 MB"):
        entries(bomb, ArchiveLimits(total_bytes=1_000_000))


@pytest.mark.proves("LOAD-011")
def test_a_bomb_that_lies_about_its_size_is_not_unpacked_further_than_it_says() -> None:
    honest = packed(("zeros.txt", b"0" * 50_000_000))
    lying = honest.replace(struct.pack("<L", 50_000_000), struct.pack("<L", 1000))

    assert outcome(lying) == [("zeros.txt", "corrupt")]


@pytest.mark.proves("LOAD-011")
def test_too_many_files_are_refused_as_a_whole() -> None:
    data = packed(*[(f"{number}.md", b"x") for number in range(11)])

    with pytest.raises(UnreadableDocument, match="holds 11 files; the limit is 10") as refused:
        entries(data, ArchiveLimits(entries=10))

    assert refused.value.hint == "Split it into several archives and send these."


def test_files_with_a_password_or_a_rare_method_are_refused_by_name() -> None:
    locked = bytearray(packed(("a.md", b"x")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(signature) + offset] |= 1
    rare = BytesIO()
    with zipfile.ZipFile(rare, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("b.md", b"x")

    assert outcome(bytes(locked)) == [("a.md", "encrypted")]
    assert outcome(rare.getvalue()) == [("b.md", "unsupported")]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_told_apart() -> None:
    assert outcome(packed(("a.md", b"x"), ("a.md", b"y"))) == [("a.md", "ok"), ("a.md", "duplicate")]


def test_names_are_read_in_the_encoding_that_they_were_written_in() -> None:
    utf8_without_flag = packed(("XXXXXXXX.md", b"x")).replace(b"XXXXXXXX", "Größe1".encode())
    extra = zipfile.ZipInfo("?.md")
    name = "Gebühren.md".encode()
    extra.extra = struct.pack("<HHBL", 0x7075, 5 + len(name), 1, zlib.crc32(b"?.md")) + name

    assert outcome(utf8_without_flag) == [("Größe1.md", "ok")]
    assert outcome(packed((extra, b"x"))) == [("Gebühren.md", "ok")]
    assert outcome(packed(("Cafe\u0301.md", b"x"))) == [("Café.md", "ok")]


def test_only_plain_archives_are_archives() -> None:
    assert is_archive(packed(("a.md", b"x")))
    assert is_archive(packed(("folder/[Content_Types].xml", b"x")))
    for document in (
        docx_file(),
        xlsx_file(),
        packed(("META-INF/MANIFEST.MF", b"x")),
        pdf_file(),
        b"text",
        b"",
    ):
        assert not is_archive(document)
    assert not is_archive(packed(("a.md", b"x"))[:40])


@pytest.mark.proves("LOAD-011")
@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_damaged_archive_gives_files_refusals_or_one_reason(data: st.DataObject) -> None:
    damaged = bytearray(packed(("a/b.md", b"text " * 50), ("c.csv", b"1,2")))
    for _ in range(data.draw(st.integers(1, 12))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = list(entries(bytes(damaged)))
    except UnreadableDocument:
        return
    for one in found:
        assert isinstance(one, ArchiveRefusal) or not (
            one.path.startswith("/") or ".." in one.path.split("/")
        )
