"""Files as they arrive: named, measured, hashed and sniffed, one in memory at a time."""

import asyncio
import hashlib
import unicodedata
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from kit.errors import SwitchboardError
from knowledge.load import UnreadableDocument
from knowledge.load.sniff import sniff
from platform_api.library.errors import BadFileName, DocumentTooLarge, UnsupportedDocument

_MEGABYTE = 1024 * 1024
_PATH_LIMIT = 1000
_UNSUPPORTED = ("unsupported", "not_text")


class SentFile(Protocol):
    """What we need of an uploaded file (starlette's UploadFile, spooled to disk when large)."""

    @property
    def filename(self) -> str | None: ...
    @property
    def size(self) -> int | None: ...
    async def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that can be taken. `data` is dropped as soon as it is stored."""

    path: str
    sha256: str
    size: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    path: str
    error: SwitchboardError


async def arriving(files: Sequence[SentFile], max_file_mb: int) -> AsyncIterator[Arrived | Refused]:
    """Each file in order; a path that comes twice is refused the second time."""
    seen: set[str] = set()
    for file in files:
        try:
            path = path_of(file.filename or "")
            if path in seen:
                raise BadFileName(f"'{path}' is in this upload twice.")
            seen.add(path)
            yield await _read(file, path, max_file_mb)
        except SwitchboardError as error:
            yield Refused(_shown(file.filename or ""), error)


def _shown(filename: str) -> str:
    """A name that was refused, as it can be told and stored."""
    return "".join(one if one.isprintable() else "\ufffd" for one in filename[:_PATH_LIMIT])


async def _read(file: SentFile, path: str, max_file_mb: int) -> Arrived:
    size = file.size or 0
    if size > max_file_mb * _MEGABYTE:
        raise DocumentTooLarge(f"This file is {-(-size // _MEGABYTE)} MB; the limit is {max_file_mb} MB.")
    data = await file.read()
    digest = await asyncio.to_thread(_examine, data, path)
    return Arrived(path, digest, len(data), data)


def _examine(data: bytes, path: str) -> str:
    """The sha256 of a file that looks readable. Raises UnreadableDocument or UnsupportedDocument."""
    try:
        sniff(data, path)
    except UnreadableDocument as unreadable:
        if unreadable.reason in _UNSUPPORTED:
            raise UnsupportedDocument(unreadable.detail, hint=unreadable.hint) from unreadable
        raise
    return hashlib.sha256(data).hexdigest()


def path_of(filename: str) -> str:
    """A relative path with "/" and no steps upwards, in Unicode NFC. Raises BadFileName."""
    text = unicodedata.normalize("NFC", filename.replace("\\", "/")).strip()
    parts = [part for part in PurePosixPath(text).parts if part not in ("/", ".")]
    printable = all(character.isprintable() for character in text)
    if not parts or ".." in parts or len(text) > _PATH_LIMIT or not printable:
        raise BadFileName("The name of a file is empty, too long, or not a relative path.")
    return "/".join(parts)
