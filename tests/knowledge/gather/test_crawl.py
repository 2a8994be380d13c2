"""The visit of a site: polite, bounded, and sure before it says that something is gone."""

import gzip
from typing import Any

import pytest
from aiohttp import web

from knowledge.gather import GatherFailed, Globs
from knowledge.gather.web.rules import CrawlRules
from ports.http import Fetcher
from tests.knowledge.gather.site import TestSite, crawl, html, links, marks, visited


def handbook() -> TestSite:
    site = TestSite()
    site.pages = {
        "/": html("Start", links("/leave", "/travel/", "https://other.test/", "mailto:hr@site.test")),
        "/leave": html("Leave", links("/leave/carry-over#top")),
        "/leave/carry-over": html("Carrying over"),
        "/travel/": html("Travel", links("../leave?utm_source=mail", "hotels")),
        "/travel/hotels": html("Hotels"),
    }
    return site


@pytest.mark.proves("SOURCE-003")
async def test_every_page_is_read_once() -> None:
    async with handbook().running() as site:
        found = await visited(site)
        assert sorted(found) == ["/", "/leave", "/leave/carry-over", "/travel", "/travel/hotels"]
        assert {one.outcome for one in found.values()} == {"content"}
        assert found["/travel"].url == site.address + "/travel"
        assert set(site.asked.values()) == {1}
        assert site.agents == {"SwitchboardBot/test (+mailto:it@example.com)"}


@pytest.mark.proves("SOURCE-003")
async def test_the_second_visit_reads_no_page_again() -> None:
    async with handbook().running() as site:
        first = await visited(site)
        site.bodies.clear()
        second = await visited(site, known=marks(site, first))
        assert sorted(second) == sorted(first)
        assert {one.outcome for one in second.values()} == {"unchanged"}
        assert not site.bodies


async def test_without_etags_the_content_itself_tells_what_is_unchanged() -> None:
    async with handbook().running() as site:
        site.etags = False
        first = await visited(site)
        second = await visited(site, known=marks(site, first))
        assert {one.outcome for one in second.values()} == {"unchanged"}


@pytest.mark.proves("SOURCE-003")
async def test_a_changed_page_is_read_and_its_new_links_are_followed() -> None:
    async with handbook().running() as site:
        first = await visited(site)
        site.pages["/leave"] = html("Leave", "28 days now. " + links("/leave/new"))
        site.pages["/leave/new"] = html("New")
        second = await visited(site, known=marks(site, first))
        read = {path for path, one in second.items() if one.outcome == "content"}
        assert read == {"/leave", "/leave/new"}


@pytest.mark.proves("SOURCE-004")
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(404, "gone"), (410, "gone"), (500, "failed"), (502, "failed"), (401, "failed"), (403, "failed")],
)
async def test_only_a_clear_word_removes_a_page(answer: int, outcome: str) -> None:
    async with handbook().running() as site:
        first = await visited(site)
        site.pages["/leave/carry-over"] = answer
        second = await visited(site, known=marks(site, first))
        assert second["/leave/carry-over"].outcome == outcome
        assert len([one for one in second.values() if one.outcome == "unchanged"]) == 4


async def test_a_failing_page_is_asked_again_after_the_others() -> None:
    answers = iter([500, 503])
    async with handbook().running() as site:
        site.pages["/leave"] = lambda request: next(answers, None) or html("Leave")
        found = await visited(site)
        assert found["/leave"].outcome == "content"
        assert list(found)[-1] == "/leave"


@pytest.mark.proves("SOURCE-005")
async def test_robots_txt_is_obeyed() -> None:
    async with handbook().running() as site:
        site.robots = "User-agent: *\nDisallow: /travel\n\nUser-agent: SwitchboardBot\nDisallow: /leave/c\n"
        found = await visited(site)
        assert found["/leave/carry-over"].outcome == "skipped"
        assert found["/leave/carry-over"].code == "robots"
        assert site.asked["/leave/carry-over"] == 0
        assert found["/travel"].outcome == "content"


@pytest.mark.proves("SOURCE-005")
async def test_a_robots_txt_that_cannot_be_had_forbids_everything_for_now() -> None:
    async with handbook().running() as site:
        site.robots = 503
        with pytest.raises(GatherFailed) as failed:
            await visited(site)
        assert failed.value.code == "robots"
        assert not failed.value.lasting
        assert not site.asked


