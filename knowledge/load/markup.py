"""From an HTML tree to blocks: used by the HTML loader and, through markdown-it's rendering, by Markdown."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from knowledge.load.outline import INDENT, Outline, one_line, table_lines, tidy
from knowledge.load.tags import BLOCKS, CELLS, DROPPED, HEADINGS

MAX_DEPTH = 200
_LANGUAGE = re.compile(
    r"(?:\b(?:lang|language|highlight-source|highlight)-|\bbrush:\s*|\bsourceCode )([A-Za-z][\w+#.-]{0,30})"
)
_LANGUAGES = {
    "py": "python", "python3": "python", "js": "javascript", "ts": "typescript", "sh": "bash",
    "shell": "bash", "zsh": "bash", "yml": "yaml", "c++": "cpp", "cs": "csharp", "c#": "csharp",
    "rb": "ruby", "rs": "rust",
    "golang": "go", "ps1": "powershell", "dockerfile": "docker", "makefile": "make", "plaintext": "text",
    "json5": "json", "jsonc": "json", "md": "markdown", "kt": "kotlin", "hcl": "terraform", "tf": "terraform",
}  # fmt: skip


def add_blocks(node: LexborNode, outline: Outline, depth: int = 0) -> None:
    """Walk the children of `node` in order; inline runs between blocks become paragraphs."""
    run: list[str] = []
    for child in _children(node):
        if _is_block(child):
            _flush(run, outline)
            if depth < MAX_DEPTH:
                _add_block(child, outline, depth + 1)
            else:
                outline.paragraph(child.text(deep=True))
        else:
            run.append(inline(child, depth))
    _flush(run, outline)


def _flush(run: list[str], outline: Outline) -> None:
    outline.paragraph("".join(run))
    run.clear()


def _add_block(node: LexborNode, outline: Outline, depth: int) -> None:
    tag = node.tag or ""
    if tag in HEADINGS:
        outline.heading(_heading_text(node), HEADINGS[tag])
    elif tag == "pre":
        outline.code(node.text(deep=True), _language(node))
    elif tag == "table" and not _is_layout(node):
        _add_table(node, outline)
    elif tag in {"ul", "ol", "menu"} and not _holds_headings(node):
        outline.items(list_lines(node))
    elif tag == "dl":
        outline.items(_definitions(node))
    else:
        add_blocks(node, outline, depth)


def inline(node: LexborNode, depth: int = 0) -> str:
    """The text of an inline node: line breaks as newlines, pictures as their alternative text."""
    tag = node.tag or ""
    if tag == "-text":
        # In HTML a newline in the source is a space; only <br> breaks the line.
        return " ".join((node.text_content or "").split("\n"))
    if tag == "br":
        return "\n"
    if tag == "img":
        return _alternative(node)
    if not node.is_element_node or _is_dropped(node) or depth > MAX_DEPTH:
        return ""
    text = "".join(_spaced(child, depth + 1) for child in _children(node))
    return _with_address(node, text) if tag == "a" else text


def _spaced(node: LexborNode, depth: int) -> str:
    text = inline(node, depth)
    return f"\n{text}\n" if _is_block(node) or node.tag in CELLS else text


def _with_address(link: LexborNode, text: str) -> str:
    """A mail or telephone link names a fact in its target only; other targets are not text."""
    target = link.attributes.get("href") or ""
    scheme, _, rest = target.partition(":")
    address = rest.split("?")[0].strip()
    if scheme.lower() not in {"mailto", "tel"} or not address or "%" in address:
        return text
    digits = "".join(filter(str.isalnum, address)).lower()
    shown = "".join(filter(str.isalnum, text)).lower()
    return text if digits in shown else f"{text.strip()} ({address})"


def _alternative(picture: LexborNode) -> str:
    return (picture.attributes.get("alt") or "").replace("\n", " ")


def _heading_text(node: LexborNode) -> str:
    # Site generators put a permalink sign into each heading.
    return one_line(inline(node)).rstrip("¶§").strip()


def list_lines(node: LexborNode, depth: int = 0) -> list[str]:
    """One line per item, '- ' or '1. ', indented by two spaces per level; its further lines below it."""
    lines: list[str] = []
    number = _first_number(node)
    for item in _children(node):
        if not item.is_element_node or _is_dropped(item):
            continue
        if item.tag in {"ul", "ol", "menu"}:
            lines += list_lines(item, depth + 1)
            continue
        marker = f"{number}. " if node.tag == "ol" else "- "
        own = _item_lines(item, depth)
        lines += [f"{INDENT * depth}{marker}{own[0].strip()}", *own[1:]] if own else []
        number += 1
    return lines


def _first_number(node: LexborNode) -> int:
    start = node.attributes.get("start") or "1"
    return int(start) if start.isdecimal() and len(start) < 10 else 1


def _item_lines(item: LexborNode, depth: int) -> list[str]:
    lines: list[str] = []
    run: list[str] = []
    for part in _item_parts(item, depth):
        if isinstance(part, str):
            run.append(part)
            continue
        lines += _indented(tidy("".join(run)).split("\n"), depth + 1)
        run.clear()
        lines += part
    return [line for line in lines + _indented(tidy("".join(run)).split("\n"), depth + 1) if line.strip()]


def _item_parts(item: LexborNode, depth: int) -> Iterator[str | list[str]]:
    """Inline text as str; nested lists, tables and code as finished lines."""
    for child in _children(item):
        if child.tag in {"ul", "ol", "menu"} and depth < MAX_DEPTH:
            yield list_lines(child, depth + 1)
        elif child.tag == "table" and not _is_layout(child):
            yield _indented(table_lines(_rows(child)), depth + 1)
        elif child.tag == "pre":
            yield _indented(child.text(deep=True).rstrip().split("\n"), depth + 1)
        elif _is_block(child) and child.tag != "p" and depth < MAX_DEPTH:
            yield "\n"
            yield from _item_parts(child, depth)
            yield "\n"
        else:
            yield f"\n{inline(child)}\n" if _is_block(child) else inline(child)


def _indented(lines: list[str], depth: int) -> list[str]:
    return [f"{INDENT * depth}{line}" for line in lines]


def _language(pre: LexborNode) -> str:
    """As highlighters mark it: class="language-python", "lang-py", "highlight-source-shell", "brush: sql"."""
    around = pre.parent
    code = pre.css_first("code")
    for node in (code, pre, around):
        classes = (node.attributes.get("class") or "") if node is not None else ""
        found = _LANGUAGE.search(classes)
        if found:
            name = found.group(1).lower()
            return _LANGUAGES.get(name, name)
    return ""


def _definitions(node: LexborNode) -> list[str]:
    lines: list[str] = []
    for child in node.css("dt, dd"):
        text = one_line(inline(child))
        if child.tag == "dt" or not lines:
            lines.append(f"- {text}")
        else:
            joint = " " if lines[-1].endswith((":", ".", "?", ";")) else ": "
            lines[-1] = f"{lines[-1]}{joint}{text}"
    return lines


def _add_table(node: LexborNode, outline: Outline) -> None:
    caption = node.css_first("caption")
    if caption is not None:
        outline.paragraph(inline(caption))
    outline.table(_rows(node))


def _rows(table: LexborNode) -> list[list[str]]:
    rows: list[list[str]] = []
    # A cell that spans rows says its text in each of them, so that every row can stand alone.
    carried: dict[int, tuple[int, str]] = {}
    for row in table.css("tr"):
        values: list[str] = []
        for item in _children(row):
            if item.tag not in CELLS:
                continue
            _take_carried(values, carried)
            text = _cell_text(item)
            down, across = _span(item, "rowspan"), _span(item, "colspan")
            for column in range(len(values), len(values) + across):
                if down > 1:
                    carried[column] = (down - 1, text)
            values += [text] + [""] * (across - 1)
        _take_carried(values, carried)
        rows.append(values)
    return rows


def _take_carried(values: list[str], carried: dict[int, tuple[int, str]]) -> None:
    while (column := len(values)) in carried:
        left, text = carried.pop(column)
        if left > 1:
            carried[column] = (left - 1, text)
        values.append(text)


def _span(item: LexborNode, name: str) -> int:
    value = item.attributes.get(name) or "1"
    return min(int(value), 100) if value.isdecimal() and len(value) < 6 and int(value) > 0 else 1


def _cell_text(item: LexborNode) -> str:
    return "".join(_spaced(child, 0) for child in _children(item))


def _is_layout(table: LexborNode) -> bool:
    """A table that only arranges the page: another table or headings inside, or a single cell."""
    if (table.attributes.get("role") or "") in {"presentation", "none"} or _holds_headings(table):
        return True
    return len(table.css("table")) > 1 or len(table.css("td, th")) <= 1


def _holds_headings(node: LexborNode) -> bool:
    return node.css_first("h1, h2, h3, h4, h5, h6") is not None


def _is_dropped(node: LexborNode) -> bool:
    if node.tag in DROPPED or "footnote-backref" in (node.attributes.get("class") or ""):
        return True
    if node.tag == "button":
        return not _inside_heading(node)
    return node.attributes.get("aria-hidden") == "true"


def _inside_heading(node: LexborNode) -> bool:
    return node.parent is not None and (node.parent.tag or "") in HEADINGS


def _is_block(node: LexborNode) -> bool:
    if not node.is_element_node or _is_dropped(node):
        return False
    return (node.tag or "") in BLOCKS or any((child.tag or "") in BLOCKS for child in _children(node))


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.child
    while child is not None:
        yield child
        child = child.next
