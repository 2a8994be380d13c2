"""Files as they arrive: unpacked, named, measured, hashed and sniffed, one in memory at a time."""

import asyncio
import hashlib
import unicodedata
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from kit.errors import SwitchboardError
from knowledge.load import UnreadableDocument
from knowledge.load.archive import ArchiveFile, ArchiveLimits, ArchiveRefusal, entries, is_archive
from knowledge.load.sniff import sniff
from platform_api.library.errors import (
    ArchiveFileRefused,
    BadFileName,
    DocumentTooLarge,
    UnsupportedDocument,
)
from platform_api.library.settings import LibrarySettings

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


@dataclass(slots=True)
class _Room:
    """How much the archives of one upload may still unpack to, all together: small ones hold a lot."""

    settings: LibrarySettings
    files: int = 0
    size: int = 0
    """Both: what came out of them so far."""

    def limits(self) -> ArchiveLimits:
        return ArchiveLimits(
            entries=self.settings.max_archive_files - self.files,
            total_bytes=self.settings.max_archive_mb * _MEGABYTE - self.size,
            entry_bytes=self.settings.max_file_mb * _MEGABYTE,
        )

    def entries(self, data: bytes) -> Iterator[ArchiveFile | ArchiveRefusal]:
        """Raises UnreadableDocument."""
        try:
            return entries(data, self.limits())
        except UnreadableDocument as unreadable:
            if unreadable.reason != "too_complex" or not self.files:
                raise
            what = (
                f"The archives of this upload hold more than {self.settings.max_archive_files:,} files or "
                f"{self.settings.max_archive_mb:,} MB together."
            )
            raise UnreadableDocument(
                "too_complex", what, hint="Send it in an upload of its own."
            ) from unreadable

    def take(self, member: ArchiveFile | ArchiveRefusal) -> None:
        self.files += 1
        self.size += len(member.data) if isinstance(member, ArchiveFile) else 0


async def arriving(files: Sequence[SentFile], settings: LibrarySettings) -> AsyncIterator[Arrived | Refused]:
    """Each file in order, those of an archive one by one; a path that comes twice is refused then."""
    seen: set[str] = set()
    room = _Room(settings)
    for file in files:
        async for one in _each(file, settings, room):
            if isinstance(one, Arrived) and one.path in seen:
                yield Refused(one.path, BadFileName(f"'{one.path}' is in this upload twice."))
            else:
                seen.add(one.path)
                yield one


async def arrived(path: str, data: bytes, settings: LibrarySettings) -> Arrived | Refused:
    """One file whose bytes are here already."""
    try:
        _check_size(len(data), settings)
        return await _examined(path_of(path), data)
    except SwitchboardError as error:
        return Refused(_shown(path), error)


async def _each(file: SentFile, settings: LibrarySettings, room: _Room) -> AsyncIterator[Arrived | Refused]:
    name = file.filename or ""
    try:
        path = path_of(name)
        _check_size(file.size or 0, settings)
        data = await file.read()
        if not await asyncio.to_thread(is_archive, data):
            yield await _examined(path, data)
            return
        members = await asyncio.to_thread(room.entries, data)
    except SwitchboardError as error:
        yield Refused(_shown(name), error)
        return
    async for member in _unpacked(members, path.rpartition("/")[0], room):
        yield member


async def _unpacked(
    members: Iterator[ArchiveFile | ArchiveRefusal], folder: str, room: _Room
) -> AsyncIterator[Arrived | Refused]:
    """The files of an archive, with their paths in it below the folder that it was sent from."""
    while (member := await asyncio.to_thread(next, members, None)) is not None:
        room.take(member)
        path = f"{folder}/{member.path}" if folder else member.path
        try:
            if isinstance(member, ArchiveRefusal):
                raise ArchiveFileRefused(member.code, member.detail)
            yield await _examined(path_of(path), member.data)
        except SwitchboardError as error:
            yield Refused(_shown(path), error)


def _shown(filename: str) -> str:
    """A name that was refused, as it can be told and stored."""
    return "".join(one if one.isprintable() else "\ufffd" for one in filename[:_PATH_LIMIT])


def _check_size(size: int, settings: LibrarySettings) -> None:
    limit = settings.max_file_mb
    if size > limit * _MEGABYTE:
        raise DocumentTooLarge(f"This file is {-(-size // _MEGABYTE)} MB; the limit is {limit} MB.")


async def _examined(path: str, data: bytes) -> Arrived:
    return Arrived(path, await asyncio.to_thread(_examine, data, path), len(data), data)


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
