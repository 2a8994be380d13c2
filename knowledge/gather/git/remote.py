"""A repository behind https: dulwich speaks git, our guarded fetcher speaks HTTP (SPEC 13)."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import IO, Any, cast

from dulwich.client import AbstractHttpGitClient, HTTPUnauthorized
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository
from dulwich.object_store import BaseObjectStore
from dulwich.objects import ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo

from knowledge.gather.found import GatherFailed
from knowledge.gather.git.repository import Head, no_branch
from ports.http import AddressRefused, Fetched, Fetcher, FetchFailed, FetchLimits

_MEGABYTE = 1024 * 1024
_SPOOL = 8 * _MEGABYTE
_REFS = FetchLimits(max_bytes=16 * _MEGABYTE, within_s=60.0)
_SYMBOLIC = (Ref(b"HEAD"),)


class RemoteRepository:
    """Fetches the newest commit only, without history, into a folder that lives as long as the reading."""

    def __init__(
        self,
        fetcher: Fetcher,
        url: str,
        *,
        may_follow: Callable[[str], bool],
        max_bytes: int = 500 * _MEGABYTE,
        max_blob: int = 25 * _MEGABYTE,
        within_s: float = 600.0,
    ) -> None:
        self._fetcher = fetcher
        self._url = url
        self._may_follow = may_follow
        self._pack = FetchLimits(max_bytes=max_bytes, within_s=within_s)
        self._max_blob = max_blob

    async def head(self, branch: str) -> Head:
        found = await self._with_client(lambda client: client.get_refs(""))
        if branch:
            ref = Ref(b"refs/heads/" + branch.encode())
        else:
            ref = next((found.symrefs[name] for name in _SYMBOLIC if name in found.symrefs), Ref(b"HEAD"))
        commit = found.refs.get(ref) or (None if branch else found.refs.get(Ref(b"HEAD")))
        if commit is None:
            raise no_branch(branch)
        return Head(commit, branch or ref.decode("utf-8", "replace").removeprefix("refs/heads/"))

    @asynccontextmanager
    async def objects(self, head: Head) -> AsyncGenerator[BaseObjectStore]:
        with tempfile.TemporaryDirectory(prefix="switchboard-git-") as folder:
            repo = await asyncio.to_thread(Repo.init_bare, folder)
            try:
                await self._with_client(lambda client: self._fetch(client, repo, head))
                yield repo.object_store
            finally:
                repo.close()

    def _fetch(self, client: AbstractHttpGitClient, repo: Repo, head: Head) -> None:
        def wanted(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
            return [cast(ObjectID, head.commit)]

        # What is larger than we take is not even sent, where the server can leave it out.
        only = b"blob:limit=%d" % self._max_blob
        client.fetch("", repo, wanted, depth=1, filter_spec=only)

    async def _with_client(self, use: Callable[[AbstractHttpGitClient], Any]) -> Any:
        loop = asyncio.get_running_loop()

        def send(url: str, headers: dict[str, str], data: bytes | None, into: IO[bytes]) -> Fetched:
            limits = _REFS if data is None else self._pack
            asked = self._fetcher.fetch(
                url, headers=headers, data=data, into=into, limits=limits, may_follow=self._may_follow
            )
            answer: Future[Fetched] = asyncio.run_coroutine_threadsafe(asked, loop)
            return answer.result()

        try:
            return await asyncio.to_thread(lambda: use(_Client(self._url, send)))
        except AddressRefused as error:
            raise GatherFailed(error.code, error.detail, error.hint, lasting=True) from error
        except FetchFailed as error:
            raise GatherFailed(error.why, error.detail, error.hint) from error
        except (NotGitRepository, HTTPUnauthorized) as error:
            raise GatherFailed(
                "no_repository",
                "There is no git repository at this address that can be read without a sign-in.",
                "Check the address. A private repository can be cloned here and added as a path.",
                lasting=True,
            ) from error
        except (GitProtocolError, HangupException, ValueError, KeyError, AssertionError) as error:
            raise GatherFailed("bad_response", "The git server's answer could not be understood.") from error


@dataclass(slots=True)
class _Response:
    """What dulwich looks at in urllib3's."""

    status: int
    content_type: str | None
    redirect_location: str
    file: IO[bytes]
    headers: dict[str, str] = field(default_factory=dict[str, str])

    def close(self) -> None:
        self.file.close()


_Send = Callable[[str, dict[str, str], bytes | None, IO[bytes]], Fetched]


class _Client(AbstractHttpGitClient):
    def __init__(self, url: str, send: _Send) -> None:
        super().__init__(url, dumb=False, quiet=True)
        self._send = send

    def _http_request(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        data: bytes | Iterator[bytes] | None = None,
        raise_for_status: bool = True,
    ) -> tuple[Any, Callable[[int], bytes]]:
        body = data if data is None or isinstance(data, bytes) else b"".join(data)
        file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOL)  # noqa: SIM115  closed by the response
        sent = {name: value for name, value in (headers or {}).items() if name.lower() != "content-length"}
        try:
            fetched = self._send(url, sent, body, file)
            if raise_for_status:
                _raise_for(fetched)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        moved = fetched.url if fetched.url != url else ""
        answer = _Response(fetched.status, fetched.headers.get("content-type"), moved, file)
        return answer, file.read


def _raise_for(fetched: Fetched) -> None:
    if fetched.status in (401, 403, 404):
        raise NotGitRepository
    if fetched.status != 200:
        raise GitProtocolError(f"HTTP {fetched.status}")
