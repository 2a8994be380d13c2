"""Word documents, in document order: headings by style, lists, tables, notes, text boxes, code."""

import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import docx
import docx.oxml
from docx.opc.constants import RELATIONSHIP_TYPE

from knowledge.document import LoadedDocument
from knowledge.load.core_properties import core_metadata
from knowledge.load.front_matter import Metadata
from knowledge.load.outline import INDENT, Outline, one_line, tidy

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAX_LEVEL = 8
_CODE_STYLES = frozenset(
    {"code", "source code", "html preformatted", "preformatted text", "plain text code", "macro text"}
)
_MAX_BOLD = 80
_MONO = re.compile(r"mono|courier|consolas|menlo|typewriter|fixed", re.IGNORECASE)
# Tracked deletions, properties, and text boxes, which are read as blocks of their own.
_NOT_SHOWN = {f"{_W}{name}" for name in ("del", "moveFrom", "txbxContent", "pPr", "rPr")} | {_FALLBACK}


def load_docx(data: bytes) -> LoadedDocument:
    package: Any = docx.Document(BytesIO(data))
    outline = Outline()
    reader = _Reader(package, outline)
    reader.read(package.element.body)
    reader.finish(heading_follows=True)
    metadata = _metadata(package)
    title = reader.title or outline.first_heading() or str(metadata.get("title", ""))
    return LoadedDocument(title, CONTENT_TYPE, outline.blocks(), metadata)


def _metadata(package: Any) -> Metadata:
    try:
        # Asked for directly: python-docx makes up properties, with the time of now, where there are none.
        properties = package.part.package.part_related_by(RELATIONSHIP_TYPE.CORE_PROPERTIES).core_properties
    except KeyError:
        return {}
    return core_metadata(properties)


class _Reader:
    """Walks the body; items of one list are collected until something else comes."""

    def __init__(self, package: Any, outline: Outline) -> None:
        self._outline = outline
        self._styles = _styles(package)
        self._formats = _number_formats(package)
        self._items: list[str] = []
        self._counts: dict[tuple[str, int], int] = {}
        self._code: list[str] = []
        self._notes = _Notes(package)
        self._waiting: list[str] = []
        self._bold = ""
        self._level = 0
        self.title = ""

    def read(self, container: Any) -> None:
        for element in container.iterchildren():
            if element.tag == f"{_W}p":
                self._paragraph(element)
            elif element.tag == f"{_W}tbl":
                self._table(element)
            elif element.tag in {f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}smartTag"}:
                self.read(element)

    def finish(self, *, heading_follows: bool = False) -> None:
        """What was collected becomes blocks, and the notes to it follow."""
        bold, self._bold = self._bold, ""
        if bold and heading_follows:
            self._outline.paragraph(bold)
        elif bold:
            self._outline.heading(bold, self._level + 1)
        self._outline.items(self._items)
        self._outline.code("\n".join(self._code))
        for note in self._waiting:
            self._outline.paragraph(note)
        self._items, self._code, self._waiting = [], [], []

    def _paragraph(self, element: Any) -> None:
        style, level = self._styles.get(_attribute(element, "pStyle"), ("", 0))
        if style.startswith("toc "):
            # A table of contents: its headings come again where they belong.
            return
        raw = "".join(_runs(element, self._notes.mark))
        notes = self._notes.taken()
        self._add(element, raw, style, level)
        self._waiting += notes
        for box in _boxes(element):
            self.finish()
            self.read(box)

    def _add(self, element: Any, raw: str, style: str, level: int) -> None:
        text = tidy(raw)
        numbering = _numbering(element) or self._style_numbering(element)
        if text and _is_code(element, style):
            if not self._code:
                self.finish()
            self._code.append(raw)
        elif text and level:
            self.finish(heading_follows=True)
            self._level = level
            self._outline.heading(text, level)
        elif text and style == "title":
            self.finish(heading_follows=True)
            self.title = self.title or one_line(text)
            self._level = 1
            self._outline.heading(text, 1)
        elif text and (numbering or style.startswith("list")):
            if self._code or self._bold:
                self.finish()
            self._item(text, *(numbering or ("", 0)), numbered="number" in style)
        elif text and _is_bold_line(element, text):
            self.finish(heading_follows=True)
            self._bold = text
        elif text:
            self.finish()
            self._outline.paragraph(text)

    def _style_numbering(self, element: Any) -> tuple[str, int] | None:
        return self._styles_numbering.get(_attribute(element, "pStyle"))

    @property
    def _styles_numbering(self) -> dict[str, tuple[str, int]]:
        return self._formats.by_style

    def _item(self, text: str, list_id: str, level: int, *, numbered: bool) -> None:
        marker = "-"
        if self._formats.is_numbered(list_id, level, default=numbered):
            self._counts = {key: n for key, n in self._counts.items() if key[0] != list_id or key[1] <= level}
            number = self._counts[list_id, level] = self._counts.get((list_id, level), 0) + 1
            marker = f"{number}."
        first, *more = text.split("\n")
        indent = INDENT * level
        self._items += [f"{indent}{marker} {first}", *(f"{indent}{INDENT}{line}" for line in more)]

    def _table(self, element: Any) -> None:
        self.finish()
        cells = [cell for cell in element.iter(f"{_W}tc") if _owner(cell) is element]
        if len(cells) == 1:
            # A single cell is a frame around text.
            self.read(cells[0])
            return
        self._outline.table(_table_rows(element, self._notes.mark))
        self._waiting += self._notes.taken()


