"""One address for one page, and never one of another site."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.gather.web import Site, canonical


@pytest.mark.proves("SOURCE-001")
@pytest.mark.parametrize(
    ("written", "page"),
    [
        ("HTTP://Site.Test:80/a/", "http://site.test/a"),
        ("http://site.test", "http://site.test/"),
        ("https://site.test:443/a#part", "https://site.test/a"),
        ("http://site.test/a/./b/../c//d", "http://site.test/a/c/d"),
        ("http://site.test/%7euser/%c3%a9?x=%2f", "http://site.test/~user/%C3%A9?x=%2F"),
        ("http://site.test/é", "http://site.test/%C3%A9"),
        ("http://site.test/a b", "http://site.test/ab"),
        ("http://site.test/a?utm_source=x&b=2&gclid=1&a=1&fbclid=z", "http://site.test/a?a=1&b=2"),
        ("http://site.test/a?PHPSESSID=abc", "http://site.test/a"),
        ("http://site.test/a;jsessionid=ABC123?x=1", "http://site.test/a?x=1"),
        ("http://site.test/(S(lit3py55t21z5v55vlm25s55))/a", "http://site.test/a"),
        ("http://site.test/a?sid=9f8e7d6c5b4a39281706", "http://site.test/a"),
        ("http://site.test/a?sid=7", "http://site.test/a?sid=7"),
        ("http://site.test/100%", "http://site.test/100%25"),
        ("http://bücher.test/", "http://xn--bcher-kva.test/"),
        ("http://site.test/a?x=1+2", "http://site.test/a?x=1%202"),
        ("http://site.test/a?&&", "http://site.test/a"),
        ("http://site.test/%2e%2e/%2e/a", "http://site.test/a"),
    ],
)
def test_one_page_has_one_address(written: str, page: str) -> None:
    assert canonical(written) == page


@pytest.mark.parametrize(
    "written",
    [
        "",
        "mailto:a@site.test",
        "javascript:alert(1)",
        "ftp://site.test/",
        "http://",
        "/a",
        "http://u:p@site.test/",
        "http://site.test\\@other.test/",
        "http://[::1",
        "http://site.test:99999/",
        "http://site.test/" + "a" * 2000,
    ],
)
def test_what_is_no_web_address_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        canonical(written)


_text = st.text(alphabet="aA1/.%;=&?#:@ \\+~é-_()2e", max_size=40)


@pytest.mark.proves("SOURCE-001")
@given(path=_text, query=_text, fragment=_text)
def test_the_canonical_form_of_a_canonical_address_is_itself(path: str, query: str, fragment: str) -> None:
    for written in (f"http://site.test/{path}", f"https://site.test:444/{path}?{query}#{fragment}"):
        try:
            once = canonical(written)
        except ValueError:
            continue
        assert canonical(once) == once
        assert canonical(canonical(written, keep_slash=True)) == once
        assert once.isascii()
        assert urlsplit(once).fragment == ""


@pytest.mark.proves("SOURCE-001")
@given(
    name=st.text(alphabet="abc123-_", min_size=1, max_size=8),
    slash=st.sampled_from(["", "/"]),
    noise=st.lists(st.sampled_from(["utm_source=a", "gclid=1", "fbclid=x", "PHPSESSID=1", "b=2", "a=1"])),
    fragment=st.sampled_from(["", "#top"]),
    host=st.sampled_from(["site.test", "SITE.test", "www.site.test", "site.test:80"]),
)
def test_the_ways_to_write_a_page_are_one_page(
    name: str, slash: str, noise: list[str], fragment: str, host: str
) -> None:
    site = Site.at("http://site.test/")
    own = sorted(pair for pair in noise if pair in ("a=1", "b=2"))
    written = f"http://{host}/x/../{name}{slash}?{'&'.join(noise)}{fragment}"
    query = "?" + "&".join(own) if own else ""
    assert site.canonical(written) == f"http://site.test/{name}{query}"


@pytest.mark.proves("SOURCE-002")
@given(href=st.one_of(_text, st.text(max_size=30), st.builds("//{}{}".format, st.text(max_size=8), _text)))
def test_no_link_leads_off_the_site(href: str) -> None:
    site = Site.at("http://site.test/docs/")
    page = site.canonical(href, "http://site.test/docs/a")
    if page is not None and site.holds(page):
        assert urlsplit(page).netloc == "site.test"
        assert (urlsplit(page).path + "/").startswith("/docs/")


@pytest.mark.parametrize(
    ("start", "inside", "outside"),
    [
        ("http://site.test/docs/", "http://site.test/docs/a", "http://site.test/docsify"),
        ("http://site.test/docs", "http://site.test/docs", "http://site.test/other"),
        ("http://site.test/docs/index.html", "http://site.test/docs/a", "http://site.test/a"),
        ("http://site.test/", "http://site.test/anything", ""),
        ("https://site.test/", "http://site.test/anything", "https://site.test:8443/"),
        ("http://site.test/", "http://www.site.test/a", "http://docs.site.test/"),
        ("http://site.test/", "https://site.test/a", "http://site.test.evil.test/"),
        ("http://site.test:8080/", "http://site.test:8080/a", "https://site.test:8080/a"),
    ],
)
def test_a_site_is_its_host_and_what_is_below_its_start(start: str, inside: str, outside: str) -> None:
    site = Site.at(start)
    page = site.canonical(inside)
    assert page is not None
    assert site.holds(page)
    other = site.canonical(outside)
    assert other is None or not site.holds(other)
