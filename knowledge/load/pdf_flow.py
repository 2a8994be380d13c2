"""From lines to headings, paragraphs and lists: by size and weight of the type, by bookmarks, by spacing."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from knowledge.load.outline import INDENT, Outline, one_line
from knowledge.load.pdf_lines import Line, PdfPage
from knowledge.load.pdf_pages import Bookmark

# Type at least this much larger than the body's is a heading.
HEADING_RATIO = 1.13
MAX_HEADING = 160
# Lines further apart than the document's own spacing by this, in sizes of the type, are two paragraphs.
_PARAGRAPH_GAP = 0.3
_SPACING = 1.2
_BULLET = re.compile(
    r"^(?:[•‣◦▪●○■□❏➢➤✓\u2023\u2043\uf0b7\uf0a7\uf0d8\uf0fc–](?=\s|$)|[-*o](?=\s)|\(?\d{1,2}[.)](?=\s)|\(?[a-z][.)](?=\s))\s*"
)
_SIGN = re.compile(r"^[•‣◦▪●○■□❏➢➤✓\u2023\u2043\uf0b7\uf0a7\uf0d8\uf0fc–*o-]\s+")
_NUMBER = re.compile(r"^\(?(\d{1,2})[.)]\s+")
_LETTERED = re.compile(r"^\(?[a-z][.)]\s")
_NUMBERING = re.compile(
    r"^(?:\d{1,3}(?:\.\d{1,3}){0,4}\.?|[A-Z]\.(?:\d{1,3}\.?)*|[IVXLC]{1,6}\.|§ ?\d{1,3}"
    r"|(?:Chapter|Section|Part|Appendix) \w{1,4}[.:]?)\s+",
    re.IGNORECASE,
)
_DIVIDED = re.compile(r"[^\W\d_]{2}-$")
_GOES_ON = re.compile(r"[^\W\d_]{2}")


def add_pages(pages: Sequence[PdfPage], bookmarks: Sequence[Bookmark], outline: Outline) -> None:
    writer = _Writer(pages, bookmarks, outline)
    for page in pages:
        for line in page.lines:
            writer.add(line)
    writer.finish()


def body_size(pages: Iterable[PdfPage]) -> float:
    """The type size that most letters have, in points."""
    sizes: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            sizes[line.size] += len(line.text)
    return sizes.most_common(1)[0][0] if any(sizes.values()) else 10.0


def _spacing(pages: Iterable[PdfPage]) -> float:
    """The usual distance from line to line, in sizes of the type."""
    seen: Counter[float] = Counter()
    for page in pages:
        for above, line in zip(page.lines, page.lines[1:], strict=False):
            if above.size == line.size and above.size and above.column == line.column:
                seen[round((line.bottom - above.bottom) / line.size, 1)] += 1
    most = max(seen.values(), default=0)
    # Lists and paragraphs of one line stand further apart than the lines of a paragraph.
    usual = [distance for distance, count in seen.items() if count >= 0.2 * most and 0.9 <= distance <= 2.2]
    return min(usual, default=_SPACING)


class _Writer:
    """Groups the lines that belong together; a paragraph may go on in the next column or on the next page."""

    def __init__(self, pages: Sequence[PdfPage], bookmarks: Sequence[Bookmark], outline: Outline) -> None:
        self._outline = outline
        self._body = body_size(pages)
        self._spacing = _spacing(pages)
        self._marked = {(mark.page, _key(mark.title)): mark.level for mark in bookmarks if _key(mark.title)}
        self._levels = self._heading_levels(pages)
        self._code = _has_code(pages)
        self._group: list[Line] = []
        self._paragraph: tuple[str, int] | None = None
        self._bold: tuple[str, int, int] | None = None

    def add(self, line: Line) -> None:
        if line.table is not None:
            self._end_group()
            self._end_paragraph()
            self._end_bold(heading=True)
            self._outline.table(line.table.rows, line.page)
            return
        if self._group and not self._continues(line):
            self._end_group()
        self._group.append(line)

    def finish(self) -> None:
        self._end_group()
        self._end_paragraph()
        self._end_bold(heading=False)

    def _heading_levels(self, pages: Sequence[PdfPage]) -> dict[float, int]:
        """Level by size: as the bookmarks of headings of that size say, else the largest first."""
        lines = [line for page in pages for line in page.lines if line.table is None]
        sizes = sorted({line.size for line in lines if self._is_large(line)}, reverse=True)
        levels = {size: min(rank, 4) for rank, size in enumerate(sizes, start=1)}
        told: dict[float, Counter[int]] = {}
        for line in lines:
            if level := self._bookmarked(line):
                told.setdefault(line.size, Counter())[level] += 1
        return levels | {size: counts.most_common(1)[0][0] for size, counts in told.items() if size in levels}

    def _bookmarked(self, line: Line) -> int:
        return self._marked.get((line.page, _key(line.text)), 0) if self._marked else 0

    def _is_large(self, line: Line) -> bool:
        return line.size >= self._body * HEADING_RATIO and _may_be_title(line.text)

    def _is_heading(self, line: Line) -> bool:
        if self._is_large(line) or self._bookmarked(line):
            return True
        short = len(line.text) <= 80 and line.text[-1] not in ".,;:" and not _SIGN.match(line.text)
        return line.bold and line.size >= self._body and short and _may_be_title(line.text)

    def _is_code(self, line: Line) -> bool:
        return self._code and line.mono and not self._bookmarked(line)

    def _continues(self, line: Line) -> bool:
        last, first = self._group[-1], self._group[0]
        if self._is_code(first) or self._is_code(line):
            return self._is_code(first) and self._is_code(line) and line.page == last.page
        heading = self._is_heading(line)
        if (line.column, line.page) != (last.column, last.page) or heading != self._is_heading(last):
            return False
        distance = (line.bottom - last.bottom) / max(line.size, 4)
        if heading:
            return abs(line.size - last.size) < 0.6 and 0 < distance < 1.6 and len(self._group) < 3
        if _BULLET.match(line.text):
            return bool(_BULLET.match(first.text)) and distance < self._spacing + 1.2
        if not -0.5 < distance < self._spacing + _PARAGRAPH_GAP:
            return False
        # Paragraphs without space between them begin with an indented line.
        indented = line.x0 - last.x0 > 0.8 * line.size
        return bool(_BULLET.match(first.text)) or not indented or len(self._group) == 1

    def _end_group(self) -> None:
        group, self._group = self._group, []
        if not group:
            return
        page, text = group[0].page, joined(line.text for line in group)
        if self._bold:
            self._end_bold(heading=not self._is_heading(group[0]))
        if self._is_code(group[0]):
            self._end_paragraph()
            self._outline.code(_indented(group), page=page)
        elif self._is_heading(group[0]):
            self._end_paragraph()
            self._head(text, group[0])
        elif _BULLET.match(group[0].text):
            self._end_paragraph()
            self._outline.items(_items(group), page)
        elif self._paragraph and _runs_on(self._paragraph[0], text):
            self._paragraph = (joined([self._paragraph[0], text]), self._paragraph[1])
        else:
            self._end_paragraph()
            self._paragraph = (text, page)

    def _head(self, text: str, line: Line) -> None:
        """Bold type alone makes a heading only where something follows; else it is emphasis."""
        level = self._level(line, text)
        strong = self._is_large(line) or self._bookmarked(line) or _NUMBERING.match(text)
        if strong:
            self._outline.heading(text, level, line.page)
        else:
            self._bold = (text, level, line.page)

    def _end_bold(self, *, heading: bool) -> None:
        bold, self._bold = self._bold, None
        if bold and heading:
            self._outline.heading(*bold)
        elif bold:
            self._outline.paragraph(bold[0], bold[2])

    def _level(self, line: Line, text: str) -> int:
        below = min(max(self._levels.values(), default=0) + 1, 6)
        told = self._marked.get((line.page, _key(text)), 0) or self._bookmarked(line)
        return told or self._levels.get(line.size, below)

    def _end_paragraph(self) -> None:
        paragraph, self._paragraph = self._paragraph, None
        if paragraph is not None:
            self._outline.paragraph(*paragraph)


def _has_code(pages: Sequence[PdfPage]) -> bool:
    """Type of one width marks code, unless the whole document is set in it."""
    letters: Counter[bool] = Counter()
    for page in pages:
        for line in page.lines:
            letters[line.mono] += len(line.text)
    return 0 < letters[True] < letters[False]


def _indented(lines: Sequence[Line]) -> str:
    left = min(line.x0 for line in lines)
    # A letter of such type is about six tenths of its size wide.
    return "\n".join(" " * round((line.x0 - left) / (0.6 * max(line.size, 4))) + line.text for line in lines)


def _may_be_title(text: str) -> bool:
    return len(text) <= MAX_HEADING and any(letter.isalpha() for letter in text)


def _key(title: str) -> str:
    """A heading without its number and spacing, as bookmarks and pages write it differently."""
    line = one_line(title).casefold()
    return "".join(filter(str.isalnum, _NUMBERING.sub("", line))) or "".join(filter(str.isalnum, line))


def _runs_on(text: str, more: str) -> bool:
    """A sentence that was cut by the end of a column or page."""
    return text[-1] not in '.!?:;”"' and more[0].islower()


def _items(group: list[Line]) -> list[str]:
    items: list[list[Line]] = []
    for line in group:
        if _BULLET.match(line.text) or not items:
            items.append([line])
        else:
            items[-1].append(line)
    indents = _distinct([item[0].x0 for item in items])
    shown: list[str] = []
    for item in items:
        level = max(number for number, indent in enumerate(indents) if indent <= item[0].x0)
        shown.append(INDENT * min(level, 8) + _marker(joined(line.text for line in item)))
    return shown


def _distinct(values: list[float]) -> list[float]:
    kept: list[float] = []
    for value in sorted(values):
        if not kept or value - kept[-1] > 6:
            kept.append(value)
    return kept


def _marker(text: str) -> str:
    if _LETTERED.match(text) and not text.startswith("o "):
        return f"- {text}"
    return _NUMBER.sub(r"\1. ", _SIGN.sub("- ", text, count=1), count=1)


def joined(lines: Iterable[str]) -> str:
    """Lines as running text; a word that was divided at the end of a line is whole again."""
    text = ""
    for line in lines:
        if _DIVIDED.search(text) and _GOES_ON.match(line) and line[0].islower():
            text = text[:-1] + line
        else:
            text = f"{text} {line}" if text else line
    return text
