"""What stands on a page of a PDF, by PDFium: words with place and type, ruling lines, pictures, form fields.

PDFium runs no script, opens no attachment and follows no link; it is native code, and so only ever runs in
the child process that reads documents. Coordinates are those of the page as a person holds it: points from
the left and from the top, rotation undone.
"""

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pypdfium2
import pypdfium2.raw

from knowledge.load.errors import UnreadableDocument

# Generated bindings, without types.
pdfium: Any = pypdfium2.raw

# More on one page is no page that anybody reads.
MAX_PAGE_LETTERS = 300_000
# A drawing of very many strokes (a map, a plan) is not a table.
MAX_STROKES = 4000
_MAX_OBJECTS = 20_000
_MAX_SEGMENTS = 400
_MAX_FORM_DEPTH = 5
_MAX_FIELDS_A_PAGE = 500
_BOLD = re.compile(r"bold|black|heavy|semib|demi", re.IGNORECASE)
_MONO = re.compile(r"mono|nimbusmon|lmtt|ectt|courier|consol|menlo|typewriter|cmtt|sftt|fixed", re.IGNORECASE)
_FORCE_BOLD = 1 << 18
_FIXED_PITCH = 1
_SPACES = frozenset({0, 9, 10, 13, 32, 0xA0, 0x2002, 0x2003, 0x2009})
# PDFium's mark for a hyphen that only divides a word at the end of a line.
_SOFT_HYPHENS = frozenset({0x2, 0xAD, 0xFFFE})
_STRAIGHT = 2.0

Box = tuple[float, float, float, float]
Matrix = tuple[float, float, float, float, float, float]


@dataclass(slots=True)
class Word:
    """size: height of the type in points. mono: in a type whose letters are all of one width.
    turned: quarters that its line is rotated against the page's.
    """

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    bold: bool
    turned: int = 0
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight line along an axis: at x (upright) or y, from `start` to `end` along the other axis."""

    upright: bool
    at: float
    start: float
    end: float


@dataclass(slots=True)
class RawPage:
    """number: 1-based. pictured: the part of the page that pictures cover, 0 to 1."""

    number: int
    width: float
    height: float
    words: list[Word] = field(default_factory=list[Word])
    strokes: list[Stroke] = field(default_factory=list[Stroke])
    pictured: float = 0.0
    fields: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])


@dataclass(frozen=True, slots=True)
class Bookmark:
    title: str
    level: int
    page: int


class PdfFile:
    """An open PDF. Raises UnreadableDocument: encrypted; whatever else is wrong raises PdfiumError."""

    def __init__(self, data: bytes) -> None:
        try:
            self._file: Any = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            if re.search(r"password|security", str(error), re.IGNORECASE):
                raise UnreadableDocument("encrypted", "The PDF is protected with a password.") from error
            raise
        # Before any page is loaded, else PDFium knows of no fields.
        self._has_form = bool(self._file.init_forms())
        self.page_count = len(self._file)

    def metadata(self) -> dict[str, str]:
        """The document properties that it has: Title, Author, Subject, ModDate …"""
        found: dict[str, str] = self._file.get_metadata_dict(skip_empty=True)
        return found

    def bookmarks(self, limit: int = 5000) -> list[Bookmark]:
        found: list[Bookmark] = []
        for mark in self._file.get_toc(max_depth=6):
            target = mark.get_dest()
            page = target.get_index() if target is not None else None
            if page is not None:
                found.append(Bookmark(str(mark.get_title()), int(mark.level) + 1, int(page) + 1))
            if len(found) >= limit:
                break
        return found

    def pages(self) -> Iterator[RawPage]:
        """One after the other; the memory of each is given back before the next is read."""
        for index in range(self.page_count):
            try:
                page: Any = self._file[index]
            except pypdfium2.PdfiumError:
                # Readers show a damaged page as empty and go on.
                yield RawPage(index + 1, 612.0, 792.0)
                continue
            try:
                yield _read_page(page, index + 1, self._file.formenv if self._has_form else None)
            finally:
                page.close()

    def close(self) -> None:
        self._file.close()


def _read_page(page: Any, number: int, form: Any) -> RawPage:
    bounds = pdfium.FS_RECTF()
    pdfium.FPDF_GetPageBoundingBox(page.raw, ctypes.byref(bounds))
    frame = (bounds.left, bounds.bottom, bounds.right, bounds.top)
    words = _words(page)
    # Text that runs along the page's rotation is upright for the reader; else most of the text decides.
    turns = Counter(word.turned for word in words for _ in word.text)
    quarter = turns.most_common(1)[0][0] if turns else int(page.get_rotation()) // 90
    strokes, pictured = _drawn(page, frame)
    width, height = bounds.right - bounds.left, bounds.top - bounds.bottom
    if quarter % 2:
        width, height = height, width
    return RawPage(
        number=number,
        width=width,
        height=height,
        words=[_placed(word, frame, quarter) for word in words],
        strokes=[_turned_stroke(stroke, frame, quarter) for stroke in strokes],
        pictured=pictured,
        fields=_fields(page, form) if form is not None else [],
    )


def _placed(word: Word, frame: Box, quarter: int) -> Word:
    """Each word in the coordinates of its own direction, the page's main one being 0."""
    left, top, right, bottom = _turned((word.x0, word.bottom, word.x1, word.top), frame, word.turned)
    turned = (word.turned - quarter) % 4
    return Word(word.text, left, right, top, bottom, word.size, word.bold, turned, word.mono)


