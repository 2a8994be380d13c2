"""A store of files in a folder: for the all-in-one, or on a shared volume."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from kit.files import write_whole
from ports.blobs.port import BlobMissing, Stored, check_key

_BATCH: Final = 500
_ABANDONED: Final = timedelta(hours=1)


class FolderBlobs:
    """One file per key below `root`, 0600 in folders of 0700; written aside, then renamed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    async def put(self, key: str, data: bytes) -> None:
        await asyncio.to_thread(write_whole, self._path(key), data)

    async def get(self, key: str) -> bytes:
        path = self._path(key)
        try:
            return await asyncio.to_thread(path.read_bytes)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise BlobMissing(key) from error

    async def delete(self, key: str) -> None:
        path = self._path(key)
        with suppress(FileNotFoundError, NotADirectoryError):
            await asyncio.to_thread(path.unlink)

    async def list(self, prefix: str) -> AsyncIterator[Stored]:
        files = _files(self._path(prefix), self._root)
        while batch := await asyncio.to_thread(lambda: list(islice(files, _BATCH))):
            for stored in batch:
                yield stored

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)


def _files(folder: Path, root: Path) -> Iterator[Stored]:
    """Depth first; what disappears meanwhile is not told. Abandoned drafts are cleared away."""
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), root)
            continue
        with suppress(FileNotFoundError):
            found = entry.stat(follow_symlinks=False)
            changed = datetime.fromtimestamp(found.st_mtime, UTC)
            if not entry.name.startswith("."):
                yield Stored(str(Path(entry.path).relative_to(root)), found.st_size, changed)
            elif datetime.now(UTC) - changed > _ABANDONED:
                # A dot begins no key: it is what a crash left of a file that was being written.
                os.unlink(entry.path)
