"""Markdown (CommonMark with tables, strike-through, task and definition lists) and its front matter.

markdown-it parses; its HTML goes through the same walk as HTML pages, because handbooks mix both freely
(tables and accordions written as HTML inside Markdown).
"""

import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.admon import admon_plugin
from mdit_py_plugins.container import container_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin
from selectolax.lexbor import LexborHTMLParser

from knowledge.document import LoadedDocument
from knowledge.load.front_matter import split_front_matter
from knowledge.load.html import plain
from knowledge.load.markup import add_blocks
from knowledge.load.outline import Outline, one_line
from knowledge.load.tags import KNOWN
from knowledge.load.template_tags import clean_template_tags

CONTENT_TYPE = "text/markdown"

# The end of each is looked for to the end of its paragraph: quadratic time for what can be no link.
MAX_OPEN_BRACKETS = 200

_TAG_NAME = re.compile(r"</?([a-zA-Z][\w-]*)")
_ANY_TAG = re.compile(r"</?([a-zA-Z][\w:-]*)[^<>]*>")
# Attribute lists of kramdown and markdown-it-attrs at the end of a heading or paragraph: {#id}, {: .class}
_ATTRIBUTES = re.compile(r"\s*\{:?\s*[#.][^{}]*\}\s*$")
_ORPHAN_STARS = re.compile(r"(?<!\w)\*\*(?=\w)|(?<=[\w.!?:])\*\*(?!\w)")
# Links that a converter escaped by mistake: \[text](target)
_ESCAPED_LINK = re.compile(r"\[([^\[\]]+)\]\((?:/|#|https?:)[^()\s]*\)")
_BOX_TITLE = re.compile(r"^(?:\{[^}]*\}|[\w.-]+)\s*")
_BRACKET = re.compile(r"[\[\]]|\n[ \t]*\n")
_TASK = re.compile(r"^\[[ xX]\]\s+")
_ADMONITION = re.compile(r"^\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\s*", re.IGNORECASE)


def load_markdown(source: str) -> LoadedDocument:
    metadata, body = split_front_matter(source)
    parser = _WITHOUT_LINKS if _open_brackets(body) > MAX_OPEN_BRACKETS else _PARSER
    html = parser.render(clean_template_tags(body))
    outline = Outline()
    root = LexborHTMLParser(html).body
    if root is not None:
        add_blocks(root, outline)
    title = plain(str(metadata.get("title", ""))) or outline.first_heading()
    return LoadedDocument(one_line(title), CONTENT_TYPE, outline.blocks(), metadata)


def _open_brackets(body: str) -> int:
    """How many brackets are open at once, at most, in one paragraph."""
    deepest = depth = 0
    for mark in _BRACKET.finditer(body):
        if mark.group() == "[":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth = max(depth - 1, 0) if mark.group() == "]" else 0
    return deepest


def _drop_markers(state: StateCore) -> None:
    """Take generator attributes, task boxes and admonition marks out of the text, and broken markup."""
    for token in state.tokens:
        if token.type != "inline" or not token.children:
            continue
        for child in token.children:
            if child.type == "text":
                child.content = _ESCAPED_LINK.sub(r"\1", _ORPHAN_STARS.sub("", child.content))
        first, last = token.children[0], token.children[-1]
        if last.type == "text":
            last.content = _ATTRIBUTES.sub("", last.content)
        if first.type == "text":
            first.content = _ADMONITION.sub("", _TASK.sub("", first.content))


def _known_html(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    """Pass real HTML on; show `<your name>` and other placeholders as the author meant them: as text."""
    return _ANY_TAG.sub(_escaped_if_unknown, tokens[index].content)


def _escaped_if_unknown(tag: re.Match[str]) -> str:
    return tag.group() if _is_known(tag.group()) else escapeHtml(tag.group())


def _is_known(tag: str) -> bool:
    name = _TAG_NAME.match(tag)
    return name is not None and name.group(1).lower() in KNOWN


def _is_box(parameters: str, _markup: str) -> bool:
    """`::: tip Title`, as Docusaurus, VuePress and Pandoc write boxes."""
    return bool(parameters.strip())


def _box(
    _self: RendererHTML, tokens: Sequence[Token], index: int, _options: OptionsDict, _env: EnvType
) -> str:
    token = tokens[index]
    if token.nesting < 0:
        return "</div>\n"
    title = _BOX_TITLE.sub("", token.info.strip()).strip().strip('"[]')
    return f"<div><p>{escapeHtml(title)}</p>\n" if title else "<div>\n"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": True, "maxNesting": 100}).enable(["table", "strikethrough"])
    parser.use(deflist_plugin).use(footnote_plugin).use(admon_plugin)
    parser.use(container_plugin, "box", validate=_is_box, render=_box)
    parser.core.ruler.push("drop_markers", _drop_markers)
    render: Any = parser.add_render_rule
    render("html_inline", _known_html)
    render("html_block", _known_html)
    return parser


_PARSER = _parser()
_WITHOUT_LINKS = _parser().disable(
    ["link", "image", "footnote_ref", "footnote_inline", "reference", "footnote_def"]
)
