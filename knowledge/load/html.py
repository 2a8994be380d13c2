"""HTML pages: the main content, without navigation, headers, footers and scripts."""

import re
from datetime import datetime
from email.utils import parsedate_to_datetime

from selectolax.lexbor import LexborHTMLParser, LexborNode

from knowledge.document import LoadedDocument
from knowledge.load.front_matter import Metadata, split_front_matter
from knowledge.load.markup import add_blocks
from knowledge.load.outline import Outline, one_line
from knowledge.load.template_tags import clean_template_tags

CONTENT_TYPE = "text/html"
_MAIN = ("main", "[role=main]", "article", "body")
_AROUND = (
    "nav, footer, script, style, noscript, template, [role=navigation], [role=contentinfo], [role=search], "
    "[role=alertdialog], [aria-label=breadcrumb], [aria-label=Breadcrumbs], "
    "div[title=header], div[title=footer]"
)
# By their names parts of a site's frame; where they hold links rather than text, they are.
_FRAME = re.compile(
    r"(?:^|[\s_-])(?:nav|navbar|navigation|menu|sidebar|side-bar|breadcrumbs?|footer|toc|table-of-contents|related"
    r"|header|masthead|pagination|pager|share|sharing|social|skip-?link|skipnav|edit-this-page|prev-next|tags?)(?:$|[\s_-])",
    re.IGNORECASE,
)
_CONSENT = re.compile(
    r"(?:^|[\s_-])(?:cookies?|consent|gdpr|newsletter|subscribe|advert(?:isement)?s?)(?:$|[\s_-])", re.I
)
_META = {
    "description": "description",
    "og:description": "description",
    "author": "author",
    "article:author": "author",
    "keywords": "keywords",
    "date": "date",
    "article:published_time": "date",
    "article:modified_time": "last_modified",
    "og:updated_time": "last_modified",
    "last-modified": "last_modified",
    "dcterms.modified": "last_modified",
    "dc.date.modified": "last_modified",
    "revised": "last_modified",
}


def load_html(source: str) -> LoadedDocument:
    fields, body = split_front_matter(source)
    tree = LexborHTMLParser(clean_template_tags(body, code_fences=False))
    metadata = _head_metadata(tree) | fields
    outline = Outline()
    for part in _content(tree):
        add_blocks(part, outline)
    title = plain(str(fields.get("title", ""))) or _title(outline, _head_title(tree))
    return LoadedDocument(one_line(title), CONTENT_TYPE, outline.blocks(), metadata)


def _title(outline: Outline, of_page: str) -> str:
    """The heading of the page; where several stand on the highest level, none of them is the title."""
    tops = sum(block.kind == "heading" and block.level == 1 for block in outline.blocks())
    return (of_page if tops > 1 else "") or outline.first_heading() or of_page


def plain(title: str) -> str:
    """A title from front matter, where some authors write markup."""
    return LexborHTMLParser(title).text(deep=True) if "<" in title else title


def _content(tree: LexborHTMLParser) -> list[LexborNode]:
    for node in tree.css(_AROUND):
        node.decompose()
    _drop_frame(tree)
    for selector in _MAIN:
        found = _outermost(tree.css(selector))
        if any(node.text(deep=True).strip() for node in found):
            for node in found:
                _drop_page_header(node)
            return found
    return []


def _drop_frame(tree: LexborHTMLParser) -> None:
    """What only its names show to be no content, innermost last, so that a whole sidebar goes at once."""
    for node in tree.css("div[class], div[id], ul[class], ul[id], section[class], aside, p[class], a[class]"):
        names = f"{node.attributes.get('class') or ''} {node.attributes.get('id') or ''}"
        if (_CONSENT.search(names) and not _holds_main(node)) or (
            (_FRAME.search(names) or node.tag == "aside") and _is_mostly_links(node)
        ):
            node.decompose()


def _holds_main(node: LexborNode) -> bool:
    return node.css_first("main, article, h1") is not None


def _is_mostly_links(node: LexborNode) -> bool:
    text = len(node.text(deep=True).strip())
    linked = sum(len(link.text(deep=True).strip()) for link in node.css("a"))
    return not _holds_main(node) and linked * 2 > text


def _outermost(nodes: list[LexborNode]) -> list[LexborNode]:
    inside = {child.mem_id for node in nodes for child in node.css("*") if child.mem_id != node.mem_id}
    return [node for node in nodes if node.mem_id not in inside]


def _drop_page_header(content: LexborNode) -> None:
    """The site's banner goes; a header that carries the article's own heading stays."""
    for header in content.css("header, [role=banner]"):
        if header.css_first("h1, h2") is None or (
            content.tag == "body" and header.css_first("a") is not None
        ):
            header.decompose()


def _head_title(tree: LexborHTMLParser) -> str:
    node = tree.css_first("title")
    return node.text(deep=True) if node is not None else ""


def _head_metadata(tree: LexborHTMLParser) -> Metadata:
    found: Metadata = {}
    for node in tree.css("meta[content]"):
        attributes = node.attributes
        name = attributes.get("name") or attributes.get("property") or attributes.get("http-equiv") or ""
        key, value = _META.get(name.lower()), one_line(attributes.get("content") or "")
        if key and value:
            found.setdefault(key, value)
    canonical = tree.css_first("link[rel=canonical][href]")
    if canonical is not None:
        found["canonical"] = (canonical.attributes.get("href") or "").strip()
    language = tree.css_first("html[lang]")
    if language is not None:
        found["lang"] = (language.attributes.get("lang") or "").strip().lower()
    modified = found.get("last_modified")
    if isinstance(modified, str):
        found["last_modified"] = _moment(modified)
    return {key: value for key, value in found.items() if value}


def _moment(text: str) -> str:
    """ISO 8601, also where the page writes it as HTTP does (RFC 9110, 5.6.7); '' for anything else."""
    try:
        return datetime.fromisoformat(text).isoformat()
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text).isoformat()
    except ValueError:
        return ""
