"""The files of one commit, in order of their paths; a blob's id says whether a file has changed."""

import asyncio
import hashlib
import stat
import zlib
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from dulwich.errors import FileFormatException
from dulwich.object_store import BaseObjectStore
from dulwich.objects import Blob, Commit, ObjectID, Tree, TreeEntry

from knowledge.gather.folder import LONGEST_PATH, MOST_FILES, require_mapping
from knowledge.gather.found import Found, GatherFailed, Mark, State
from knowledge.gather.git.repository import Head, Repository
from knowledge.gather.git.web_view import web_address
from knowledge.gather.globs import Globs
from knowledge.gather.mapping import LARGEST, MAPPING, NOT_DOCUMENTS, Rules, rules_of

_DEEPEST = 50
BROKEN = (KeyError, ValueError, zlib.error, FileFormatException)
"""What reading an object raises that is not there, not sent, too large or damaged."""
_MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    blob: ObjectID


class GitTree:
    """See Gatherer. Where the branch stands as it did, nothing is fetched at all."""

    lists_all = True
    wait_s = None

    def __init__(
        self,
        repository: Repository,
        *,
        branch: str,
        folder: str,
        web_view: str,
        globs: Globs,
        max_bytes: int,
        known: Mapping[str, Mark],
        state: State,
        kept: State,
    ) -> None:
        self._repository = repository
        self._branch = branch
        self._folder = folder.strip("/")
        self._web_view = web_view
        self._globs = globs
        self._max_bytes = max_bytes
        self._known = known
        self._state = state
        self._kept = kept
        self._head = Head(b"", "")
        self._after = ""
        self._rules = Rules(there=bool(kept.get("mapping")))

    async def gather(self) -> AsyncGenerator[Found]:
        self._head = await self._repository.head(self._branch)
        commit = self._head.commit.decode()
        # The branch may have moved since the part before: then it begins anew.
        self._after = self._state.get("after", "") if self._state.get("commit") == commit else ""
        if commit == self._kept.get("commit") and all(mark.etag for mark in self._known.values()):
            for path, mark in sorted(self._known.items()):
                yield Found(path, "unchanged", self._url(path), etag=mark.etag, sha256=mark.sha256)
            return
        async with self._repository.objects(self._head) as objects:
            files = await asyncio.to_thread(self._files, objects)
            for file in files:
                if file.path > self._after and self._wanted(file.path):
                    found = await asyncio.to_thread(self._look, objects, file)
                    self._after = file.path
                    yield found

    def state(self) -> State:
        return {"commit": self._head.commit.decode(), "after": self._after}

    def kept(self) -> State:
        return {"commit": self._head.commit.decode(), "mapping": self._rules.there}

    def passed_over(self) -> Mapping[str, int]:
        return {}

    def examples(self) -> list[tuple[str, str]]:
        return []

    def _wanted(self, path: str) -> bool:
        return path not in NOT_DOCUMENTS and self._globs.admit(path)

    def _url(self, path: str) -> str | None:
        whole = f"{self._folder}/{path}" if self._folder else path
        commit = self._head.commit.decode()
        return web_address(self._web_view, branch=self._head.branch, commit=commit, path=whole)

    def _files(self, objects: BaseObjectStore) -> list[_File]:
        """Raises GatherFailed."""
        try:
            commit = objects[ObjectID(self._head.commit)]
            if not isinstance(commit, Commit):
                raise GatherFailed("no_branch", "The branch is no commit.", lasting=True)
            root = _folder(objects, commit.tree, self._folder)
            files = sorted(_walk(objects, root, "", 0), key=lambda file: file.path)
            mapping = next((file for file in files if file.path == MAPPING), None)
            said = _data(objects, mapping.blob, LARGEST) if mapping else None
        except BROKEN as error:
            raise GatherFailed("bad_response", "The repository is not whole.", "Try again later.") from error
        self._rules = rules_of(said)
        require_mapping(self._rules, had=bool(self._kept.get("mapping")))
        return files

    def _look(self, objects: BaseObjectStore, file: _File) -> Found:
        url = self._url(file.path)
        etag = f"{file.blob.decode()}-{self._rules.digest(file.path)}"
        mark = self._known.get(file.path)
        if mark and mark.etag == etag:
            return Found(file.path, "unchanged", url, etag=etag, sha256=mark.sha256)
        try:
            data = _data(objects, file.blob, self._max_bytes)
        except BROKEN:
            detail = f"It is larger than the limit of {self._max_bytes // _MEGABYTE} MB."
            return Found(file.path, "failed", url, code="too_large", detail=detail)
        rules = self._rules.of(file.path)
        sha256 = hashlib.sha256(data).hexdigest()
        return Found(file.path, "content", url, data=data, etag=etag, sha256=sha256, rules=rules)


def _folder(objects: BaseObjectStore, tree: ObjectID, folder: str) -> ObjectID:
    for part in PurePosixPath(folder).parts:
        entries = {entry.path: entry for entry in _entries(objects, tree)}
        entry = entries.get(part.encode())
        if entry is None or not stat.S_ISDIR(entry.mode or 0):
            raise GatherFailed(
                "no_folder",
                f"The repository has no folder '{folder}' any more.",
                "Add the source again with the folder as it is called now.",
                lasting=True,
            )
        tree = entry.sha
    return tree


def _walk(objects: BaseObjectStore, tree: ObjectID, prefix: str, depth: int) -> Iterator[_File]:
    """Raises GatherFailed for a tree without end: a few objects can stand for billions of files."""
    waiting, count = [(tree, prefix, depth)], 0
    while waiting:
        tree, prefix, depth = waiting.pop()
        for entry in _entries(objects, tree):
            count += 1
            if count > MOST_FILES or depth > _DEEPEST:
                raise GatherFailed(
                    "too_many_files",
                    f"There are more than {MOST_FILES} files in it, or folders too deep.",
                    "Add its sub-folders as sources of their own.",
                    lasting=True,
                )
            name = _name(entry.path)
            if name is None or len(prefix + name) > LONGEST_PATH:
                continue
            if stat.S_ISDIR(entry.mode or 0):
                waiting.append((entry.sha, f"{prefix}{name}/", depth + 1))
            elif stat.S_ISREG(entry.mode or 0):  # neither links nor submodules
                yield _File(prefix + name, entry.sha)


def _entries(objects: BaseObjectStore, tree: ObjectID) -> list[TreeEntry]:
    found = objects[tree]
    return list(found.iteritems()) if isinstance(found, Tree) else []


def _name(raw: bytes | None) -> str | None:
    """None for what is hidden or cannot be a part of a path."""
    name = (raw or b"").decode("utf-8", "replace")
    usable = name.isprintable() and "/" not in name and "\\" not in name and "\ufffd" not in name
    return name if usable and not name.startswith(".") and name else None


def _data(objects: BaseObjectStore, blob: ObjectID, max_bytes: int) -> bytes:
    """Raises KeyError where it was not sent, ValueError where it is too large."""
    found = objects[blob]
    if not isinstance(found, Blob) or found.raw_length() > max_bytes:
        raise ValueError("too large")
    return found.data