@pytest.mark.proves("SOURCE-005")
@pytest.mark.parametrize("where", ["meta", "header", "own name"])
async def test_a_page_that_asks_not_to_be_kept_is_not(where: str) -> None:
    async with handbook().running() as site:
        first = await visited(site)
        if where == "header":
            site.headers["/leave"] = {"X-Robots-Tag": "noindex"}
            site.pages["/leave"] += " "
        else:
            name = "robots" if where == "meta" else "SwitchboardBot"
            head = f'<meta name="{name}" content="noindex, nofollow">'
            site.pages["/leave"] = html("Leave", links("/never"), head=head)
        fresh, again = await visited(site), await visited(site, known=marks(site, first))
        assert fresh["/leave"].outcome == "skipped"
        assert again["/leave"].outcome == "gone"
        assert "/never" not in again


async def test_what_a_page_says_to_other_robots_is_not_for_us() -> None:
    async with handbook().running() as site:
        site.headers["/leave"] = {"X-Robots-Tag": "googlebot: noindex"}
        assert (await visited(site))["/leave"].outcome == "content"


async def test_pages_that_only_the_sitemap_names_are_found() -> None:
    async with handbook().running() as site:
        site.pages["/orphan"] = html("Orphan")
        listed = f"<urlset><url><loc>{site.address}/orphan/</loc></url></urlset>"
        index = f"<sitemapindex><sitemap><loc>{site.address}/pages.xml.gz</loc></sitemap></sitemapindex>"
        site.sitemap = index.encode()
        site.pages["/pages.xml.gz"] = gzip.compress(listed.encode())
        assert "/orphan" in await visited(site)


@pytest.mark.proves("SOURCE-006")
async def test_a_sitemap_with_a_billion_laughs_is_left() -> None:
    laughs = b'<!DOCTYPE lolz [<!ENTITY lol "lol">' + b"".join(
        b'<!ENTITY lol%d "%s">' % (n, b"&lol%s;" % (b"" if n == 1 else b"%d" % (n - 1)) * 10)
        for n in range(1, 10)
    )
    async with handbook().running() as site:
        site.sitemap = laughs + b"]><urlset><url><loc>&lol9;</loc></url></urlset>"
        assert len(await visited(site)) == 5


@pytest.mark.proves("SOURCE-006")
async def test_a_gzip_bomb_in_the_place_of_a_sitemap_is_left() -> None:
    async with handbook().running() as site:
        site.sitemap = gzip.compress(b"<urlset>" + bytes(200 * 1024 * 1024), 1)
        assert len(await visited(site)) == 5


@pytest.mark.proves("SOURCE-006")
async def test_traps_without_end_are_left() -> None:
    """A calendar, a path that grows, a session in each link, endless filters, the same page for ever."""

    def trap(request: web.Request) -> str:
        path, number = request.path, int(request.query.get("n", "0"))
        if path.startswith("/calendar"):
            year, month = int(request.query.get("year", 2026)), int(request.query.get("month", 1))
            month, year = (1, year + 1) if month == 12 else (month + 1, year)
            return html(f"{year}-{month}", links(f"/calendar?year={year}&month={month}"))
        if path.startswith("/grow"):
            return html(f"Deeper than {len(path)}", links(path.rstrip("/") + "/grow/", "more/"))
        if path.startswith("/session"):
            return html(
                "Session", links(f"/session/page?sid={number:020d}a&n=1", "/session;jsessionid=Q1/page")
            )
        if path.startswith("/filter"):
            more = [f"/filter?a={number % 7}&n={number * 3 + one}" for one in range(4)]
            return html(f"Filter {number}", links(*more))
        return html("The same for ever", links(f"/same?n={number + 1}"))

    async with TestSite().running() as site:
        site.pages = {
            "/": html("Start", links("/calendar", "/grow/", "/session", "/filter", "/same", "/real"))
        }
        for path in ("/calendar", "/session", "/session/page", "/filter", "/same"):
            site.pages[path] = trap
        site.pages["/real"] = html("Real")
        seen = site.pages

        class Endless(dict[str, Any]):
            def get(self, key: str, default: Any = None) -> Any:
                return seen.get(key) or (trap if key.startswith("/grow") else default)

        site.pages = Endless()
        found = await visited(site, max_pages=2000)
        asked = sum(site.asked.values())
    assert found["/real"].outcome == "content"
    assert asked < 250