class _Notes:
    """Footnotes and endnotes: numbered in the order in which the text refers to them."""

    def __init__(self, package: Any) -> None:
        self._texts = {kind: _notes(package, kind) for kind in ("footnote", "endnote")}
        self._count = 0
        self._pending: list[str] = []

    def mark(self, reference: Any) -> str:
        """'[1]', and the note with that number waits to be taken."""
        kind = str(reference.tag).rpartition("}")[2].removesuffix("Reference")
        text = self._texts.get(kind, {}).get(str(reference.get(f"{_W}id")), "")
        if not text:
            return ""
        self._count += 1
        self._pending.append(f"[{self._count}] {text}")
        return f" [{self._count}]"

    def taken(self) -> list[str]:
        pending, self._pending = self._pending, []
        return pending


def _notes(package: Any, kind: str) -> dict[str, str]:
    """Id → text; Word keeps separators among the notes, too, marked by a type."""
    try:
        part = package.part.part_related_by(f"{_RELATIONS}/{kind}s")
    except KeyError:
        return {}
    untyped: Any = docx.oxml
    root = untyped.parse_xml(part.blob)
    return {
        str(note.get(f"{_W}id")): one_line(" ".join(map(_text, note.iter(f"{_W}p"))))
        for note in root.iter(f"{_W}{kind}")
        if note.get(f"{_W}type") in {None, "normal"}
    }


class _Formats:
    def __init__(self, bullets: dict[str, list[bool]], by_style: dict[str, tuple[str, int]]) -> None:
        self._numbered = bullets
        self.by_style = by_style

    def is_numbered(self, list_id: str, level: int, *, default: bool) -> bool:
        levels = self._numbered.get(list_id)
        return levels[level] if levels and level < len(levels) else default


def _styles(package: Any) -> dict[str, tuple[str, int]]:
    """Style id → (name in lower case, heading level or 0); a style inherits from the one it is based on."""
    found: dict[str, tuple[str, int]] = {}
    for style in package.styles:
        name, level, ancestor = str(style.name or "").lower(), 0, style
        for _ in range(10):
            if ancestor is None or level:
                break
            level = _heading_level(ancestor)
            ancestor = getattr(ancestor, "base_style", None)
        found[str(style.style_id)] = (name, level)
    return found


def _heading_level(style: Any) -> int:
    name = str(style.name or "").lower()
    if name.startswith("heading ") and name[8:9].isdigit():
        return min(int(name[8:9]), 6)
    levels = [node.get(f"{_W}val") for node in style.element.iter(f"{_W}outlineLvl")]
    return int(levels[0]) + 1 if levels and str(levels[0]).isdigit() and int(levels[0]) < 6 else 0


def _number_formats(package: Any) -> _Formats:
    try:
        root = package.part.numbering_part.element
    # python-docx raises the first where a document has no numbering part.
    except (NotImplementedError, KeyError, AttributeError):
        return _Formats({}, _list_styles(package))
    abstract = {
        node.get(f"{_W}abstractNumId"): [
            _child_value(level, "numFmt") not in {"bullet", "none", ""} for level in node.iter(f"{_W}lvl")
        ]
        for node in root.iter(f"{_W}abstractNum")
    }
    lists = {
        str(node.get(f"{_W}numId")): abstract.get(_child_value(node, "abstractNumId"), [])
        for node in root.iter(f"{_W}num")
    }
    return _Formats(lists, _list_styles(package))


def _list_styles(package: Any) -> dict[str, tuple[str, int]]:
    found = ((str(style.style_id), _numbering(style.element)) for style in package.styles)
    return {style_id: numbering for style_id, numbering in found if numbering}


