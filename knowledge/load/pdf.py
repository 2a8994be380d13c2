"""PDF files: text by page, headings by type size, ruled tables, form fields. Nothing is executed."""

import re
from io import BytesIO
from typing import Any, cast

import pdfplumber
from pdfminer.pdfdocument import PDFEncryptionError, PDFPasswordIncorrect
from pdfminer.pdftypes import resolve1
from pdfminer.psparser import PSLiteral
from pdfminer.utils import decode_text
from pdfplumber.utils.exceptions import PdfminerException

from knowledge.document import LoadedDocument
from knowledge.load.errors import UnreadableDocument
from knowledge.load.outline import Outline, one_line
from knowledge.load.pdf_lines import (
    Line,
    PdfPage,
    add_flow,
    body_size,
    drop_running_lines,
    levels,
    page_lines,
)

CONTENT_TYPE = "application/pdf"
MAX_PAGES = 2000
MAX_FIELDS = 2000
# A drawing of very many strokes (a map, a plan) is not a table; to look for cells there takes minutes.
_MAX_STROKES = 4000
_PROGRAM_TITLE = re.compile(
    r"^(?:Microsoft \w+ - |untitled|document\d*$|.*\.(?:docx?|xlsx?|pptx?|indd|pdf)$)", re.I
)


def load_pdf(data: bytes) -> LoadedDocument:
    try:
        with pdfplumber.open(BytesIO(data)) as pdf:
            return _read(pdf)
    except (PDFPasswordIncorrect, PDFEncryptionError) as error:
        raise _encrypted() from error
    except PdfminerException as error:
        if error.args and isinstance(error.args[0], PDFPasswordIncorrect | PDFEncryptionError):
            raise _encrypted() from error
        raise


def _encrypted() -> UnreadableDocument:
    return UnreadableDocument("encrypted", "The PDF is protected with a password.")


def _read(pdf: Any) -> LoadedDocument:
    count = len(pdf.pages)
    if count > MAX_PAGES:
        raise UnreadableDocument("too_many_pages", f"It has {count:,} pages; the limit is {MAX_PAGES:,}.")
    pages = [_page(page) for page in pdf.pages]
    outline = Outline()
    _add_pages(drop_running_lines(pages), outline)
    fields = _form_fields(pdf)
    if fields:
        outline.heading("Form fields", 2)
        outline.items(fields)
    if not outline.blocks():
        raise _without_text(pages)
    return LoadedDocument(_title(pdf, outline), CONTENT_TYPE, outline.blocks())


def _without_text(pages: list[PdfPage]) -> UnreadableDocument:
    if any(page.has_pictures for page in pages):
        return UnreadableDocument("needs_ocr", "Its pages are pictures, such as a scan, without text.")
    return UnreadableDocument("empty", "There is no text in it.")


def _page(page: Any) -> PdfPage:
    tables = _tables(page)
    words: list[dict[str, Any]] = page.extract_words(extra_attrs=["size", "fontname"], keep_blank_chars=False)
    boxes = [table.bbox for table in tables]
    outside = [word for word in words if not any(_inside(word, box) for box in boxes)]
    result = PdfPage(
        number=page.page_number,
        height=float(page.height),
        lines=page_lines(outside, page.page_number, float(page.width)),
        tables=[(float(table.bbox[1]), table.extract()) for table in tables],
        has_pictures=bool(page.images),
    )
    page.close()
    return result


def _tables(page: Any) -> list[Any]:
    strokes = len(page.lines) + len(page.rects) + len(page.curves)
    if not strokes or strokes > _MAX_STROKES:
        return []
    return [table for table in page.find_tables() if _is_table(table)]


def _is_table(table: Any) -> bool:
    """At least two rows and two columns, and not mostly empty: frames and form boxes are not tables."""
    rows = table.extract()
    cells = [value for row in rows for value in row]
    filled = [value for value in cells if value and value.strip()]
    columns = sum(any(row[column] for row in rows) for column in range(max(map(len, rows), default=0)))
    return len(rows) >= 2 and columns >= 2 and len(filled) * 2 >= len(cells)


def _inside(word: dict[str, Any], box: tuple[float, float, float, float]) -> bool:
    middle_x, middle_y = (word["x0"] + word["x1"]) / 2, (word["top"] + word["bottom"]) / 2
    return box[0] <= middle_x <= box[2] and box[1] <= middle_y <= box[3]


def _add_pages(pages: list[PdfPage], outline: Outline) -> None:
    body = body_size(pages)
    heading_levels = levels(pages, body)
    for page in pages:
        pending: list[Line] = []
        tables = sorted(page.tables, key=lambda table: table[0])
        for line in page.lines:
            while tables and tables[0][0] < line.top and line.column == 0:
                add_flow(pending, body, heading_levels, outline)
                pending = []
                outline.table([[value or "" for value in row] for row in tables.pop(0)[1]], page.number)
            pending.append(line)
        add_flow(pending, body, heading_levels, outline)
        for _, rows in tables:
            outline.table([[value or "" for value in row] for row in rows], page.number)


def _title(pdf: Any, outline: Outline) -> str:
    first = next((block for block in outline.blocks() if block.kind == "heading"), None)
    if first is not None and first.page == 1:
        return first.text
    metadata: dict[str, Any] = pdf.metadata or {}
    stored = one_line(str(metadata.get("Title") or ""))
    return "" if _PROGRAM_TITLE.match(stored) else stored


def _form_fields(pdf: Any) -> list[str]:
    """The filled-in fields of a form, as '- label: value'."""
    catalog: Any = pdf.doc.catalog
    form: Any = resolve1(catalog.get("AcroForm"))
    if not isinstance(form, dict):
        return []
    lines: list[str] = []
    pending = [(field, "", 0) for field in _references(cast(dict[str, Any], form).get("Fields"))]
    while pending and len(lines) < MAX_FIELDS:
        reference, above, depth = pending.pop(0)
        field: Any = resolve1(reference)
        if not isinstance(field, dict) or depth > 10:
            continue
        known = cast(dict[str, Any], field)
        label = _pdf_text(known.get("TU") or known.get("T")) or above
        value = _pdf_text(known.get("V"))
        if value and value != "Off":
            lines.append(f"- {label}: {value}" if label else f"- {value}")
        pending += [(child, label, depth + 1) for child in _references(known.get("Kids"))]
    return lines


def _references(value: Any) -> list[Any]:
    resolved: Any = resolve1(value)
    return cast(list[Any], resolved) if isinstance(resolved, list) else []


def _pdf_text(value: Any) -> str:
    resolved = resolve1(value)
    if isinstance(resolved, bytes):
        return one_line(decode_text(resolved))
    return one_line(str(resolved.name)) if isinstance(resolved, PSLiteral) else ""
