"""What an HTML page says about itself and where it links to. Its text is for the loader, not for us."""

from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from knowledge.gather.web.robots import AGENT, NOTHING_SAID, Directives, directives

LARGEST = 5 * 1024 * 1024
MOST_LINKS = 2000


@dataclass(frozen=True, slots=True)
class PageHead:
    """Links as written, in order, without those marked nofollow; `base` for resolving them."""

    links: tuple[str, ...] = ()
    base: str | None = None
    canonical: str | None = None
    robots: Directives = NOTHING_SAID


def head_of(data: bytes) -> PageHead:
    """Of the first 5 MB."""
    tree = LexborHTMLParser(data[:LARGEST])
    return PageHead(_links(tree), _first(tree, "base[href]"), _canonical(tree), _robots(tree))


def _links(tree: LexborHTMLParser) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for node in tree.css("a[href], area[href]"):
        href = (node.attributes.get("href") or "").strip()
        rel = (node.attributes.get("rel") or "").lower().split()
        if href and not href.startswith("#") and "nofollow" not in rel:
            found[href] = None
        if len(found) >= MOST_LINKS:
            break
    return tuple(found)


def _first(tree: LexborHTMLParser, selector: str) -> str | None:
    node = tree.css_first(selector)
    return (node.attributes.get("href") or "").strip() or None if node else None


def _canonical(tree: LexborHTMLParser) -> str | None:
    for node in tree.css("head link[rel][href]"):
        if "canonical" in (node.attributes.get("rel") or "").lower().split():
            return (node.attributes.get("href") or "").strip() or None
    return None


def _robots(tree: LexborHTMLParser) -> Directives:
    said = NOTHING_SAID
    for node in tree.css("meta[name][content]"):
        if (node.attributes.get("name") or "").lower() in ("robots", AGENT.lower()):
            said |= directives(node.attributes.get("content") or "")
    return said
