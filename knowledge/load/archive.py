"""Expands an uploaded ZIP archive into its files, one at a time, within limits. Nothing is written to a disk.

What makes the archive as a whole unacceptable is raised before its first file is read; what is wrong with one
file is yielded in its place, so that the others still go in (SPEC 13: decompression bombs, path names).
"""

import contextlib
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Literal

from knowledge.load.errors import UnreadableDocument

ArchiveCode = Literal[
    "unsafe_path", "symbolic_link", "encrypted", "nested_archive", "too_large", "too_complex",
    "duplicate", "unsupported", "corrupt",
]  # fmt: skip

# Compressed far better than text ever is; small repetitive files reach it without being a bomb.
_RATIO_MATTERS_FROM = 5_000_000
# Each takes some 600 bytes when the directory is read, before anything can be counted. Files inside that are
# ZIP containers themselves (DOCX …) have such records too.
_MAX_RECORDS = 100_000
_RECORD = b"PK\x01\x02"
_MAX_PATH = 500
_SPLIT = "Split it into several archives and send these."

# One of these names at the root makes a ZIP a document or a program of its own.
_CONTAINERS = frozenset({
    "[Content_Types].xml", "mimetype", "META-INF/MANIFEST.MF", "META-INF/container.xml",
    "AndroidManifest.xml", "Index/Document.iwa", "Index.zip", "content.xml", "extension.vsixmanifest",
})  # fmt: skip
_PACKED = (
    b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x28\xb5\x2f\xfd",
)  # fmt: skip
_LEFT_BEHIND = re.compile(r"^(?:__MACOSX|Thumbs\.db|desktop\.ini|~\$.*|\..*)$", re.IGNORECASE)
_DRIVE = re.compile(r"^[A-Za-z]:")
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
_UNICODE_PATH = 0x7075


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """entries: files in the archive. Bytes are counted unpacked; ratio is unpacked to packed."""

    entries: int = 2000
    total_bytes: int = 500_000_000
    entry_bytes: int = 25_000_000
    ratio: int = 200


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """path: relative, with '/' and without '.', '..', empty or hidden parts; unique in the archive."""

    path: str
    data: bytes


@dataclass(frozen=True, slots=True)
class ArchiveRefusal:
    """A file that stays out. `path` is as the archive names it: for people, never for a file system."""

    path: str
    code: ArchiveCode
    detail: str


def is_archive(data: bytes) -> bool:
    """Whether these bytes are a plain ZIP, and not a document or program that is packed as one."""
    if not data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return False
    try:
        names = {info.filename.lstrip("/") for info in _directory(data)}
    except UnreadableDocument as unreadable:
        return unreadable.reason == "too_complex"
    return not (names & _CONTAINERS)


def entries(data: bytes, limits: ArchiveLimits | None = None) -> Iterator[ArchiveFile | ArchiveRefusal]:
    """The files of an archive in its order; folders, hidden files and what macOS and Windows leave behind are
    skipped.

    Raises UnreadableDocument at once: corrupt, too_complex (more files or bytes than `limits`), empty.
    """
    bounds = limits or ArchiveLimits()
    wanted = [(info, path) for info in _directory(data) if not _is_skipped(path := _name(info))]
    if not wanted:
        raise UnreadableDocument("empty", "There is no file in the archive.")
    if len(wanted) > bounds.entries:
        what = f"The archive holds {len(wanted):,} files; the limit is {bounds.entries:,}."
        raise UnreadableDocument("too_complex", what, hint=_SPLIT)
    unpacked = sum(info.file_size for info, _ in wanted)
    if unpacked > bounds.total_bytes:
        limit = f"{bounds.total_bytes // 1_000_000:,} MB"
        what = f"Unpacked the archive takes {unpacked // 1_000_000:,} MB; the limit is {limit}."
        raise UnreadableDocument("too_complex", what, hint=_SPLIT)
    return _read_all(data, wanted, bounds)


def _directory(data: bytes) -> list[zipfile.ZipInfo]:
    if data.count(_RECORD) > _MAX_RECORDS:
        raise UnreadableDocument("too_complex", "The archive holds too many files.", hint=_SPLIT)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return archive.infolist()
    # zipfile raises NotImplementedError for versions that it does not know.
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, struct.error) as error:
        raise UnreadableDocument("corrupt", "It begins like a ZIP archive, but it is damaged.") from error


