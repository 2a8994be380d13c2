"""Word documents, in document order: headings by style, lists, tables, text boxes. Macros are never read."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import docx
from docx.opc.constants import RELATIONSHIP_TYPE

from knowledge.document import LoadedDocument
from knowledge.load.front_matter import Metadata
from knowledge.load.outline import INDENT, Outline, one_line, tidy

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_MAX_LEVEL = 8
# Tracked deletions, properties, and text boxes, which are read as blocks of their own.
_NOT_SHOWN = {f"{_W}{name}" for name in ("del", "moveFrom", "txbxContent", "pPr", "rPr")} | {_FALLBACK}


def load_docx(data: bytes) -> LoadedDocument:
    package: Any = docx.Document(BytesIO(data))
    outline = Outline()
    reader = _Reader(package, outline)
    reader.read(package.element.body)
    reader.finish()
    metadata = _metadata(package)
    title = reader.title or outline.first_heading() or str(metadata.get("title", ""))
    return LoadedDocument(title, CONTENT_TYPE, outline.blocks(), metadata)


def _metadata(package: Any) -> Metadata:
    try:
        # Asked for directly: python-docx makes up properties, with the time of now, where there are none.
        properties = package.part.package.part_related_by(RELATIONSHIP_TYPE.CORE_PROPERTIES).core_properties
    except KeyError:
        return {}
    fields = {"title": properties.title, "author": properties.author, "subject": properties.subject}
    found: Metadata = {key: one_line(value) for key, value in fields.items() if value and value.strip()}
    if properties.modified is not None:
        found["modified"] = properties.modified.isoformat()
    return found


class _Reader:
    """Walks the body; items of one list are collected until something else comes."""

    def __init__(self, package: Any, outline: Outline) -> None:
        self._outline = outline
        self._styles = _styles(package)
        self._formats = _number_formats(package)
        self._items: list[str] = []
        self._counts: dict[tuple[str, int], int] = {}
        self.title = ""

    def read(self, container: Any) -> None:
        for element in container.iterchildren():
            if element.tag == f"{_W}p":
                self._paragraph(element)
            elif element.tag == f"{_W}tbl":
                self._table(element)
            elif element.tag in {f"{_W}sdt", f"{_W}sdtContent", f"{_W}ins", f"{_W}smartTag"}:
                self.read(element)

    def finish(self) -> None:
        self._outline.items(self._items)
        self._items = []

    def _paragraph(self, element: Any) -> None:
        text = tidy(_text(element))
        style, level = self._styles.get(_attribute(element, "pStyle"), ("", 0))
        numbering = _numbering(element) or self._style_numbering(element)
        if text and level:
            self.finish()
            self._outline.heading(text, level)
        elif text and style == "title":
            self.finish()
            self.title = self.title or one_line(text)
            self._outline.heading(text, 1)
        elif text and (numbering or style.startswith("list")):
            self._item(text, *(numbering or ("", 0)), numbered="number" in style)
        elif text:
            self.finish()
            self._outline.paragraph(text)
        for box in _boxes(element):
            self.finish()
            self.read(box)

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
        rows = [
            [_cell(cell) for cell in _cells(row)] for row in element.iter(f"{_W}tr") if _owner(row) is element
        ]
        if sum(len(row) for row in rows) == 1:
            # A single cell is a frame around text.
            for cell in element.iter(f"{_W}tc"):
                self.read(cell)
                return
        self._outline.table(rows)


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
    return "".join(_runs(element))


def _runs(element: Any) -> Iterator[str]:
    for child in element.iterchildren():
        if child.tag == f"{_W}t":
            yield child.text or ""
        elif child.tag in {f"{_W}br", f"{_W}cr"}:
            yield "\n"
        elif child.tag == f"{_W}tab":
            yield " "
        elif child.tag == f"{_W}noBreakHyphen":
            yield "-"
        elif child.tag not in _NOT_SHOWN:
            yield from _runs(child)


def _boxes(paragraph: Any) -> list[Any]:
    """The text boxes anchored in a paragraph; Word stores each twice, the second time as a fallback."""
    found = paragraph.iter(f"{_W}txbxContent")
    return [box for box in found if not any(parent.tag == _FALLBACK for parent in box.iterancestors())]


def _owner(row: Any) -> Any:
    return next((parent for parent in row.iterancestors() if parent.tag == f"{_W}tbl"), None)


def _cells(row: Any) -> Iterator[Any]:
    for child in row.iterchildren():
        if child.tag == f"{_W}tc":
            yield child
        elif child.tag in {f"{_W}sdt", f"{_W}sdtContent"}:
            yield from _cells(child)


def _cell(cell: Any) -> str:
    return "\n".join(_text(paragraph) for paragraph in cell.iter(f"{_W}p"))
