"""HTML pages: the main content, without navigation, headers, footers and scripts."""

from selectolax.lexbor import LexborHTMLParser, LexborNode

from knowledge.document import LoadedDocument
from knowledge.load.front_matter import Metadata, split_front_matter
from knowledge.load.markup import add_blocks
from knowledge.load.outline import Outline, one_line
from knowledge.load.template_tags import clean_template_tags

CONTENT_TYPE = "text/html"
_MAIN = ("main", "[role=main]", "article", "body")
_AROUND = (
    "nav, footer, script, style, noscript, template, [role=navigation], [role=contentinfo], [role=search]"
)
_META = {"description": "description", "author": "author", "keywords": "keywords", "date": "date"}


def load_html(source: str) -> LoadedDocument:
    fields, body = split_front_matter(source)
    tree = LexborHTMLParser(clean_template_tags(body, code_fences=False))
    metadata = _head_metadata(tree) | fields
    outline = Outline()
    for part in _content(tree):
        add_blocks(part, outline)
    title = plain(str(fields.get("title", ""))) or outline.first_heading() or _head_title(tree)
    return LoadedDocument(one_line(title), CONTENT_TYPE, outline.blocks(), metadata)


def plain(title: str) -> str:
    """A title from front matter, where some authors write markup."""
    return LexborHTMLParser(title).text(deep=True) if "<" in title else title


def _content(tree: LexborHTMLParser) -> list[LexborNode]:
    for node in tree.css(_AROUND):
        node.decompose()
    for selector in _MAIN:
        found = _outermost(tree.css(selector))
        if any(node.text(deep=True).strip() for node in found):
            for node in found:
                _drop_page_header(node)
            return found
    return []


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
    for node in tree.css("meta[name][content]"):
        name = (node.attributes.get("name") or "").lower()
        value = one_line(node.attributes.get("content") or "")
        if name in _META and value:
            found[_META[name]] = value
    return found
