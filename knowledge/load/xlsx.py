"""Spreadsheets: each sheet a heading, its tables with headers first; formulas show their last result."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from typing import Any

import openpyxl

from knowledge.document import LoadedDocument
from knowledge.load.areas import Row, add_grid
from knowledge.load.errors import UnreadableDocument
from knowledge.load.front_matter import Metadata
from knowledge.load.number_format import formatted
from knowledge.load.outline import MAX_TABLE_CELLS, MAX_TEXT, Outline, one_line

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_SHEETS = 200
# Formatting far below the data makes sheets look a million rows long.
MAX_EMPTY_RUN = 1000


def load_xlsx(data: bytes) -> LoadedDocument:
    """Hidden sheets are left out. Raises UnreadableDocument: too_complex."""
    workbook: Any = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    outline = Outline()
    for sheet in workbook.worksheets[:MAX_SHEETS]:
        if sheet.sheet_state == "visible":
            _add_sheet(sheet, outline)
    metadata = _metadata(workbook.properties, is_dated=_is_dated(data))
    workbook.close()
    return LoadedDocument(str(metadata.get("title", "")), CONTENT_TYPE, outline.blocks(), metadata)


def _is_dated(data: bytes) -> bool:
    with zipfile.ZipFile(BytesIO(data)) as package:
        core = "docProps/core.xml"
        return core in package.namelist() and b"modified>" in package.read(core)


def _metadata(properties: Any, *, is_dated: bool) -> Metadata:
    fields = {"title": properties.title, "author": properties.creator, "subject": properties.subject}
    found: Metadata = {key: one_line(str(value)) for key, value in fields.items() if value}
    if found.get("author") == "openpyxl":
        del found["author"]
    # openpyxl makes up the time of now where there is none.
    if properties.modified is not None and is_dated:
        found["last_modified"] = properties.modified.isoformat()
    return found


def _add_sheet(sheet: Any, outline: Outline) -> None:
    rows = list(_rows(sheet))
    if any(map(any, rows)):
        outline.heading(str(sheet.title), 1)
        add_grid(rows, outline)


def _rows(sheet: Any) -> Iterator[Row]:
    cells = empty = letters = 0
    # The stored dimensions may be wrong or huge; rows are read as they come.
    sheet.reset_dimensions()
    for row in sheet.iter_rows():
        values = [_shown(cell) for cell in row]
        while values and not values[-1]:
            values.pop()
        cells += len(row)
        letters += sum(map(len, values))
        if cells > MAX_TABLE_CELLS or letters > MAX_TEXT:
            raise UnreadableDocument(
                "too_complex",
                f"A sheet holds more than {MAX_TABLE_CELLS:,} cells or {MAX_TEXT:,} characters.",
            )
        empty = 0 if values else empty + 1
        if empty > MAX_EMPTY_RUN:
            return
        yield values


def _shown(cell: Any) -> str:
    """As the sheet shows it; dates in the one form that everybody reads alike."""
    value: object = cell.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return formatted(value, str(cell.number_format or "General"))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(" ", "minutes")
    if isinstance(value, timedelta):
        hours, rest = divmod(round(value.total_seconds()), 3600)
        return f"{hours}:{rest // 60:02d}" + (f":{rest % 60:02d}" if rest % 60 else "")
    if isinstance(value, time):
        return value.isoformat("minutes" if not value.second else "seconds")
    return value.isoformat() if isinstance(value, date) else str(value).strip()
