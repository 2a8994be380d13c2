"""A repository to read from. Nothing is checked out, so no hook, filter or attribute of it ever runs."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dulwich.errors import NotGitRepository
from dulwich.object_store import BaseObjectStore
from dulwich.refs import Ref
from dulwich.repo import Repo

from knowledge.gather.folder import opened_root
from knowledge.gather.found import GatherFailed


@dataclass(frozen=True, slots=True)
class Head:
    """`branch`: as it is called, where that is known."""

    commit: bytes
    branch: str


class Repository(Protocol):
    async def head(self, branch: str) -> Head:
        """The newest commit of the branch; of the repository's own head for "". Raises GatherFailed."""
        ...

    def objects(self, head: Head) -> AbstractAsyncContextManager[BaseObjectStore]:
        """At least the commit's tree, while the context lasts. Raises GatherFailed."""
        ...


class LocalRepository:
    """One under an allowed root, bare or not, whose objects are its own."""

    def __init__(self, path: Path, roots: Sequence[Path]) -> None:
        self._path = path
        self._roots = roots

    async def head(self, branch: str) -> Head:
        return await asyncio.to_thread(self._head, branch)

    def _head(self, branch: str) -> Head:
        with self._opened() as repo:
            try:
                if branch:
                    return Head(repo.refs[Ref(b"refs/heads/" + branch.encode())], branch)
                followed = repo.refs.follow(Ref(b"HEAD"))
                commit = followed[1]
                if commit is None:
                    raise KeyError("HEAD")
                return Head(commit, followed[0][-1].decode("utf-8", "replace").removeprefix("refs/heads/"))
            except (KeyError, ValueError) as error:
                raise no_branch(branch) from error

    @asynccontextmanager
    async def objects(self, head: Head) -> AsyncGenerator[BaseObjectStore]:
        repo = await asyncio.to_thread(self._opened)
        try:
            yield repo.object_store
        finally:
            repo.close()

    def _opened(self) -> Repo:
        with opened_root(self._path, self._roots):
            path = self._path.resolve()
        control = path if (path / "objects").is_dir() and not (path / ".git").exists() else path / ".git"
        # A pointer instead of a folder, borrowed objects or links would lead out of the allowed folder.
        odd = [control / name for name in ("commondir", "objects/info/alternates", "gitdir")]
        linked = any(each.is_symlink() for each in (control, control / "objects", control / "refs"))
        if not control.is_dir() or linked or any(each.exists() for each in odd):
            raise GatherFailed(
                "no_repository",
                "There is no git repository of its own in this folder.",
                "A work tree of another repository, or one that borrows objects, cannot be read: clone it.",
                lasting=True,
            )
        try:
            return Repo(str(path))
        except (NotGitRepository, OSError, ValueError) as error:
            raise GatherFailed(
                "no_repository", "There is no git repository in this folder.", "Check the path.", lasting=True
            ) from error


def no_branch(branch: str) -> GatherFailed:
    what = f"no branch '{branch}'" if branch else "no commit yet"
    return GatherFailed(
        "no_branch", f"The repository has {what}.", "Add the source again with another branch.", lasting=True
    )
