"""A folder on this server, under a root that the operator allows.

Every step down is opened relative to the one before and without following links (openat, O_NOFOLLOW), so
that a link planted meanwhile leads nowhere.
"""

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from knowledge.gather.found import Found, GatherFailed, Mark, State
from knowledge.gather.globs import Globs
from knowledge.gather.mapping import LARGEST, MAPPING, NOT_DOCUMENTS, Rules, rules_of

MOST_FILES = 100_000
LONGEST_PATH = 1000
_MEGABYTE = 1024 * 1024
_STEP = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_MISSING = "This folder is not there, or not one that may be read."
_MISSING_HINT = "Ask an operator to name it, or a folder above it, in SWITCHBOARD_SOURCES__FOLDERS."


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str
    size: int
    mtime_ns: int
    regular: bool

    @property
    def modified(self) -> datetime:
        return datetime.fromtimestamp(self.mtime_ns // 1_000_000_000, UTC)


class Folder:
    """Yields files in order of their paths; hidden ones and links are left out."""

    lists_all = True
    wait_s = None

    def __init__(
        self,
        folder: Path,
        roots: Sequence[Path],
        *,
        globs: Globs,
        max_bytes: int,
        known: Mapping[str, Mark],
        state: State,
        kept: State,
    ) -> None:
        self._folder = folder
        self._roots = roots
        self._globs = globs
        self._max_bytes = max_bytes
        self._known = known
        self._after: str = state.get("after", "")
        self._had_mapping = bool(kept.get("mapping"))
        self._rules = Rules()

    async def gather(self) -> AsyncGenerator[Found]:
        with opened_root(self._folder, self._roots) as root:
            self._rules = rules_of(await asyncio.to_thread(_mapping, root))
            require_mapping(self._rules, had=self._had_mapping)
            for entry in await asyncio.to_thread(_listed, root):
                if entry.path > self._after and self._wanted(entry.path):
                    found = await asyncio.to_thread(self._look, root, entry)
                    self._after = entry.path
                    yield found

    def state(self) -> State:
        return {"after": self._after}

    def kept(self) -> State:
        return {"mapping": self._rules.there}

    def passed_over(self) -> Mapping[str, int]:
        return {}

    def examples(self) -> list[tuple[str, str]]:
        return []

    def _wanted(self, path: str) -> bool:
        return path not in NOT_DOCUMENTS and self._globs.admit(path)

    def _look(self, root: int, entry: _Entry) -> Found:
        problem = self._problem(entry)
        if problem:
            return problem
        rules = self._rules.digest(entry.path)
        etag = f"{entry.mtime_ns}-{entry.size}-{rules}"
        mark = self._known.get(entry.path)
        if mark and mark.etag == etag:
            return Found(entry.path, "unchanged", etag=etag, sha256=mark.sha256)
        try:
            data = _read(root, entry.path, self._max_bytes)
        except OSError:
            return Found(entry.path, "failed", code="unreadable", detail="The file cannot be read here.")
        sha256 = hashlib.sha256(data).hexdigest()
        if mark and mark.sha256 == sha256 and mark.etag.endswith(f"-{rules}"):
            return Found(entry.path, "unchanged", etag=etag, last_modified=entry.modified, sha256=sha256)
        return Found(
            entry.path,
            "content",
            data=data,
            etag=etag,
            last_modified=entry.modified,
            sha256=sha256,
            rules=self._rules.of(entry.path),
        )

    def _problem(self, entry: _Entry) -> Found | None:
        if not entry.regular:
            detail = "Links and devices are not followed."
            return Found(entry.path, "skipped", code="not_a_file", detail=detail)
        if entry.size > self._max_bytes:
            detail = (
                f"It has {-(-entry.size // _MEGABYTE)} MB; the limit is {self._max_bytes // _MEGABYTE} MB."
            )
            return Found(entry.path, "failed", code="too_large", detail=detail)
        return None


def require_mapping(rules: Rules, *, had: bool) -> None:
    """A mapping file that vanished would open to everyone what it kept for some. Raises GatherFailed."""
    if had and not rules.there:
        raise GatherFailed(
            "mapping_gone",
            f"{MAPPING} is gone, which said who may read what, so nothing was read.",
            "Put it back, or delete this source and add it again without one.",
            lasting=True,
        )


@contextmanager
def opened_root(folder: Path, roots: Sequence[Path]) -> Generator[int]:
    """A descriptor of the folder, reached from an allowed root without a link. Raises GatherFailed."""
    try:
        resolved = folder.resolve(strict=True)
        allowed = next(root for each in roots if resolved.is_relative_to(root := each.resolve()))
        start = os.open(allowed, _STEP | os.O_DIRECTORY)
    except (OSError, RuntimeError, ValueError, StopIteration) as error:
        raise GatherFailed("folder_missing", _MISSING, _MISSING_HINT, lasting=True) from error
    try:
        descriptor = _beneath(start, resolved.relative_to(allowed).parts, os.O_DIRECTORY)
    except OSError as error:
        raise GatherFailed("folder_missing", _MISSING, _MISSING_HINT, lasting=True) from error
    finally:
        os.close(start)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _beneath(start: int, parts: Sequence[str], last: int) -> int:
    """Opens one step at a time; `last` are the flags for the final one. Raises OSError."""
    current = os.dup(start)
    for number, part in enumerate(parts, 1):
        flags = last if number == len(parts) else os.O_DIRECTORY
        try:
            following = os.open(part, _STEP | flags, dir_fd=current)
        finally:
            os.close(current)
        current = following
    return current


def _listed(root: int) -> list[_Entry]:
    """Raises GatherFailed for more files than one source may have."""
    found: list[_Entry] = []
    walk = os.fwalk(".", onerror=_unlistable, dir_fd=root, follow_symlinks=False)
    for folder, folders, files, descriptor in walk:
        folders[:] = [name for name in folders if not name.startswith(".")]
        prefix = folder[2:] + "/" if folder != "." else ""
        for name in files:
            path = prefix + name
            if not name.startswith(".") and _nameable(path):
                found.append(_entry(path, name, descriptor))
        if len(found) > MOST_FILES:
            raise GatherFailed(
                "too_many_files",
                f"There are more than {MOST_FILES} files in it.",
                "Add its sub-folders as sources of their own.",
                lasting=True,
            )
    return sorted(found, key=lambda entry: entry.path)


def _unlistable(error: OSError) -> None:
    """What is in a folder that we cannot list is not gone."""
    raise GatherFailed("unreadable", "A folder in it cannot be listed, so nothing was read.") from error


def _nameable(path: str) -> bool:
    return path.isprintable() and len(path) <= LONGEST_PATH


def _entry(path: str, name: str, folder: int) -> _Entry:
    try:
        about = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return _Entry(path, 0, 0, regular=False)
    return _Entry(path, about.st_size, about.st_mtime_ns, stat.S_ISREG(about.st_mode))


def _read(root: int, path: str, max_bytes: int) -> bytes:
    # O_NONBLOCK: what was a file when it was listed may be a pipe by now.
    descriptor = _beneath(root, path.split("/"), os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError("not a file any more")
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise OSError("it has grown beyond the limit")
    return data


def _mapping(root: int) -> bytes | None:
    try:
        return _read(root, MAPPING, LARGEST)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise GatherFailed("bad_mapping", f"{MAPPING} cannot be read, so nothing was.") from error
