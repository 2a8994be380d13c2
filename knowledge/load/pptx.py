"""PowerPoint presentations: each slide a page with its title as heading, then its text, tables and notes."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pptx
import pptx.oxml
from pptx.opc.constants import RELATIONSHIP_TYPE

from knowledge.document import LoadedDocument
from knowledge.load.core_properties import core_metadata
from knowledge.load.errors import UnreadableDocument
from knowledge.load.front_matter import Metadata
from knowledge.load.outline import INDENT, Outline, one_line, tidy

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
MAX_SLIDES = 2000
MAX_TITLE = 100
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_DIAGRAM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
_MATH = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_DIAGRAM_DATA = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/diagramData"
_TITLES = frozenset({"title", "ctrTitle"})
# Dates, slide numbers, footers and headers repeat on every slide.
_RUNNING = frozenset({"dt", "sldNum", "ftr", "hdr"})
# Their paragraphs are bullets unless they say otherwise.
_BODIES = frozenset({"body", "obj", ""})
# A slide of this layout begins a part of the presentation.
_OPENING_LAYOUTS = frozenset({"title", "secHead"})


def load_pptx(data: bytes) -> LoadedDocument:
    """Hidden slides are left out, as hidden sheets are. Raises UnreadableDocument: too_many_pages."""
    presentation: Any = pptx.Presentation(BytesIO(data))
    slides = list(presentation.slides)
    if len(slides) > MAX_SLIDES:
        what = f"It has {len(slides):,} slides; the limit is {MAX_SLIDES:,}."
        raise UnreadableDocument("too_many_pages", what)
    outline = Outline()
    for number, slide in enumerate(slides, start=1):
        if slide.element.get("show") not in {"0", "false"}:
            _Slide(slide, number, outline).read()
    metadata = _metadata(presentation)
    title = outline.first_heading() or str(metadata.get("title", ""))
    return LoadedDocument(title, CONTENT_TYPE, outline.blocks(), metadata)


def _metadata(presentation: Any) -> Metadata:
    try:
        # Asked for directly: python-pptx makes up properties, with the time of now, where there are none.
        properties = presentation.part.package.part_related_by(RELATIONSHIP_TYPE.CORE_PROPERTIES)
    except KeyError:
        return {}
    return core_metadata(properties)


class _Slide:
    def __init__(self, slide: Any, number: int, outline: Outline) -> None:
        self._slide = slide
        self._number = number
        self._outline = outline

    def read(self) -> None:
        shapes = list(_flat(self._slide.shapes))
        titles = [shape for shape in shapes if _placeholder(shape) in _TITLES] or _topmost(shapes)
        title = one_line(" ".join(shape.text_frame.text for shape in titles))
        opens = self._slide.slide_layout.element.get("type") in _OPENING_LAYOUTS
        level = 1 if opens or self._number == 1 else 2
        self._outline.heading(title or f"Slide {self._number}", level, self._number)
        for shape in shapes:
            if shape not in titles and _placeholder(shape) not in _RUNNING:
                self._shape(shape)
        self._notes()

    def _shape(self, shape: Any) -> None:
        if getattr(shape, "has_table", False):
            self._outline.table(_table(shape.table), self._number)
        elif getattr(shape, "has_chart", False):
            self._chart(shape.chart)
        elif getattr(shape, "has_text_frame", False):
            bulleted = shape.is_placeholder and _placeholder(shape) in _BODIES
            self._text(shape.text_frame, bulleted=bulleted)
        else:
            self._diagram(shape)

    def _text(self, frame: Any, *, bulleted: bool) -> None:
        """Paragraphs and bullets in their order; a run of bullets is one list."""
        items: list[str] = []
        counts: dict[int, int] = {}
        for paragraph in frame.paragraphs:
            text = tidy(_paragraph_text(paragraph._p))
            if not text:
                continue
            kind = _bullet(paragraph._p, default=bulleted)
            if not kind:
                self._outline.items(items, self._number)
                items = []
                self._outline.paragraph(text, self._number)
                continue
            level = int(paragraph.level)
            counts = {key: count for key, count in counts.items() if key <= level}
            counts[level] = counts.get(level, 0) + 1
            items += _item(text, level, f"{counts[level]}." if kind == "number" else "-")
        self._outline.items(items, self._number)

    def _chart(self, chart: Any) -> None:
        """The numbers behind it, as a table."""
        if chart.has_title and chart.chart_title.has_text_frame:
            self._outline.paragraph(chart.chart_title.text_frame.text, self._number)
        for plot in chart.plots:
            series = list(plot.series)
            header = ["", *(str(one.name or "") for one in series)]
            names = [" ".join(map(str, levels)) for levels in plot.categories.flattened_labels]
            columns = [list(one.values) for one in series]
            rows = [
                [name, *(_shown(values[row]) if row < len(values) else "" for values in columns)]
                for row, name in enumerate(names)
            ]
            self._outline.table([header, *rows], self._number)

    def _diagram(self, shape: Any) -> None:
        """SmartArt keeps its text in a part of its own."""
        for mark in shape.element.iter(f"{_DIAGRAM}relIds"):
            relation = mark.get("{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm")
            part = self._slide.part.related_part(relation) if relation else None
            if part is not None:
                self._outline.items([f"- {text}" for text in _diagram_texts(part.blob)], self._number)

    def _notes(self) -> None:
        if not self._slide.has_notes_slide:
            return
        shapes = [
            shape for shape in self._slide.notes_slide.shapes if getattr(shape, "has_text_frame", False)
        ]
        frames = [shape.text_frame for shape in shapes if _placeholder(shape) not in _RUNNING]
        if any(frame.text.strip() for frame in frames):
            self._outline.heading("Notes", 3, self._number)
        for frame in frames:
            self._text(frame, bulleted=False)


def _flat(shapes: Any) -> Iterator[Any]:
    """The shapes in reading order, those of groups in their place."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _flat(shape.shapes)
        else:
            yield shape


