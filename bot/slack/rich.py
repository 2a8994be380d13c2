"""Markdown as Slack's rich text, for modals and App Home, which take no Markdown.

Rich text holds text, never markup: nothing in it is read as a mention, whatever it says.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.core.plain import opens
from bot.slack.blocks import CODE, Block, cut
from bot.slack.text import Table, neutral, parts_of

Style = dict[str, bool]
_reader = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
_STYLES = {"strong": "bold", "em": "italic", "s": "strike"}
_LONGEST = 2_800
"""Characters of text in one block."""


def rich(markdown: str) -> list[Block]:
    """Blocks of at most some 3,000 characters each. Tables become aligned code."""
    elements: list[Block] = []
    for part in parts_of(markdown):
        if isinstance(part, Table):
            elements += _code(part.as_text().removeprefix("```\n").removesuffix("\n```"))
        else:
            elements += _elements(_reader.parse(part.text))
    return [{"type": "rich_text", "elements": found} for found in _grouped(elements)]


def inline(text: str, links: Mapping[str, str]) -> list[Block]:
    """Text with some of its words as links: {word: address}."""
    found: list[Block] = []
    while text:
        at, word = min(((text.find(word), word) for word in links if word in text), default=(-1, ""))
        if at < 0:
            return [*found, _run(text, {})]
        if at:
            found.append(_run(text[:at], {}))
        found.append(_linked(word, links[word], {}))
        text = text[at + len(word) :]
    return found


def _elements(tokens: Sequence[Token]) -> Iterator[Block]:
    lists: list[tuple[str, int]] = []
    quoted = 0
    heading = False
    for token in tokens:
        match token.type:
            case "bullet_list_open" | "ordered_list_open":
                lists.append((token.type.partition("_")[0], int(token.attrGet("start") or 1)))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "blockquote_open":
                quoted += 1
            case "blockquote_close":
                quoted -= 1
            case "heading_open" | "heading_close":
                heading = token.type == "heading_open"
            case "list_item_close" if lists:
                lists[-1] = (lists[-1][0], lists[-1][1] + 1)
            case "fence" | "code_block":
                yield from _code(token.content.rstrip("\n"))
            case "hr":
                yield _paragraph([_run("———", {})])
            case "inline":
                runs = list(_runs(token.children or [], {"bold": True} if heading else {}))
                yield from _placed(runs, lists, quoted)
            case "html_block":
                yield _paragraph([_run(token.content, {})])
            case _:
                pass


def _placed(runs: list[Block], lists: Sequence[tuple[str, int]], quoted: int) -> Iterator[Block]:
    for group in _short(runs):
        if lists:
            style, number = lists[-1]
            yield {
                "type": "rich_text_list",
                "style": style,
                "indent": min(len(lists) - 1, 8),
                **({"offset": number - 1} if style == "ordered" and number > 1 else {}),
                "elements": [{"type": "rich_text_section", "elements": group}],
            }
        elif quoted:
            yield {"type": "rich_text_quote", "elements": group}
        else:
            yield _paragraph(group)


def _paragraph(runs: list[Block]) -> Block:
    return {"type": "rich_text_section", "elements": [*runs, _run("\n", {})]}


def _code(text: str) -> Iterator[Block]:
    for piece in cut(text or " ", CODE):
        yield {"type": "rich_text_preformatted", "elements": [_run(piece, {})]}


def _runs(children: Sequence[Token], style: Style) -> Iterator[Block]:
    styles, url = dict(style), ""
    for child in children:
        kind = child.type
        name, _, side = kind.rpartition("_")
        if name in _STYLES:
            styles[_STYLES[name]] = side == "open" or style.get(_STYLES[name], False)
        elif kind == "link_open":
            url = str(child.attrGet("href") or "")
        elif kind == "link_close":
            url = ""
        elif kind == "image":
            yield _linked(child.content or "image", str(child.attrGet("src") or ""), styles)
        elif kind in ("softbreak", "hardbreak"):
            yield _run("\n", {})
        elif child.content:
            now = {**styles, "code": True} if kind == "code_inline" else styles
            yield _linked(child.content, url, now) if url else _run(child.content, now)


def _run(text: str, style: Style) -> Block:
    kept = {name: True for name, on in style.items() if on}
    return {"type": "text", "text": neutral(text) or " ", **({"style": kept} if kept else {})}


def _linked(text: str, url: str, style: Style) -> Block:
    if not opens(url) or len(url) > 3_000:
        return _run(text, style)
    kept = {name: True for name, on in style.items() if on}
    return {"type": "link", "url": url, "text": neutral(text), **({"style": kept} if kept else {})}


def _short(runs: Sequence[Block]) -> Iterator[list[Block]]:
    """In groups of at most `_LONGEST` characters; a longer run is cut."""
    group: list[Block] = []
    length = 0
    for run in runs:
        for piece in cut(str(run["text"]), _LONGEST):
            if group and length + len(piece) > _LONGEST:
                yield group
                group, length = [], 0
            group.append({**run, "text": piece})
            length += len(piece)
    if group:
        yield group


def _grouped(elements: Sequence[Block]) -> Iterator[list[Block]]:
    group: list[Block] = []
    length = 0
    for element in elements:
        size = text_length(element)
        if group and length + size > _LONGEST:
            yield group
            group, length = [], 0
        group.append(element)
        length += size
    if group:
        yield group


def text_length(element: Mapping[str, Any]) -> int:
    """Characters that somebody reads."""
    own = element.get("text")
    return (len(own) if isinstance(own, str) else 0) + sum(map(text_length, element.get("elements", ())))