@pytest.mark.proves("SOURCE-006")
async def test_a_visit_ends_at_its_limits_and_remembers_what_was_left() -> None:
    async with TestSite().running() as site:
        site.pages = {f"/{n}": html(str(n)) for n in range(1, 40)}
        site.pages["/"] = html("Start", links(*(f"/{n}" for n in range(1, 40))))
        async with Fetcher(site.guard(), "test") as fetcher:
            gatherer = crawl(site, fetcher, max_pages=30)
            found = [one async for one in gatherer.gather()]
            assert len(found) == 30
            assert gatherer.passed_over()["page_limit"] > 0
            known = marks(site, {one.path: one for one in found})
            again = crawl(site, fetcher, known=known, kept=gatherer.kept())
            assert len([one async for one in again.gather()]) == 40


@pytest.mark.proves("SOURCE-007")
async def test_a_visit_goes_on_where_another_process_left_it() -> None:
    async with handbook().running() as site:
        paths: list[str] = []
        state: dict[str, Any] = {}
        for _ in range(20):
            async with Fetcher(site.guard(), "test") as fetcher:
                gatherer = crawl(site, fetcher, state=state)
                async for one in gatherer.gather():
                    paths.append(one.path)
                    state = gatherer.state()
                    break
                else:
                    break
        assert len(paths) == len(set(paths)) == 5
        assert set(site.asked.values()) == {1}


async def test_an_alias_is_kept_under_the_page_that_it_leads_to() -> None:
    async with handbook().running() as site:
        first = await visited(site)
        site.pages["/leave"] = site.moved("/holidays")
        site.pages["/holidays"] = html("Holidays")
        site.pages["/travel/"] = site.moved("/sign-in", 302)
        site.pages["/sign-in"] = html("Sign in")
        second = await visited(site, known=marks(site, first))
        assert second["/holidays"].outcome == "content"
        assert second["/leave"].outcome == "gone"
        assert second["/travel"].outcome == "failed"


@pytest.mark.proves("SSRF-003")
@pytest.mark.parametrize(
    "to",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:1/",
        "http://other.test/",
        "file:///etc/passwd",
    ],
)
async def test_a_page_that_redirects_off_the_site_is_not_followed(to: str) -> None:
    async with handbook().running() as site:
        site.pages["/leave"] = site.moved(to)
        found = await visited(site)
        assert found["/leave"].outcome in ("skipped", "failed")
        assert found["/travel"].outcome == "content"


async def test_a_start_page_that_leads_elsewhere_says_what_to_add_instead() -> None:
    async with handbook().running() as site:
        site.pages["/"] = site.moved("https://other.test/", 302)
        with pytest.raises(GatherFailed) as failed:
            await visited(site)
        assert failed.value.lasting
        assert "add the address" in failed.value.hint


async def test_rel_canonical_counts_on_the_same_site_only() -> None:
    async with handbook().running() as site:
        site.pages["/leave"] = html("Leave", head='<link rel="canonical" href="/leave-policy">')
        site.pages["/leave-policy"] = html("Leave policy")
        site.pages["/travel/"] = html(
            "Travel", head='<link rel="canonical" href="https://other.test/travel">'
        )
        found = await visited(site)
        assert found["/leave"].code == "alias"
        assert found["/leave-policy"].outcome == "content"
        assert found["/travel"].outcome == "content"


async def test_the_site_away_is_no_reason_to_remove_anything() -> None:
    async with handbook().running() as site:
        first = await visited(site)
        known = marks(site, first)
    with pytest.raises(GatherFailed) as failed:
        await visited(site, known=known)
    assert failed.value.code == "unreachable"


@pytest.mark.proves("SOURCE-005")
async def test_a_busy_site_is_left_alone_for_as_long_as_it_asks() -> None:
    async with handbook().running() as site:
        site.headers["/leave"] = {"Retry-After": "120"}
        site.pages["/leave"] = 429
        async with Fetcher(site.guard(), "test") as fetcher:
            gatherer = crawl(site, fetcher)
            found = [one async for one in gatherer.gather()]
            assert len(found) == 1
            assert gatherer.wait_s == pytest.approx(120, abs=5)
            site.pages["/leave"] = html("Leave")
            later = crawl(site, fetcher, state=gatherer.state())
            assert len([one async for one in later.gather()]) == 3


