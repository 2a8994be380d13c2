"""From what somebody asked for to a gatherer: checked when a source is added, and again at every run."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

from access.principal import Principal
from kit.errors import Invalid
from kit.wire.sources import CreateSource
from knowledge.gather import Folder, Gatherer, GatherFailed, Globs, Mark, State
from knowledge.gather.folder import opened_root
from platform_api.library.errors import ServerPathForbidden
from platform_api.library.settings import LibrarySettings
from platform_api.library.sources_settings import SourcesSettings
from ports.http import AddressRefused, Fetcher, Guard, OutboundSettings, Resolver

if TYPE_CHECKING:
    from knowledge.gather.git import Repository

_MEGABYTE = 1024 * 1024
_BRANCH = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_./+-]*[A-Za-z0-9_+-])?\Z")


class Gatherers:
    def __init__(
        self,
        settings: SourcesSettings,
        library: LibrarySettings,
        resolver: Resolver,
        outbound: OutboundSettings,
    ) -> None:
        self._settings = settings
        self._max_bytes = library.max_file_mb * _MEGABYTE
        self._guard = Guard(outbound, resolver)
        self._agent = f"SwitchboardBot/0.1 (+{outbound.contact})"

    async def check(self, principal: Principal, asked: CreateSource) -> str:
        """The name of the source. Raises Invalid with the field, Forbidden."""
        _check_fields(asked)
        if asked.max_pages and asked.max_pages > self._settings.most_pages:
            raise Invalid(f"Field 'max_pages': at most {self._settings.most_pages}.")
        if asked.path is not None:
            return await self._check_path(principal, asked.path)
        url = asked.url or ""
        try:
            await self._guard.check(url)
            name = self._check_git_url(url) if asked.kind == "git" else _site_name(url)
        except AddressRefused as error:
            raise Invalid(f"Field 'url': {error.detail}", hint=error.hint) from error
        except ValueError as error:
            raise Invalid("Field 'url': this is no address of a web site.") from error
        return name

    def allow(self, principal: Principal, asked: CreateSource) -> None:
        """Before each run: what only admins may add runs only while its creator is one. Raises Forbidden."""
        if asked.path is not None and not principal.may("manage_org_kb"):
            raise ServerPathForbidden

    async def _check_path(self, principal: Principal, path: str) -> str:
        if not principal.may("manage_org_kb"):
            raise ServerPathForbidden
        roots = self._settings.roots(principal.organisation_id)
        try:
            if not path.isprintable() or not path.startswith("/"):
                raise GatherFailed("bad_path", "It is not a path from the root of the server.")
            await asyncio.to_thread(_open, Path(path), roots)
        except GatherFailed as error:
            raise Invalid(f"Field 'path': {error.detail}", hint=error.hint or None) from error
        return str(Path(path))

    def _check_git_url(self, url: str) -> str:
        split = urlsplit(url)
        hosts = self._settings.git_hosts
        plain = f"{split.scheme}://{split.netloc}".lower()
        public = split.scheme == "https" and ("*" in hosts or (split.hostname or "") in hosts)
        if not public and plain not in hosts:
            raise AddressRefused(
                "Repositories of this host may not be read.",
                hint="Ask an operator to name it in SWITCHBOARD_SOURCES__GIT_HOSTS.",
            )
        if split.query or split.fragment:
            raise ValueError("no query")
        return url.rstrip("/")

    @asynccontextmanager
    async def opened(
        self,
        asked: CreateSource,
        organisation_id: UUID,
        *,
        known: Mapping[str, Mark],
        state: State,
        kept: State,
    ) -> AsyncGenerator[Gatherer]:
        """Raises GatherFailed."""
        globs = Globs(tuple(asked.include), tuple(asked.exclude))
        roots = self._settings.roots(organisation_id)
        if asked.kind == "folder":
            yield Folder(
                Path(asked.path or ""),
                roots,
                globs=globs,
                max_bytes=self._max_bytes,
                known=known,
                state=state,
                kept=kept,
            )
            return
        async with Fetcher(self._guard, self._agent) as fetcher:
            if asked.kind == "crawl":
                yield self._crawl(asked, fetcher, globs, known=known, state=state, kept=kept)
            else:
                yield self._tree(asked, fetcher, globs, roots=roots, known=known, state=state, kept=kept)

    def _crawl(
        self,
        asked: CreateSource,
        fetcher: Fetcher,
        globs: Globs,
        *,
        known: Mapping[str, Mark],
        state: State,
        kept: State,
    ) -> Gatherer:
        # lazy: the crawler's parsers cost 0.1 s; a process that never crawls does without
        from knowledge.gather.web import Crawl, CrawlRules, Site

        rules = CrawlRules(
            max_pages=asked.max_pages or self._settings.max_pages,
            max_depth=asked.max_depth,
            max_bytes=self._max_bytes,
            delay_s=max(self._settings.delay_s, asked.delay_s or 0.0),
        )
        site = Site.at(asked.url or "", globs)
        return Crawl(fetcher, site, rules, known=known, state=state, kept=kept)

    def _tree(
        self,
        asked: CreateSource,
        fetcher: Fetcher,
        globs: Globs,
        *,
        roots: list[Path],
        known: Mapping[str, Mark],
        state: State,
        kept: State,
    ) -> Gatherer:
        # lazy: dulwich costs 0.25 s and only repositories need it
        from knowledge.gather.git import GitTree, LocalRepository, RemoteRepository, guessed_template

        if asked.path is not None:
            repository: Repository = LocalRepository(Path(asked.path), roots)
        else:
            repository = RemoteRepository(
                fetcher, asked.url or "", may_follow=self._is_git_host, max_blob=self._max_bytes
            )
        return GitTree(
            repository,
            branch=asked.branch,
            folder=asked.folder,
            web_view=asked.web_view or guessed_template(asked.url or ""),
            globs=globs,
            max_bytes=self._max_bytes,
            known=known,
            state=state,
            kept=kept,
        )

    def _is_git_host(self, url: str) -> bool:
        try:
            self._check_git_url(url.partition("?")[0])
        except (AddressRefused, ValueError):
            return False
        return True


def _open(path: Path, roots: list[Path]) -> None:
    with opened_root(path, roots):
        pass


def _site_name(url: str) -> str:
    # lazy: as above
    from knowledge.gather.web import Site

    return Site.at(url).start


def _check_fields(asked: CreateSource) -> None:
    """Raises Invalid for what does not belong together."""
    if asked.kind == "crawl" and (asked.url is None or asked.path is not None):
        raise Invalid("Field 'url': a crawl needs the address where the site begins, and no path.")
    if asked.kind == "folder" and (asked.path is None or asked.url is not None):
        raise Invalid("Field 'path': a folder needs its path on the server, and no url.")
    if asked.kind == "git" and (asked.url is None) == (asked.path is None):
        raise Invalid("Field 'url': a repository needs its url or its path, one of the two.")
    if asked.kind != "git" and (asked.branch or asked.folder or asked.web_view):
        raise Invalid("Field 'branch': branch, folder and web_view belong to repositories.")
    if asked.branch and (not _BRANCH.match(asked.branch) or ".." in asked.branch or "//" in asked.branch):
        raise Invalid("Field 'branch': this is no name of a branch.")
    folder = PurePosixPath(asked.folder)
    if folder.is_absolute() or ".." in folder.parts or not asked.folder.isprintable():
        raise Invalid("Field 'folder': a path within the repository, such as docs/handbook.")
    view = asked.web_view
    if view is not None and not (view.startswith(("https://", "http://")) and "{path}" in view):
        raise Invalid("Field 'web_view': an http or https address with {path} in it.")