def _read_all(
    data: bytes, wanted: list[tuple[zipfile.ZipInfo, str]], bounds: ArchiveLimits
) -> Iterator[ArchiveFile | ArchiveRefusal]:
    taken: set[str] = set()
    with zipfile.ZipFile(BytesIO(data)) as archive:
        for info, name in wanted:
            path = _safe(name)
            refusal = _refusal(info, name, path, bounds)
            if refusal is None and path in taken:
                refusal = ArchiveRefusal(name, "duplicate", "The archive holds two files of this name.")
            yield refusal or _file(archive, info, path)
            taken.add(path)


def _file(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: str) -> ArchiveFile | ArchiveRefusal:
    try:
        with archive.open(info) as stream:
            # With a length zlib stops there; without one it unpacks all that a lying directory hides.
            content = stream.read(info.file_size + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        detail = "It is damaged inside the archive. Pack it again and send it."
        return ArchiveRefusal(path, "corrupt", detail)
    if is_archive(content) or content.startswith(_PACKED) or content[257:262] == b"ustar":
        detail = "It is an archive inside an archive. Unpack it and send the files that are inside."
        return ArchiveRefusal(path, "nested_archive", detail)
    return ArchiveFile(path, content)


def _refusal(info: zipfile.ZipInfo, name: str, path: str, bounds: ArchiveLimits) -> ArchiveRefusal | None:
    if not path:
        detail = "Its path leads out of the archive or is not a path. Pack it again with plain names."
        return ArchiveRefusal(name, "unsafe_path", detail)
    if not _is_regular(info):
        detail = "It is a link or a device, not a file. Put the file itself into the archive."
        return ArchiveRefusal(name, "symbolic_link", detail)
    if info.flag_bits & _ENCRYPTED:
        detail = "It is protected with a password. Pack it again without one."
        return ArchiveRefusal(name, "encrypted", detail)
    if info.compress_type not in _METHODS:
        detail = "It is packed by a method other than Deflate. Pack it again as an ordinary ZIP."
        return ArchiveRefusal(name, "unsupported", detail)
    return _too_big(info, name, bounds)


def _too_big(info: zipfile.ZipInfo, name: str, bounds: ArchiveLimits) -> ArchiveRefusal | None:
    if info.file_size > bounds.entry_bytes:
        size, limit = info.file_size / 1_000_000, bounds.entry_bytes / 1_000_000
        detail = f"It takes {size:,.1f} MB; the limit is {limit:g} MB. Split it and send the parts."
        return ArchiveRefusal(name, "too_large", detail)
    if info.file_size > max(_RATIO_MATTERS_FROM, bounds.ratio * info.compress_size):
        detail = f"It unpacks to more than {bounds.ratio} times its size. Send it by itself, not packed."
        return ArchiveRefusal(name, "too_complex", detail)
    return None


def _is_regular(info: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(info.external_attr >> 16)
    return kind in (0, stat.S_IFREG)


def _is_skipped(name: str) -> bool:
    if name.endswith("/"):
        return True
    # A path with '..' is refused aloud, not passed over as hidden.
    return any(_LEFT_BEHIND.match(part) and part not in (".", "..") for part in name.split("/"))


def _safe(name: str) -> str:
    """The path in its one spelling, or '' where it is not to be trusted."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    unsafe = (
        name.startswith("/")
        or _DRIVE.match(name) is not None
        or ".." in parts
        or len(name) > _MAX_PATH
        or any(unicodedata.category(letter) in {"Cc", "Cs", "Cf"} for letter in name)
    )
    return "" if unsafe else "/".join(parts)


def _name(info: zipfile.ZipInfo) -> str:
    """The name with '/', in Unicode: as the archive declares it, else as UTF-8 where its bytes are that."""
    name = _unicode_path(info.extra) or info.filename
    if not info.flag_bits & _UTF8_NAME and name is info.filename:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _unicode_path(extra: bytes) -> str:
    """The name in Info-ZIP's Unicode Path field (APPNOTE 4.6.9), or ''."""
    while len(extra) >= 4:
        kind, length = struct.unpack("<HH", extra[:4])
        if kind == _UNICODE_PATH and length > 5:
            return extra[9 : 4 + length].decode("utf-8", "replace")
        extra = extra[4 + length :]
    return ""