@pytest.mark.proves("SOURCE-005")
async def test_the_sites_own_delay_counts_where_it_is_longer() -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    async with handbook().running() as site:
        site.robots = "User-agent: *\nCrawl-delay: 3\n"
        async with Fetcher(site.guard(), "test") as fetcher:
            gatherer = crawl(site, fetcher)
            gatherer._sleep = sleep
            assert len([one async for one in gatherer.gather()]) == 5
    assert len([seconds for seconds in waited if 2 < seconds <= 3]) >= 4
    assert CrawlRules().delay_s > 0


async def test_only_wanted_paths_and_readable_types_are_kept() -> None:
    async with handbook().running() as site:
        site.pages["/"] = html("Start", links("/leave", "/travel/", "/tool.exe", "/picture", "/plan.pdf"))
        site.pages["/picture"] = web.Response(body=b"\x89PNG", content_type="image/png")
        site.pages["/plan.pdf"] = web.Response(body=b"%PDF-1.7", content_type="application/pdf")
        found = await visited(site, globs=Globs(exclude=("/travel*",)))
        assert "/travel" not in found
        assert found["/picture"].code == "content_type"
        assert found["/plan.pdf"].outcome == "content"
        assert site.asked["/tool.exe"] == 0


async def test_a_document_whose_page_is_forbidden_now_stays() -> None:
    async with handbook().running() as site:
        first = await visited(site)
        site.robots = "User-agent: *\nDisallow: /leave\n"
        second = await visited(site, known=marks(site, first))
        assert second["/leave"].outcome == "skipped"


@pytest.mark.parametrize("where", ["header", "head"])
async def test_a_page_in_another_encoding_comes_in_utf8(where: str) -> None:
    async with handbook().running() as site:
        named = '<meta charset="shift_jis">' if where == "head" else ""
        site.pages["/leave"] = html("休暇", "有給休暇は25日です。", head=named).encode("shift_jis")
        charset = "; charset=Shift_JIS" if where == "header" else ""
        site.headers["/leave"] = {"Content-Type": f"text/html{charset}"}
        assert "有給休暇は25日です。" in (await visited(site))["/leave"].data.decode("utf-8")


@pytest.mark.proves("SOURCE-006")
async def test_strange_answers_do_not_stop_the_visit() -> None:
    strange: dict[str, dict[str, str]] = {
        "/a": {"Last-Modified": "yesterday, perhaps", "ETag": "\xff" * 900},
        "/b": {"Content-Encoding": "br"},
        "/c": {"Content-Type": "text/html; charset=zip"},
        "/d": {"Content-Type": "\xb2; charset=\xb2", "X-Robots-Tag": "\xb2: \xb2, unavailable_after: never"},
        "/e": {"Content-Encoding": "gzip"},
        "/f": {"Last-Modified": "Mon, 99 Foo 99999 99:99:99 +9999"},
    }
    async with TestSite().running() as site:
        site.robots = "\x00\ufffd<html>Crawl-delay: inf\nUser-agent: *\nCrawl-delay: abc\nAllow: %zz*$*\n"
        site.sitemap = b"\x1f\x8bnot gzip"
        site.headers = strange
        site.pages = {path: b"\xff\xfe<a href='http://[::1'>" + path.encode() for path in strange}
        site.pages["/g"] = site.moved("http://[::1", 302)
        site.pages["/h"] = web.Response(status=503, headers={"Retry-After": "\xb2"})
        site.pages["/"] = html("Start", links(*strange, "/g", "/h", "/ok", "http://", "//", "?", "\\\\x"))
        site.pages["/ok"] = html("Fine")
        async with Fetcher(site.guard(), "test") as fetcher:
            gatherer = crawl(site, fetcher, longest_wait_s=60.0, retries=0)
            found = {one.path.removeprefix(site.host): one async for one in gatherer.gather()}
    assert found["/ok"].outcome == "content"
    assert (
        found["/b"].outcome == found["/e"].outcome == found["/g"].outcome == found["/h"].outcome == "failed"
    )