def _turned(box: Box, frame: Box, quarter: int) -> Box:
    """(x0, y0, x1, y1) of the file, from the bottom, as (left, top, right, bottom) for the reader."""
    x0, y0, x1, y1 = box
    left, low, right, high = frame
    if quarter == 1:
        return y0 - low, x0 - left, y1 - low, x1 - left
    if quarter == 2:
        return right - x1, y0 - low, right - x0, y1 - low
    if quarter == 3:
        return high - y1, right - x1, high - y0, right - x0
    return x0 - left, high - y1, x1 - left, high - y0


def _turned_stroke(stroke: Stroke, frame: Box, quarter: int) -> Stroke:
    low, high = sorted((stroke.start, stroke.end))
    box = (stroke.at, low, stroke.at, high) if stroke.upright else (low, stroke.at, high, stroke.at)
    left, top, right, bottom = _turned(box, frame, quarter)
    if stroke.upright != bool(quarter % 2):
        return Stroke(True, left, top, bottom)
    return Stroke(False, top, left, right)


def _words(page: Any) -> list[Word]:
    textpage: Any = page.get_textpage()
    try:
        count = pdfium.FPDFText_CountChars(textpage.raw)
        if count > MAX_PAGE_LETTERS:
            raise UnreadableDocument(
                "too_complex", f"One page holds {count:,} letters; the limit is {MAX_PAGE_LETTERS:,}."
            )
        return _Letters(textpage.raw).words(count)
    finally:
        textpage.close()


@dataclass(frozen=True, slots=True)
class _Type:
    """turned: direction in quarters, -1 for a slant such as a watermark's."""

    size: float
    bold: bool
    mono: bool
    turned: int