def _topmost(shapes: list[Any]) -> list[Any]:
    """Without a title of its own, the one short line at the top of a slide is read as one."""
    texts = [shape for shape in shapes if getattr(shape, "has_text_frame", False) and shape.top is not None]
    first = min(
        (shape for shape in texts if shape.text_frame.text.strip()), key=lambda one: one.top, default=None
    )
    if first is None or _placeholder(first) in _RUNNING or len(shapes) == 1:
        return []
    lines = [paragraph for paragraph in first.text_frame.paragraphs if paragraph.text.strip()]
    short = len(lines) == 1 and len(lines[0].text) <= MAX_TITLE and not _bullet(lines[0]._p, default=False)
    return [first] if short else []


def _placeholder(shape: Any) -> str:
    """The placeholder's type as it is written; '' for the general one and for all other shapes."""
    found = [mark.get("type") or "" for mark in shape.element.iter("{*}ph")]
    return str(found[0]) if found else ""


def _paragraph_text(paragraph: Any) -> str:
    nodes = paragraph.iter(f"{_A}t", f"{_A}br", f"{_MATH}t")
    return "".join("\n" if node.tag == f"{_A}br" else node.text or "" for node in nodes)


def _bullet(paragraph: Any, *, default: bool) -> str:
    """'number', 'bullet' or '' as the paragraph says, else as its place suggests."""
    properties = paragraph.find(f"{_A}pPr")
    tags = {child.tag for child in properties} if properties is not None else set[str]()
    if f"{_A}buNone" in tags:
        return ""
    if f"{_A}buAutoNum" in tags:
        return "number"
    return "bullet" if default or tags & {f"{_A}buChar", f"{_A}buBlip"} else ""


def _item(text: str, level: int, marker: str) -> list[str]:
    first, *more = text.split("\n")
    indent = INDENT * level
    return [f"{indent}{marker} {first}", *(f"{indent}{INDENT}{line}" for line in more)]


def _table(table: Any) -> list[list[str]]:
    """A cell that spans rows says its text in each of them, so that every row can stand alone."""
    rows: list[list[str]] = []
    for element in table._tbl.tr_lst:
        above = rows[-1] if rows else []
        cells = list(element.tc_lst)
        rows.append([_cell(cell, above[at] if at < len(above) else "") for at, cell in enumerate(cells)])
    return rows


def _cell(cell: Any, above: str) -> str:
    if cell.vMerge:
        return above
    return "" if cell.hMerge else "\n".join(_paragraph_text(node) for node in cell.iter(f"{_A}p"))


def _diagram_texts(blob: bytes) -> list[str]:
    untyped: Any = pptx.oxml
    root = untyped.parse_xml(blob)
    points = (one_line(_paragraph_text(point)) for point in root.iter(f"{_DIAGRAM}pt"))
    return [text for text in points if text]


def _shown(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, int | float) else str(value or "")
