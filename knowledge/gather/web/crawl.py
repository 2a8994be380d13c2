"""The visit of a site: one request at a time, as fast as the site allows."""

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, cast

import httpx

from knowledge.gather.found import Found, GatherFailed, Mark, Outcome, State
from knowledge.gather.web import answers, sitemap
from knowledge.gather.web.addresses import Site
from knowledge.gather.web.answers import SAID
from knowledge.gather.web.charset import as_utf8
from knowledge.gather.web.frontier import Frontier, Link
from knowledge.gather.web.page import PageHead, head_of
from knowledge.gather.web.robots import LARGEST as LARGEST_ROBOTS
from knowledge.gather.web.robots import RobotsTxt
from knowledge.gather.web.rules import CrawlRules
from ports.http import AddressRefused, Fetched, Fetcher, FetchFailed, FetchLimits

Sleep = Callable[[float], Awaitable[None]]
_LOST_IN_A_ROW = 5
_KEPT_LEFT = 2000
_KEPT_ROBOTS = 32 * 1024
_NO_HEAD = PageHead()


class Crawl:
    """See Gatherer. A document goes by a clear word of the site only: 404, 410, noindex, moved for good."""

    lists_all = False

    def __init__(
        self,
        fetcher: Fetcher,
        site: Site,
        rules: CrawlRules,
        *,
        known: Mapping[str, Mark],
        state: State,
        kept: State,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._fetcher = fetcher
        self._site = site
        self._rules = rules
        self._known = known
        self._kept = kept
        self._sleep = sleep
        self._frontier = Frontier(site, rules.max_pages * 2, rules.max_depth)
        self._robots: RobotsTxt | None = None
        self._seeded = bool(state)
        self._pages = 0
        self._bytes = 0
        self._lost = 0
        self._bodies: set[str] = set()
        self._next_at = 0.0
        self.wait_s: float | None = None
        if state:
            self._restore(state)

    def state(self) -> State:
        text = self._robots.text if self._robots else ""
        return {
            **self._frontier.state(),
            "pages": self._pages,
            "bytes": self._bytes,
            "lost": self._lost,
            "bodies": sorted(self._bodies),
            "robots": text if len(text) <= _KEPT_ROBOTS else None,
        }

    def kept(self) -> State:
        """Pages that were found but not visited: one that has not changed does not show its links again."""
        return {"left": [link.state() for link in list(self._frontier.waiting)[:_KEPT_LEFT]]}

    def passed_over(self) -> Mapping[str, int]:
        return self._frontier.passed_over

    def examples(self) -> list[tuple[str, str]]:
        """Some of what was passed over: (address, reason)."""
        return self._frontier.examples

    async def gather(self) -> AsyncGenerator[Found]:
        robots = self._robots = self._robots or await self._read_robots()
        if not self._seeded:
            await self._seed(robots)
        while self._may_go_on() and (link := self._frontier.pop()) is not None:
            if not robots.allows(link.address):
                yield self._told(link, "skipped", "robots")
                continue
            found = await self._visit(robots, link)
            if self.wait_s is not None:
                return
            if found is not None:
                self._pages += 1
                yield found
        self._frontier.passed_over["page_limit"] += len(self._frontier.waiting)

    def _may_go_on(self) -> bool:
        return self._pages < self._rules.max_pages and self._bytes < self._rules.max_total_bytes

    # --- before the first page

    async def _read_robots(self) -> RobotsTxt:
        """RFC 9309: none (4xx) allows everything, one that cannot be had (5xx) forbids everything."""
        try:
            fetched = await self._fetcher.fetch(
                f"{self._site.origin}/robots.txt", limits=FetchLimits(LARGEST_ROBOTS, within_s=30.0)
            )
        except AddressRefused as error:
            raise GatherFailed(error.code, error.detail, error.hint, lasting=True) from error
        except FetchFailed as error:
            if error.why == "too_large":
                raise GatherFailed("robots", "The site's robots.txt is larger than 500 KB.") from error
            raise GatherFailed(error.why, error.detail, error.hint) from error
        if fetched.status >= 500 or fetched.status == 429:
            detail = f"The site's robots.txt cannot be had now (HTTP {fetched.status})."
            raise GatherFailed("robots", detail, "Try again later.")
        return RobotsTxt(fetched.body.decode("utf-8", "replace") if fetched.status == 200 else "")

    async def _seed(self, robots: RobotsTxt) -> None:
        """The start, what we know, what was left last time, what the site lists: in this order."""
        self._frontier.add(self._site.start, None, 0, listed=True)
        scheme = self._site.origin.partition("://")[0]
        # What failed is asked for again, though the page that links to it may not have changed.
        for path, mark in sorted(self._known.items(), key=lambda one: not one[1].held):
            self._frontier.add(mark.address or f"{scheme}://{path}", None, mark.depth, listed=True)
        for link in (Link(*entry) for entry in cast(list[list[Any]], self._kept.get("left", []))):
            self._frontier.add(link.address, None, link.depth, listed=True)
        for url in await self._sitemap_pages(robots):
            self._frontier.add(url, None, 1, listed=True)
        self._seeded = True

    async def _sitemap_pages(self, robots: RobotsTxt) -> list[str]:
        waiting = list(dict.fromkeys([*robots.sitemaps, f"{self._site.origin}/sitemap.xml"]))
        pages: list[str] = []
        for number, url in enumerate(waiting):
            # A list that grows while it is read: an index names further sitemaps.
            if number >= self._rules.sitemaps or len(pages) >= self._rules.max_pages * 2:
                break
            if self._site.canonical(url) is None or not robots.allows(url):
                continue
            found = await self._sitemap(url)
            pages += found.pages
            waiting += [one for one in found.sitemaps if one not in waiting]
        return pages

    async def _sitemap(self, url: str) -> sitemap.Sitemap:
        await self._be_polite()
        try:
            fetched = await self._fetcher.fetch(url, limits=FetchLimits(sitemap.LARGEST, within_s=30.0))
        except (AddressRefused, FetchFailed):
            return sitemap.Sitemap()
        return await asyncio.to_thread(sitemap.read, fetched.body) if fetched.body else sitemap.Sitemap()

    # --- one page

    async def _visit(self, robots: RobotsTxt, link: Link) -> Found | None:
        """None where the page has its turn later."""
        if not await self._be_polite(max(self._rules.delay_s, robots.delay_s)):
            self._frontier.first(link)
            return None
        mark = self._known.get(self._site.path_of(link.url))
        try:
            fetched = await self._fetcher.fetch(
                link.address,
                headers=answers.conditions(mark),
                wants=answers.loadable,
                may_follow=lambda url: self._may_follow(robots, url),
                limits=FetchLimits(self._rules.max_bytes, within_s=self._rules.page_within_s),
            )
        except AddressRefused as error:
            return self._told(link, "failed", error.code, error.detail)
        except FetchFailed as error:
            return self._lost_one(link, error)
        self._lost = 0
        self._bytes += len(fetched.body)
        return await self._understood(link, mark, fetched)

    def _may_follow(self, robots: RobotsTxt, url: str) -> bool:
        page = self._site.canonical(url)
        return page is not None and self._site.holds(page) and robots.allows(url)

    def _lost_one(self, link: Link, error: FetchFailed) -> Found | None:
        """One page may fail by itself; many in a row mean that the site is away."""
        if error.why in ("unreachable", "timed_out"):
            self._lost += 1
            if self._lost >= _LOST_IN_A_ROW or (self._pages == 0 and not self._frontier.waiting):
                raise GatherFailed(error.why, error.detail, error.hint) from error
            if self._frontier.again(link, self._rules.retries):
                return None
        return self._told(link, "failed", error.why, error.detail)

    async def _understood(self, link: Link, mark: Mark | None, fetched: Fetched) -> Found | None:
        status = fetched.status
        if status == 304 and mark is not None:
            return self._found(link, "unchanged", fetched, mark=mark, sha256=mark.sha256)
        if status == 429 or (status == 503 and "retry-after" in fetched.headers):
            return self._later(link, fetched)
        if status in answers.NO_MORE:
            return self._told(link, "gone", "gone")
        if 300 <= status < 400:
            return self._led_away(link, fetched)
        if status in (401, 403):
            return self._told(link, "failed", "sign_in")
        if status >= 500 and self._frontier.again(link, self._rules.retries):
            return None
        if status != 200:
            return self._told(link, "failed", "http", f"The site answered with HTTP {status}.")
        if not fetched.read:
            return self._told(link, "skipped", "content_type")
        landed = self._site.canonical(fetched.url) or link.url
        if landed != link.url:
            return self._alias(link, fetched, landed)
        return await self._page(link, mark, fetched)

    def _later(self, link: Link, fetched: Fetched) -> Found | None:
        """The whole site waits for as long as it asks."""
        link.attempts += 1
        if link.attempts > self._rules.retries:
            return self._told(link, "failed", "http", f"The site answered with HTTP {fetched.status}.")
        self._frontier.first(link)
        self._next_at = time.monotonic() + answers.retry_after_s(fetched.headers, datetime.now(UTC))
        return None

    def _led_away(self, link: Link, fetched: Fetched) -> Found:
        """To where we do not go: for good, or only for now (a sign-in, a maintenance page)."""
        for_good = fetched.status in answers.PERMANENT and self._held(link)
        if link.url == self._site.canonical(self._site.start) and not for_good:
            raise GatherFailed(
                "elsewhere",
                "The start page leads to another place.",
                "Open it in a browser and add the address where you end up.",
                lasting=True,
            )
        if self._held(link) and not for_good:
            return self._told(link, "failed", "elsewhere")
        return self._told(link, "gone" if for_good else "skipped", "elsewhere")

    def _alias(self, link: Link, fetched: Fetched, landed: str) -> Found:
        """Its content belongs to the page where it ended, which gets its own turn."""
        self._frontier.add(fetched.url, None, link.depth, listed=True)
        for_good = all(hop.status in answers.PERMANENT for hop in fetched.hops)
        if self._held(link):
            return self._told(link, "gone" if for_good else "failed", "alias")
        return self._told(link, "skipped", "alias")

    async def _page(self, link: Link, mark: Mark | None, fetched: Fetched) -> Found:
        head = await self._head(fetched)
        said = head.robots | answers.header_directives(fetched.headers)
        if not said.nofollow:
            base = self._base(fetched.url, head)
            for href in head.links:
                self._frontier.add(href, base, link.depth + 1)
        if said.noindex:
            return self._told(link, "gone" if self._held(link) else "skipped", "noindex")
        real = self._real(link, fetched, head)
        if real is not None:
            self._frontier.add(real, None, link.depth, listed=True)
            return self._told(link, "gone" if self._held(link) else "skipped", "alias")
        sha256 = await asyncio.to_thread(lambda: hashlib.sha256(fetched.body).hexdigest())
        if mark and mark.sha256 == sha256:
            self._bodies.add(sha256[:16])
            return self._found(link, "unchanged", fetched, mark=mark, sha256=sha256)
        if sha256[:16] in self._bodies and not self._held(link):
            return self._told(link, "skipped", "duplicate")
        self._bodies.add(sha256[:16])
        return self._found(link, "content", fetched, sha256=sha256)

    async def _head(self, fetched: Fetched) -> PageHead:
        return (
            await asyncio.to_thread(head_of, fetched.body) if answers.is_html(fetched.headers) else _NO_HEAD
        )

    def _base(self, url: str, head: PageHead) -> str:
        try:
            return str(httpx.URL(url).join(head.base)) if head.base else url
        except (httpx.InvalidURL, ValueError):
            return url

    def _real(self, link: Link, fetched: Fetched, head: PageHead) -> str | None:
        """The page that this one says it is a copy of, on this site. One that names the front page everywhere
        is a mistake of its template."""
        real = self._site.canonical(head.canonical, fetched.url) if head.canonical else None
        if real is None or real == link.url or not self._site.holds(real):
            return None
        return None if real in (self._site.origin + "/", self._site.canonical(self._site.start)) else real

    # --- manners and words

    async def _be_polite(self, delay_s: float | None = None) -> bool:
        """Waits its turn; False where that is longer than the caller wants to wait, who comes again then."""
        left = self._next_at - time.monotonic()
        if left > self._rules.longest_wait_s:
            self.wait_s = left
            return False
        if left > 0:
            await self._sleep(left)
        self._next_at = time.monotonic() + (self._rules.delay_s if delay_s is None else delay_s)
        return True

    def _held(self, link: Link) -> bool:
        mark = self._known.get(self._site.path_of(link.url))
        return mark is not None and mark.held

    def _told(self, link: Link, outcome: Outcome, code: str, detail: str = "") -> Found:
        return Found(
            self._site.path_of(link.url),
            outcome,
            link.url,
            address=link.address,
            depth=link.depth,
            code=code,
            detail=detail or SAID[code],
        )

    def _found(
        self, link: Link, outcome: Outcome, fetched: Fetched, *, sha256: str, mark: Mark | None = None
    ) -> Found:
        headers = fetched.headers
        return Found(
            self._site.path_of(link.url),
            outcome,
            link.url,
            data=as_utf8(fetched.body, headers) if outcome == "content" else b"",
            etag=headers.get("etag", mark.etag if mark else "")[:300],
            last_modified=answers.moment(headers.get("last-modified"))
            or (mark.last_modified if mark else None),
            sha256=sha256,
            address=link.address,
            depth=link.depth,
        )

    def _restore(self, state: State) -> None:
        self._frontier.restore(state)
        self._pages, self._bytes, self._lost = state["pages"], state["bytes"], state["lost"]
        self._bodies = set(state["bodies"])
        self._robots = RobotsTxt(state["robots"]) if state["robots"] is not None else None
