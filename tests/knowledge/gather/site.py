"""A web site of the tests' own, on loopback under the name site.test: robots, sitemap, ETags, traps."""

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from knowledge.gather import Found, Globs, Mark, State
from knowledge.gather.web import Crawl, CrawlRules, Site
from ports.http import Fetcher, Guard, OutboundSettings
from tests.loopback import listening


def html(title: str, body: str = "", *, head: str = "") -> str:
    return f"<html><head><title>{title}</title>{head}</head><body><h1>{title}</h1>{body}</body></html>"


def links(*hrefs: str) -> str:
    return " ".join(f'<a href="{href}">{href}</a>' for href in hrefs)


class TestSite:
    """`pages` maps a path (with query) to HTML, to bytes, to a status, or to a ready response."""

    __test__ = False

    def __init__(self) -> None:
        self.pages: dict[str, Any] = {}
        self.robots: str | int = 404
        self.sitemap: bytes | None = None
        self.asked: Counter[str] = Counter()
        self.bodies: Counter[str] = Counter()
        self.headers: dict[str, dict[str, str]] = {}
        self.agents: set[str] = set()
        self.etags = True
        self.address = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator["TestSite"]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        async with listening(app) as address:
            self.address = f"http://site.test:{address.rpartition(':')[2]}"
            yield self

    @property
    def host(self) -> str:
        return self.address.partition("://")[2]

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        if host != "site.test":
            raise OSError("no such name")
        return ["127.0.0.1"]

    @property
    def settings(self) -> OutboundSettings:
        """What an operator would set to let it be read."""
        return OutboundSettings(allowed_hosts=[self.host])

    def guard(self) -> Guard:
        return Guard(self.settings, self.resolve)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.agents.add(request.headers.get("User-Agent", ""))
        if request.path == "/robots.txt":
            if isinstance(self.robots, int):
                return web.Response(status=self.robots)
            return web.Response(text=self.robots)
        if request.path == "/sitemap.xml" and self.sitemap is not None:
            return web.Response(body=self.sitemap, content_type="application/xml")
        target = request.path_qs
        self.asked[target] += 1
        page = self.pages.get(target, self.pages.get(request.path, 404))
        if callable(page):
            page = page(request)
        if isinstance(page, web.StreamResponse):
            return page
        if isinstance(page, int):
            return web.Response(status=page, headers=self.headers.get(target, {}))
        return self._page(request, target, page)

    def _page(self, request: web.Request, target: str, page: str | bytes) -> web.Response:
        body = page.encode() if isinstance(page, str) else page
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        headers = dict(self.headers.get(target, {}))
        if self.etags:
            headers["ETag"] = etag
            if request.headers.get("If-None-Match") == etag:
                return web.Response(status=304, headers=headers)
        self.bodies[target] += 1
        return web.Response(body=body, headers={"Content-Type": "text/html; charset=utf-8"} | headers)

    def moved(self, to: str, status: int = 301) -> web.Response:
        return web.Response(status=status, headers={"Location": to})


def crawl(
    site: TestSite,
    fetcher: Fetcher,
    start: str = "/",
    *,
    known: dict[str, Mark] | None = None,
    state: State | None = None,
    kept: State | None = None,
    globs: Globs | None = None,
    **rules: Any,
) -> Crawl:
    settings = CrawlRules(**{"delay_s": 0.0} | rules)
    where = Site.at(site.address + start, globs)
    return Crawl(fetcher, where, settings, known=known or {}, state=state or {}, kept=kept or {})


async def visited(site: TestSite, start: str = "/", **more: Any) -> dict[str, Found]:
    """Everything that a whole crawl finds, by path within the site."""
    async with Fetcher(site.guard(), "SwitchboardBot/test (+mailto:it@example.com)") as fetcher:
        gatherer = crawl(site, fetcher, start, **more)
        found = [one async for one in gatherer.gather()]
        assert gatherer.wait_s is None
    return {one.path.removeprefix(site.host) or "/": one for one in found}


def marks(site: TestSite, found: dict[str, Found]) -> dict[str, Mark]:
    """What would be remembered of a crawl."""
    return {
        one.path: Mark(
            one.etag, one.last_modified, one.sha256, one.address, one.depth, held=one.outcome != "skipped"
        )
        for one in found.values()
        if one.outcome != "gone"
    }
