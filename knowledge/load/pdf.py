"""PDF files: text by page, headings by type size and bookmarks, tables, form fields. Nothing is executed."""

import itertools
import re
from collections.abc import Iterable
from datetime import datetime

from knowledge.document import LoadedDocument
from knowledge.load.errors import UnreadableDocument
from knowledge.load.front_matter import Metadata
from knowledge.load.outline import MAX_TEXT, Outline, one_line
from knowledge.load.pdf_flow import add_pages
from knowledge.load.pdf_lines import PdfPage, drop_running_lines, page_of
from knowledge.load.pdf_pages import PdfFile

CONTENT_TYPE = "application/pdf"
MAX_PAGES = 2000
MAX_FIELDS = 2000
_PROGRAM_TITLE = re.compile(
    r"^(?:Microsoft \w+ - |untitled|document\d*$|.*\.(?:docx?|xlsx?|pptx?|odt|indd|pdf|tex|dvi)$)", re.I
)
_PROPERTIES = {"Title": "title", "Author": "author", "Subject": "subject"}
_DATE = re.compile(r"^D:(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:(Z)|([+-]\d\d)'?(\d\d)?)?")


def load_pdf(data: bytes) -> LoadedDocument:
    """Raises UnreadableDocument: encrypted, needs_ocr, too_many_pages, too_complex, empty."""
    file = PdfFile(data)
    try:
        return _read(file)
    finally:
        file.close()


def _read(file: PdfFile) -> LoadedDocument:
    if file.page_count > MAX_PAGES:
        what = f"It has {file.page_count:,} pages; the limit is {MAX_PAGES:,}."
        raise UnreadableDocument("too_many_pages", what)
    pages, fields = _pages(file)
    outline = Outline()
    add_pages(drop_running_lines(pages), file.bookmarks(), outline)
    if fields:
        outline.heading("Form fields", 2)
        outline.items(fields[:MAX_FIELDS])
    if not outline.blocks():
        raise _without_text(pages)
    metadata = _metadata(file.metadata(), pages)
    return LoadedDocument(_title(metadata, outline), CONTENT_TYPE, outline.blocks(), metadata)


def _pages(file: PdfFile) -> tuple[list[PdfPage], list[str]]:
    pages: list[PdfPage] = []
    fields: dict[str, None] = {}
    letters = 0
    for raw in file.pages():
        letters += sum(len(word.text) for word in raw.words)
        if letters > MAX_TEXT:
            what = f"It holds more than {MAX_TEXT:,} characters of text, which is the limit."
            raise UnreadableDocument("too_complex", what)
        pages.append(page_of(raw))
        # A field that is shown on several pages is filled in once.
        fields |= {f"- {one_line(label)}: {one_line(value)}": None for label, value in raw.fields}
    return pages, list(fields)


def _without_text(pages: list[PdfPage]) -> UnreadableDocument:
    if any(page.has_pictures for page in pages):
        return UnreadableDocument("needs_ocr", "Its pages are pictures, such as a scan, without text.")
    return UnreadableDocument("empty", "There is no text in it.")


def _metadata(properties: dict[str, str], pages: list[PdfPage]) -> Metadata:
    found: Metadata = {}
    for name, key in _PROPERTIES.items():
        value = one_line(properties.get(name, ""))
        if value and not (name == "Title" and _PROGRAM_TITLE.match(value)):
            found[key] = value
    modified = _moment(properties.get("ModDate", "")) or _moment(properties.get("CreationDate", ""))
    if modified:
        found["last_modified"] = modified
    scanned = _ranges(page.number for page in pages if page.is_picture)
    if scanned:
        found["pages_without_text"] = scanned
    return found


def _moment(stored: str) -> str:
    """A date of PDF (ISO 32000, 7.9.4) as ISO 8601, or ''."""
    match = _DATE.match(stored)
    if match is None:
        return ""
    *numbers, utc, hours, minutes = match.groups()
    zone = "+00:00" if utc or not hours else f"{hours}:{minutes or '00'}"
    year, month, day, hour, minute, second = numbers
    try:
        return datetime.fromisoformat(f"{year}-{month}-{day}T{hour}:{minute}:{second}{zone}").isoformat()
    except ValueError:
        return ""


def _ranges(numbers: Iterable[int]) -> str:
    """1, 2, 3, 7 as '1-3, 7'."""
    shown: list[str] = []
    for _, run in itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        shown.append(str(members[0]) if len(members) == 1 else f"{members[0]}-{members[-1]}")
    return ", ".join(shown)


def _title(metadata: Metadata, outline: Outline) -> str:
    first = next((block for block in outline.blocks() if block.kind == "heading"), None)
    if first is not None and first.page == 1:
        return first.text
    return str(metadata.get("title", ""))
