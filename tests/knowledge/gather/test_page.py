"""What a page says of itself is read from its tags, in a time that grows with its length only."""

import pytest

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
    page = (
        b"".join(b"<a href=/%d>" % number for number in range(MOST_LINKS + 10))
        + b"<meta name=robots content=none>"
    )
    head = head_of(links + b"<meta name=robots content=none>")
    assert len(head.links) == MOST_LINKS
    assert head.robots == Directives(noindex=True, nofollow=True)