class _Letters:
    """Collects letters into words. Calls into PDFium cost a microsecond each, so type is asked once a run."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._box = pdfium.FS_RECTF()
        self._box_ref = ctypes.byref(self._box)
        self._run = 0
        self._type = _Type(0.0, False, False, 0)
        self._found: list[Word] = []
        self._word: Word | None = None

    def words(self, count: int) -> list[Word]:
        letter, box, run = pdfium.FPDFText_GetUnicode, pdfium.FPDFText_GetLooseCharBox, self._run_of
        for index in range(count):
            code = letter(self._raw, index)
            if code in _SPACES:
                # Spaces that PDFium made up go wrong where type is mirrored: then only distance counts.
                if not pdfium.FPDFText_IsGenerated(self._raw, index):
                    self._end()
                continue
            if not box(self._raw, index, self._box_ref):
                continue
            style = run(index)
            if style.turned >= 0:
                self._add("-" if code in _SOFT_HYPHENS else chr(code), style)
        self._end()
        return self._found

    def _add(self, letter: str, style: _Type) -> None:
        box, word = self._box, self._word
        if word is not None and _joins(word, letter, style) and _follows(word, box, style.size):
            word.text += letter
            word.x0, word.x1 = min(word.x0, box.left), max(word.x1, box.right)
            word.bottom, word.top = min(word.bottom, box.bottom), max(word.top, box.top)
            return
        self._end()
        self._word = Word(letter, box.left, box.right, box.top, box.bottom, style.size, style.bold)
        self._word.turned, self._word.mono = style.turned, style.mono

    def _end(self) -> None:
        word, self._word = self._word, None
        if word is not None and word.text.strip():
            if not word.text.isascii():
                word.text = word.text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
            self._found.append(word)

    def _run_of(self, index: int) -> _Type:
        pointer = pdfium.FPDFText_GetTextObject(self._raw, index)
        address = ctypes.addressof(pointer.contents) if pointer else 0
        if address != self._run or not address:
            self._run = address
            self._type = self._describe(index)
        return self._type

    def _describe(self, index: int) -> _Type:
        matrix = pdfium.FS_MATRIX()
        pdfium.FPDFText_GetMatrix(self._raw, index, ctypes.byref(matrix))
        scale = math.hypot(matrix.c, matrix.d) or 1.0
        degrees = math.degrees(math.atan2(matrix.b, matrix.a))
        quarter = round(degrees / 90)
        straight = abs(degrees - quarter * 90) < 10
        size = round(pdfium.FPDFText_GetFontSize(self._raw, index) * scale, 2)
        name, flags = self._font(index)
        bold = bool(_BOLD.search(name)) or bool(flags & _FORCE_BOLD)
        mono = bool(_MONO.search(name)) or bool(flags & _FIXED_PITCH)
        return _Type(size, bold, mono, quarter % 4 if straight else -1)

    def _font(self, index: int) -> tuple[str, int]:
        flags = ctypes.c_int()
        name = ctypes.create_string_buffer(200)
        pdfium.FPDFText_GetFontInfo(self._raw, index, name, 200, ctypes.byref(flags))
        return name.value.decode("utf-8", "replace"), flags.value


def _joins(word: Word, letter: str, style: _Type) -> bool:
    """The number of a note, in small type, is no part of the word beside it; that of an area (m2) is."""
    if word.turned != style.turned:
        return False
    if abs(word.size - style.size) < 0.2 * max(word.size, style.size):
        return True
    return not (word.text.isdigit() or (letter.isdigit() and not word.text[-1].isalnum()))


def _follows(word: Word, box: Any, size: float) -> bool:
    """On the same line and close behind: nearer than the narrowest space between words."""
    gap, rise = 0.16 * max(size, 4), 0.5 * max(size, 4)
    if word.turned % 2:
        return abs(box.left - word.x0) < rise and box.bottom - word.top < gap and word.bottom - box.top < gap
    return abs(box.bottom - word.bottom) < rise and box.left - word.x1 < gap and word.x0 - box.right < gap


def _drawn(page: Any, frame: Box) -> tuple[list[Stroke], float]:
    """Straight strokes, in the coordinates of the file, and how much of the page is pictures."""
    drawing = _Drawing()
    identity: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    count = pdfium.FPDFPage_CountObjects(page.raw)
    drawing.add(partial(pdfium.FPDFPage_GetObject, page.raw), count, identity, 0)
    area = max((frame[2] - frame[0]) * (frame[3] - frame[1]), 1.0)
    strokes = drawing.strokes if len(drawing.strokes) <= MAX_STROKES else []
    return strokes, min(drawing.pictures / area, 1.0)


class _Drawing:
    def __init__(self) -> None:
        self.strokes: list[Stroke] = []
        self.pictures = 0.0
        self._objects = 0

    def add(self, get: Any, count: int, matrix: Matrix, depth: int) -> None:
        for index in range(count):
            self._objects += 1
            if self._objects > _MAX_OBJECTS or len(self.strokes) > MAX_STROKES:
                return
            item: Any = get(index)
            kind = pdfium.FPDFPageObj_GetType(item)
            if kind == pdfium.FPDF_PAGEOBJ_PATH:
                self._path(item, _times(_matrix(item), matrix))
            elif kind == pdfium.FPDF_PAGEOBJ_IMAGE:
                self._picture(item, matrix)
            elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _MAX_FORM_DEPTH:
                self._form(item, _times(_matrix(item), matrix), depth)

    def _form(self, item: Any, matrix: Matrix, depth: int) -> None:
        inner = pdfium.FPDFFormObj_CountObjects(item)
        self.add(partial(pdfium.FPDFFormObj_GetObject, item), max(inner, 0), matrix, depth + 1)

    def _picture(self, item: Any, matrix: Matrix) -> None:
        a, b, c, d, _, _ = _times(_matrix(item), matrix)
        self.pictures += abs(a * d - b * c)

    def _path(self, item: Any, matrix: Matrix) -> None:
        count = pdfium.FPDFPath_CountSegments(item)
        if not 2 <= count <= _MAX_SEGMENTS:
            return
        x, y = ctypes.c_float(), ctypes.c_float()
        begin = last = (0.0, 0.0)
        for index in range(count):
            segment: Any = pdfium.FPDFPath_GetPathSegment(item, index)
            pdfium.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y))
            point = _moved(x.value, y.value, matrix)
            kind = pdfium.FPDFPathSegment_GetType(segment)
            if kind == pdfium.FPDF_SEGMENT_MOVETO:
                begin = point
            elif kind == pdfium.FPDF_SEGMENT_LINETO:
                self._line(last, point)
            if pdfium.FPDFPathSegment_GetClose(segment):
                self._line(point, begin)
            last = point

    def _line(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        dx, dy = abs(start[0] - end[0]), abs(start[1] - end[1])
        if dx < 1 and dy >= _STRAIGHT:
            self.strokes.append(Stroke(True, (start[0] + end[0]) / 2, *sorted((start[1], end[1]))))
        elif dy < 1 and dx >= _STRAIGHT:
            self.strokes.append(Stroke(False, (start[1] + end[1]) / 2, *sorted((start[0], end[0]))))


def _matrix(item: Any) -> Matrix:
    found = pdfium.FS_MATRIX()
    pdfium.FPDFPageObj_GetMatrix(item, ctypes.byref(found))
    return found.a, found.b, found.c, found.d, found.e, found.f


def _times(one: Matrix, two: Matrix) -> Matrix:
    a, b, c, d, e, f = one
    g, h, i, j, k, m = two
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


def _moved(x: float, y: float, matrix: Matrix) -> tuple[float, float]:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def _fields(page: Any, form: Any) -> list[tuple[str, str]]:
    """(label, value) of the filled-in fields; a ticked box has the value 'yes'."""
    found: list[tuple[str, str]] = []
    for index in range(min(pdfium.FPDFPage_GetAnnotCount(page.raw), _MAX_FIELDS_A_PAGE)):
        annotation: Any = pdfium.FPDFPage_GetAnnot(page.raw, index)
        if not annotation:
            continue
        try:
            if pdfium.FPDFAnnot_GetSubtype(annotation) == pdfium.FPDF_ANNOT_WIDGET:
                value = _field_value(form.raw, annotation)
                label = _text(pdfium.FPDFAnnot_GetFormFieldAlternateName, form.raw, annotation)
                if value:
                    found.append(
                        (label or _text(pdfium.FPDFAnnot_GetFormFieldName, form.raw, annotation), value)
                    )
        finally:
            pdfium.FPDFPage_CloseAnnot(annotation)
    return found


def _field_value(form: Any, annotation: Any) -> str:
    kind = pdfium.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind == pdfium.FPDF_FORMFIELD_CHECKBOX:
        return "yes" if pdfium.FPDFAnnot_IsChecked(form, annotation) else ""
    if kind == pdfium.FPDF_FORMFIELD_RADIOBUTTON:
        if not pdfium.FPDFAnnot_IsChecked(form, annotation):
            return ""
        return _text(pdfium.FPDFAnnot_GetFormFieldExportValue, form, annotation)
    if kind in {pdfium.FPDF_FORMFIELD_PUSHBUTTON, pdfium.FPDF_FORMFIELD_SIGNATURE}:
        return ""
    return _text(pdfium.FPDFAnnot_GetFormFieldValue, form, annotation)


def _text(ask: Any, form: Any, annotation: Any) -> str:
    length = min(int(ask(form, annotation, None, 0)), 200_000)
    if length <= 2:
        return ""
    buffer = ctypes.create_string_buffer(length + 2)
    ask(form, annotation, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), length)
    return buffer.raw[: length - 2].decode("utf-16-le", "ignore").strip()
