"""sitemap.xml: addresses that the site itself lists. XML without entities, and never more than we take."""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

LARGEST = 10 * 1024 * 1024
MOST = 50_000


@dataclass(frozen=True, slots=True)
class Sitemap:
    """Pages, and further sitemaps (of an index)."""

    pages: tuple[str, ...] = ()
    sitemaps: tuple[str, ...] = ()


def read(data: bytes) -> Sitemap:
    """Empty for what is no sitemap; text files with one address per line are."""
    data = _unpacked(data)
    if data.lstrip()[:1] != b"<":
        return Sitemap(_addresses(data.decode("utf-8", "replace").splitlines()))
    try:
        root = fromstring(data, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return Sitemap()
    found = _addresses(place.text or "" for entry in root for place in entry if _name(place.tag) == "loc")
    return Sitemap(sitemaps=found) if _name(root.tag) == "sitemapindex" else Sitemap(pages=found)


def _addresses(texts: Iterable[str]) -> tuple[str, ...]:
    found = (text.strip() for text in texts)
    return tuple(islice((text for text in found if text.startswith(("http://", "https://"))), MOST))


def _name(tag: object) -> str:
    return str(tag).rpartition("}")[2].lower()


def _unpacked(data: bytes) -> bytes:
    """At most LARGEST bytes of it."""
    if not data.startswith(b"\x1f\x8b"):
        return data[:LARGEST]
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(data, LARGEST)
    except zlib.error:
        return b""
