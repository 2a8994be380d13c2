"""Spreadsheets: each sheet a heading, each sheet's rows a table with its header row first."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time
from io import BytesIO
from typing import Any

import openpyxl

from knowledge.document import LoadedDocument
from knowledge.load.errors import UnreadableDocument
from knowledge.load.outline import MAX_TABLE_CELLS, Outline, one_line

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAX_SHEETS = 200
# Number formats such as 0.00, #,##0.00 and 0.0%; currency signs and padding around them are taken off first.
_FIXED = re.compile(r"[#,]*0(?:\.(?P<decimals>0+))?(?P<percent>%)?")
_LITERALS = re.compile(r"\[[^\]]*\]|\"[^\"]*\"|\\\\.|_.|\*.|[$€£\s]")
# Formatting far below the data makes sheets look a million rows long.
MAX_EMPTY_RUN = 1000


def load_xlsx(data: bytes) -> LoadedDocument:
    workbook: Any = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    outline = Outline()
    for sheet in workbook.worksheets[:MAX_SHEETS]:
        if sheet.sheet_state == "visible":
            _add_sheet(sheet, outline)
    title = one_line(str(workbook.properties.title or ""))
    workbook.close()
    return LoadedDocument(title, CONTENT_TYPE, outline.blocks())


def _add_sheet(sheet: Any, outline: Outline) -> None:
    areas = list(_areas(_rows(sheet)))
    if areas:
        outline.heading(str(sheet.title), 1)
    for area in areas:
        if all(len([value for value in row if value]) <= 1 for row in area):
            outline.paragraph("\n".join(" ".join(row) for row in area))
        else:
            _add_area(area, outline)


def _add_area(area: list[list[str]], outline: Outline) -> None:
    """A title or note above the real header row is text, not a header."""
    start = 0
    while start < len(area) - 1 and len([value for value in area[start] if value]) == 1:
        start += 1
    outline.paragraph("\n".join(" ".join(row) for row in area[:start]))
    outline.table(area[start:])


def _areas(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    """Blocks of rows that empty rows separate."""
    area: list[list[str]] = []
    for row in rows:
        if any(row):
            area.append(row)
        elif area:
            yield area
            area = []
    if area:
        yield area


def _rows(sheet: Any) -> Iterator[list[str]]:
    cells = empty = 0
    # The stored dimensions may be wrong or huge; rows are read as they come.
    sheet.reset_dimensions()
    for row in sheet.iter_rows():
        values = [_formatted(cell) for cell in row]
        while values and not values[-1]:
            values.pop()
        cells += len(row)
        if cells > MAX_TABLE_CELLS:
            raise UnreadableDocument(
                "too_complex", f"A sheet holds more than {MAX_TABLE_CELLS:,} cells, which is the limit."
            )
        empty = 0 if values else empty + 1
        if empty > MAX_EMPTY_RUN:
            return
        yield values


def _formatted(cell: Any) -> str:
    """Numbers with the decimals and the per cent sign that the sheet shows."""
    value: object = cell.value
    if not isinstance(value, int | float) or isinstance(value, bool):
        return _shown(value)
    fixed = _FIXED.fullmatch(_LITERALS.sub("", str(cell.number_format or "")).split(";")[0])
    if fixed is None:
        return _shown(value)
    decimals = len(fixed.group("decimals") or "")
    if fixed.group("percent"):
        return f"{value * 100:.{decimals}f}%"
    return f"{value:.{decimals}f}"


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}" if abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time(0) else value.isoformat(" ", "minutes")
    if isinstance(value, time):
        return value.isoformat("minutes")
    return value.isoformat() if isinstance(value, date) else str(value).strip()
