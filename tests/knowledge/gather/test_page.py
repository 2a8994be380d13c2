"""What a page says of itself is read from its tags, in a time that grows with its length only."""

import json

import pytest

from knowledge.gather.web import frontier as frontier_module
from knowledge.gather.web.addresses import Site
from knowledge.gather.web.frontier import Frontier
from knowledge.gather.web.page import LARGEST, MOST_LINKS, head_of
from knowledge.gather.web.robots import Directives

PAGE = b"""<!doctype html><html><head><BASE href='/docs/'><title><a href=/title></title>
<link rel="alternate canonical" href=/a?x=1&amp;y=2><meta name=ROBOTS content="NoIndex">
<style>a { content: "<a href=/style>" }</style></head>
<body class="a>b"><link rel=canonical href=/written-by-a-visitor>
<!-- <a href=/comment> --><script>document.write("<a href=/script>")</script>
<a class="x" href=" /one ">1</a> <area href=two/> <a rel="x nofollow" href=/three>
<a
 href='/it"s'> <abbr href=/abbr> <a href=#top> <A HREF="/a>b"> <a href=""> <a name=x>"""


def test_links_and_words_to_robots_are_found_as_browsers_find_them() -> None:
    head = head_of(PAGE)
    assert head.links == ("/one", "two/", '/it"s', "/a>b")
    assert head.base == "/docs/"
    assert head.canonical == "/a?x=1&y=2"
    assert head.robots == Directives(noindex=True)


@pytest.mark.proves("SOURCE-006")
@pytest.mark.parametrize(
    "tag",
    [b"<div>", b"<a ", b'<a "', b"<a '", b"<!--", b"<script>", b"<title></titl", b"<p><font>"],
)
def test_a_page_of_nothing_but_tags_is_read_at_once(tag: bytes) -> None:
    # As a tree, a megabyte of nested tags would outlast the time limit of all tests together.
    assert len(head_of(tag * (LARGEST // len(tag))).links) <= 1


def test_no_more_links_are_kept_than_one_page_may_have() -> None:
    links = b"".join(b"<a href=/%d>" % number for number in range(MOST_LINKS + 10))
    head = head_of(links + b"<meta name=robots content=none>")
    assert len(head.links) == MOST_LINKS
    assert head.robots == Directives(noindex=True, nofollow=True)


@pytest.mark.proves("SOURCE-006")
def test_what_a_visit_remembers_of_a_site_without_end_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontier_module, "MOST_SEEN", 400)
    frontier = Frontier(Site.at("http://site.test/"), most=20, max_depth=10)
    for number in range(1000):
        frontier.add(f"/{'x' * 500}?q={number:08d}", "http://site.test/", 1)
        if number % 40 == 0:
            frontier.pop()
    assert len(frontier.seen) == 400
    assert frontier.passed_over["page_limit"] > 500
    assert len(json.dumps(frontier.state())) < 100_000
