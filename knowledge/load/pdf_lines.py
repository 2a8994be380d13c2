"""From words with positions to lines, and from lines to headings, paragraphs and lists."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from knowledge.load.outline import Outline

Word = dict[str, Any]

# Type at least this much larger than the body's is a heading.
HEADING_RATIO = 1.13
MAX_HEADING = 160
_MARGIN = 0.1
_BULLET = re.compile(
    r"^(?:[•‣◦▪●○■\u2023\uf0b7\uf0a7–]|[-*](?=\s)|\(?\d{1,2}[.)](?=\s)|\(?[a-z][.)](?=\s))\s*"
)
_SIGN = re.compile(r"^[•‣◦▪●○■\u2023\uf0b7\uf0a7–*-]\s*")
_PAGE_NUMBER = re.compile(r"^[\W_]*(?:page|p\.?)?[\W_]*\d{1,4}(?:\s*(?:of|/|\|)\s*\d{1,4})?[\W_]*$", re.I)


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    size: float
    bold: bool
    x0: float
    top: float
    bottom: float
    page: int
    column: int = 0


@dataclass(frozen=True, slots=True)
class PdfPage:
    number: int
    height: float
    lines: list[Line]
    tables: list[tuple[float, list[list[str | None]]]] = field(default_factory=list[Any])
    has_pictures: bool = False


def page_lines(words: list[Word], page: int, width: float) -> list[Line]:
    """Lines in reading order: two columns are read one after the other."""
    gutter = _gutter(words, width)
    if gutter is None:
        return _lines(words, page)
    spanning = [word for word in words if word["x0"] < gutter < word["x1"]]
    if spanning:
        return _lines(words, page)
    left = [word for word in words if word["x1"] <= gutter]
    right = [word for word in words if word["x0"] >= gutter]
    return _lines(left, page) + [replace(line, column=1) for line in _lines(right, page)]


def _gutter(words: list[Word], width: float) -> float | None:
    """The middle of an empty stripe between two columns of running text, or None."""
    if len(words) < 80:
        return None
    edges = sorted((float(word["x0"]), float(word["x1"])) for word in words)
    reach = edges[0][1]
    for start, end in edges[1:]:
        middle = (reach + start) / 2
        if start - reach >= 12 and 0.35 * width < middle < 0.65 * width:
            share = sum(word["x1"] <= middle for word in words) / len(words)
            # A narrow column of labels beside values is read line by line.
            return middle if 0.35 < share < 0.65 else None
        reach = max(reach, end)
    return None


def _lines(words: list[Word], page: int) -> list[Line]:
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (word["bottom"], word["x0"])):
        last = rows[-1][-1] if rows else None
        if last is not None and abs(word["bottom"] - last["bottom"]) <= 0.35 * max(word["size"], 4):
            rows[-1].append(word)
        else:
            rows.append([word])
    return [_line(sorted(row, key=lambda word: word["x0"]), page) for row in rows]


def _line(row: list[Word], page: int) -> Line:
    sizes: Counter[float] = Counter()
    bold = 0
    for word in row:
        sizes[round(float(word["size"]) * 2) / 2] += len(word["text"])
        bold += len(word["text"]) if re.search(r"bold|black|heavy|semib", word["fontname"], re.I) else 0
    letters = sum(len(word["text"]) for word in row)
    return Line(
        text=" ".join(word["text"] for word in row),
        size=sizes.most_common(1)[0][0],
        bold=bold * 10 >= letters * 9,
        x0=float(row[0]["x0"]),
        top=min(float(word["top"]) for word in row),
        bottom=max(float(word["bottom"]) for word in row),
        page=page,
    )


def drop_running_lines(pages: list[PdfPage]) -> list[PdfPage]:
    """Without page numbers, and without headers and footers that repeat on most pages."""
    seen: Counter[str] = Counter()
    for page in pages:
        seen.update({_pattern(line.text) for line in page.lines if _in_margin(line, page)})
    often = max(3, len(pages) * 0.5)
    running = {text for text, count in seen.items() if count >= often}

    def stays(line: Line, page: PdfPage) -> bool:
        if not _in_margin(line, page):
            return True
        return _pattern(line.text) not in running and not _PAGE_NUMBER.match(line.text)

    return [replace(page, lines=[line for line in page.lines if stays(line, page)]) for page in pages]


def _in_margin(line: Line, page: PdfPage) -> bool:
    return line.bottom < page.height * _MARGIN or line.top > page.height * (1 - _MARGIN)


def _pattern(text: str) -> str:
    return re.sub(r"\d+", "#", text.lower())


def body_size(pages: Iterable[PdfPage]) -> float:
    """The type size that most letters have, in points."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if sizes else 10.0


def levels(pages: Iterable[PdfPage], body: float) -> dict[float, int]:
    """Heading level by type size, the largest first; bold lines in body size come one below."""
    sizes = {line.size for page in pages for line in page.lines if _is_large(line, body)}
    return {size: min(rank, 4) for rank, size in enumerate(sorted(sizes, reverse=True), start=1)}


def _is_large(line: Line, body: float) -> bool:
    return line.size >= body * HEADING_RATIO and _may_be_title(line.text)


def _may_be_title(text: str) -> bool:
    return len(text) <= MAX_HEADING and any(letter.isalpha() for letter in text)


def is_heading(line: Line, body: float) -> bool:
    if _is_large(line, body):
        return True
    short = len(line.text) <= 80 and line.text[-1] not in ".,;:" and not _SIGN.match(line.text)
    return line.bold and line.size >= body and short and _may_be_title(line.text)


def add_flow(lines: list[Line], body: float, heading_levels: dict[float, int], outline: Outline) -> None:
    """Lines of one page, in order, as headings, paragraphs and lists."""
    below = min(max(heading_levels.values(), default=0) + 1, 6)
    group: list[Line] = []
    for line in lines:
        if group and not _continues(group, line, body):
            _add_group(group, body, heading_levels, below, outline)
            group = []
        group.append(line)
    if group:
        _add_group(group, body, heading_levels, below, outline)


def _continues(group: list[Line], line: Line, body: float) -> bool:
    last = group[-1]
    if line.column != last.column or is_heading(line, body) != is_heading(last, body):
        return False
    gap = line.top - last.bottom
    if is_heading(line, body):
        return abs(line.size - last.size) < 0.6 and gap < 0.6 * line.size and len(group) < 3
    if _BULLET.match(line.text):
        return bool(_BULLET.match(group[0].text)) and gap < 1.4 * line.size
    return gap < 0.75 * max(line.size, 6)


def _add_group(
    group: list[Line], body: float, heading_levels: dict[float, int], below: int, outline: Outline
) -> None:
    page = group[0].page
    if is_heading(group[0], body):
        outline.heading(_joined(group), heading_levels.get(group[0].size, below), page)
    elif _BULLET.match(group[0].text):
        outline.items(_items(group), page)
    else:
        outline.paragraph(_joined(group), page)


def _items(group: list[Line]) -> list[str]:
    items: list[list[Line]] = []
    for line in group:
        if _BULLET.match(line.text) or not items:
            items.append([line])
        else:
            items[-1].append(line)
    return [_SIGN.sub("- ", _joined(item), count=1) for item in items]


def _joined(lines: list[Line]) -> str:
    text = ""
    for line in lines:
        # A word divided at the end of a line: both halves in small letters.
        if re.search(r"[a-z]{2}-$", text) and re.match(r"[a-z]{2}", line.text):
            text = text[:-1] + line.text
        else:
            text = f"{text} {line.text}" if text else line.text
    return text