def _numbering(element: Any) -> tuple[str, int] | None:
    """(list id, level) of a paragraph that is a list item; numId 0 switches a style's list off."""
    for node in element.iter(f"{_W}numPr"):
        list_id, level = _child_value(node, "numId"), _child_value(node, "ilvl")
        if list_id and list_id != "0":
            return list_id, min(int(level), _MAX_LEVEL) if level.isdigit() else 0
    return None


def _child_value(element: Any, name: str) -> str:
    child = element.find(f"{_W}{name}")
    return str(child.get(f"{_W}val") or "") if child is not None else ""


def _attribute(element: Any, name: str) -> str:
    properties = element.find(f"{_W}pPr")
    return _child_value(properties, name) if properties is not None else ""


def _text(element: Any) -> str:
    return "".join(_runs(element, _no_mark))


def _no_mark(_reference: Any) -> str:
    return ""


def _runs(element: Any, mark: Callable[[Any], str]) -> Iterator[str]:
    for child in element.iterchildren():
        if child.tag in {f"{_W}t", f"{_MATH}t"}:
            yield child.text or ""
        elif child.tag in {f"{_W}br", f"{_W}cr"}:
            yield "\n"
        elif child.tag == f"{_W}tab":
            yield " "
        elif child.tag == f"{_W}noBreakHyphen":
            yield "-"
        elif child.tag in {f"{_W}footnoteReference", f"{_W}endnoteReference"}:
            yield mark(child)
        elif child.tag not in _NOT_SHOWN:
            yield from _runs(child, mark)


def _is_code(paragraph: Any, style: str) -> bool:
    """By its style, or because all of its text is in a type of one width."""
    if style in _CODE_STYLES:
        return True
    fonts = [fonts.get(f"{_W}ascii") or "" for fonts in paragraph.iter(f"{_W}rFonts")]
    texts = [run for run in paragraph.iter(f"{_W}r") if _text(run).strip()]
    return len(texts) == len(fonts) > 0 and all(map(_MONO.search, fonts))


def _is_bold_line(paragraph: Any, text: str) -> bool:
    """A short line all in bold type: where text follows, its author meant a heading."""
    says_more = "\n" in text or ": " in text or text[-1] in ".,;:!?"
    if says_more or len(text) > _MAX_BOLD or not any(map(str.isalpha, text)):
        return False
    runs = [run for run in paragraph.iter(f"{_W}r") if _text(run).strip()]
    return bool(runs) and all(_is_on(run.find(f"{_W}rPr/{_W}b")) for run in runs)


def _is_on(toggle: Any) -> bool:
    return toggle is not None and (toggle.get(f"{_W}val") or "1") not in {"0", "false", "none"}


def _boxes(paragraph: Any) -> list[Any]:
    """The text boxes anchored in a paragraph; Word stores each twice, the second time as a fallback."""
    found = paragraph.iter(f"{_W}txbxContent")
    return [box for box in found if not any(parent.tag == _FALLBACK for parent in box.iterancestors())]


def _owner(row: Any) -> Any:
    return next((parent for parent in row.iterancestors() if parent.tag == f"{_W}tbl"), None)


def _table_rows(table: Any, mark: Callable[[Any], str]) -> list[list[str]]:
    """A cell over several rows says its text in each, so that every row can stand alone; one over several
    columns takes its place in all of them, the text in the first."""
    rows: list[list[str]] = []
    for row in table.iter(f"{_W}tr"):
        if _owner(row) is not table:
            continue
        above = rows[-1] if rows else []
        values: list[str] = []
        for cell in _cells(row):
            properties = cell.find(f"{_W}tcPr")
            merge = properties.find(f"{_W}vMerge") if properties is not None else None
            goes_on = merge is not None and merge.get(f"{_W}val") != "restart"
            text = above[len(values)] if goes_on and len(values) < len(above) else _cell(cell, mark)
            span = _child_value(properties, "gridSpan") if properties is not None else ""
            values += [text] + [""] * (min(int(span), 100) - 1 if span.isdigit() else 0)
        rows.append(values)
    return rows


def _cells(row: Any) -> Iterator[Any]:
    for child in row.iterchildren():
        if child.tag == f"{_W}tc":
            yield child
        elif child.tag in {f"{_W}sdt", f"{_W}sdtContent"}:
            yield from _cells(child)


def _cell(cell: Any, mark: Callable[[Any], str]) -> str:
    return "\n".join("".join(_runs(paragraph, mark)) for paragraph in cell.iter(f"{_W}p"))
