"""A model's text as it arrives, cut into sentences as soon as each is certain to be complete."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from knowledge.verify import sentence_spans, split_sentences
from platform_api.chat.citing import Citing, Citings, open_at
from platform_api.chat.reasoning import Spoken

_MARKER = re.compile(r"\s*\[\d{1,3}\](?:\([^()\s]*\))?")
_ADDRESS_LEFT = re.compile(r"\A\((?:[a-z]+:|/|#)[^()\s]*\)\s*")
_LEFT_OPEN = re.compile(r"""\s*\[\s*\^?\d{1,3}\s*(?:[:,;–—-]?\s*["“«„']|\Z)""")
"""A pointer that never closes: what it quotes is text like any other."""
_LINK = re.compile(r"!\[[^\]\n]*\]\([^()\s]*\)|\[([^\[\]\n]+)\]\([^()\s]*\)")
_TAG = re.compile(r"</?[a-zA-Z][^<>\n]{0,200}>")
_EMPHASIS = re.compile(r"\*\*|__(?=\S)|(?<=\S)__|`+|(?<![\w*])\*(?=\S)|(?<=\S)\*(?![\w*])|~~")
_NO_TEXT = re.compile(  # fences of code, and lines that are bold from end to end: headings
    r"(?<=\n)[ \t]*(?:(?:```|~~~)[^\n]*|\*\*[^*\n]+\*\*:?[ \t]*|__[^_\n]+__:?[ \t]*)\n"
)
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n){2,}")
_QUOTED_LINE = re.compile(r"^[ \t]*>+[ \t]?", re.MULTILINE)
_HIDDEN = re.compile(  # controls, what has no width, what turns the direction, private use, variations
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ue000-\uf8ff"
    "\U0001d173-\U0001d17a\U000e0000-\U0010ffff]"
)
_ITEM = re.compile(r"(?:^|\n)\s*(?:[-*+•·‣]|\(?\d{1,3}[.)])\s+$")
_HEADING = re.compile(r"(?:^|\n)\s*#{1,6}\s+$")
_RULE = re.compile(r"[\s|:=-]+")
_WORD = re.compile(r"\w")
_MAY_END = re.compile(r"[.!?…\n\]】)\"”]")
_SHORT = 256
_BITE = 512
"""Characters read at once: a server that does not stream sends all in one piece, and nothing here may be
given a text without end."""
LONGEST = 4_000
"""Characters without an end of a sentence after which the text is cut all the same."""

Lead = Literal["", "\n\n", "\n- "]


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` without pointers at sources and without markup; `lead` is how it is set off from the one before:
    nothing, a new paragraph, or an item of a list (rows of tables become items, too).

    citings: what the model pointed at for it.
    """

    text: str
    lead: Lead = ""
    citings: tuple[Citing, ...] = ()


@dataclass(frozen=True, slots=True)
class _Piece:
    """A sentence as written: `gap` is what stands before it, bullets and hashes."""

    gap: str
    raw: str

    @property
    def is_row(self) -> bool:
        return self.raw.startswith("|") or " | " in self.raw

    @property
    def is_rule(self) -> bool:
        return "-" in self.raw and _RULE.fullmatch(self.raw) is not None


class SentenceStream:
    """`feed` pieces, then `end`. Headings are dropped: they state nothing that could be verified."""

    def __init__(self) -> None:
        self._masked = ""
        self._waiting = ""
        """What follows on `_masked`, as it was written."""
        self._begun = False
        self._due_at = 0
        """How long what waits has to be before it is worth reading again."""
        self._spoken = Spoken()
        self._citings = Citings()
        self._row: _Piece | None = None
        """A row that may turn out to be the header of a table."""
        self._header: Sequence[str] = ()

    def feed(self, piece: str) -> Iterator[Sentence]:
        """The sentences that this piece completes."""
        for at in range(0, len(piece), _BITE):
            yield from self._fed(piece[at : at + _BITE])

    def _fed(self, piece: str) -> Iterator[Sentence]:
        said = self._spoken.feed(_HIDDEN.sub("", piece))
        if self._spoken.restarted:
            self._masked = self._waiting = ""
        self._waiting += said
        # Nothing ends without one of these: a text that comes letter by letter is not read letter by letter;
        # one in which nothing ends is read again when it has grown by a share of itself.
        size = len(self._waiting) + len(self._masked)
        if size >= self._due_at and (_MAY_END.search(self._masked) or _MAY_END.search(self._waiting)):
            yield from self._taken()
            left = len(self._waiting) + len(self._masked)
            self._due_at = left + left // 32 if left > _SHORT else 0
        if len(self._waiting) + len(self._masked) > LONGEST:
            yield from self._rest()

    def end(self) -> Iterator[Sentence]:
        """The rest; a pointer that was never closed is text. More may be fed after it, as a new beginning."""
        self._waiting += self._spoken.end()
        yield from self._rest()
        if self._row:
            yield from self._made(self._row)
            self._row = None

    def _rest(self) -> Iterator[Sentence]:
        self._mask()
        text = self._without_fences(f"{self._masked}{self._waiting}\n")
        self._masked = self._waiting = ""
        self._due_at = 0
        self._begun = True
        yield from self._read(text, sentence_spans(text))

    def _taken(self) -> Iterator[Sentence]:
        self._mask()
        at = open_at(self._waiting)
        text = self._without_fences(self._masked + self._waiting[:at])
        self._masked, self._waiting = text, self._waiting[at:]
        spans = _complete(text, certain=not self._waiting)
        self._masked = text[spans[-1][1] :] if spans else text
        self._begun = self._begun or bool(spans)
        yield from self._read(text, spans)

    def _without_fences(self, text: str) -> str:
        """What is left after a sentence was cut off begins in the middle of a line."""
        text = _BLANK_LINES.sub("\n\n", text)
        return _NO_TEXT.sub("\n\n", text) if self._begun else _NO_TEXT.sub("\n\n", f"\n{text}")[1:]

    def _mask(self) -> None:
        masked, self._waiting = self._citings.mask(self._waiting)
        self._masked += masked

    def _read(self, text: str, spans: Sequence[tuple[int, int]]) -> Iterator[Sentence]:
        before = 0
        for start, end in spans:
            yield from self._next(_Piece(text[before:start], _ADDRESS_LEFT.sub("", text[start:end], count=1)))
            before = end

    def _next(self, piece: _Piece) -> Iterator[Sentence]:
        """A row waits for the line after it: a rule under it makes it a header."""
        held, self._row = self._row, None
        if held and piece.is_rule:
            self._header = _cells(_plain(held.raw))
            return
        if held:
            yield from self._made(held)
        if not piece.is_row:
            self._header = ()
        elif not self._header:
            self._row = piece
            return
        yield from self._made(piece)

    def _made(self, piece: _Piece) -> Iterator[Sentence]:
        if _HEADING.search(piece.gap):
            return
        citings = self._pointed_at(piece.raw)
        plain = _plain(piece.raw)
        item = piece.is_row or _ITEM.search(piece.gap)
        lead: Lead = "\n- " if item else "\n\n" if "\n" in piece.gap else ""
        # Markup may have hidden where one sentence ends and the next begins.
        parts = [_row(plain, self._header)] if piece.is_row else split_sentences(plain)
        for text in parts:
            if _WORD.search(text):
                yield Sentence(_without_odd_quote(" ".join(text.split())), lead, citings)
                lead = ""

    def _pointed_at(self, raw: str) -> tuple[Citing, ...]:
        return tuple(
            replace(one, leading=marker.start() == 0)
            for marker in _MARKER.finditer(raw)
            for one in self._citings.of(marker.group())
        )


def _complete(text: str, *, certain: bool) -> list[tuple[int, int]]:
    """The sentences that nothing which may follow can change.

    certain: nothing is open at the end. Then a sentence with its pointer, or a line with its end, is complete
    if another that began now would be one of its own.
    """
    spans = sentence_spans(text)
    if certain and spans and text[spans[-1][1] :].strip() == "" and text.rstrip(" ").endswith(("]", "\n")):
        probed = sentence_spans(f"{text}X" if text.endswith("\n") else f"{text} X")
        if len(probed) > len(spans):
            return spans
    return spans[:-1]


def _plain(raw: str) -> str:
    unmarked = _LEFT_OPEN.sub(" ", _MARKER.sub("", _QUOTED_LINE.sub("", raw)))
    unlinked = _LINK.sub(lambda link: link[1] or "", unmarked)
    bare = _EMPHASIS.sub("", _TAG.sub(" ", unlinked))
    return _HIDDEN.sub("", html.unescape(bare)).strip() if "&" in bare else bare.strip()


def _without_odd_quote(text: str) -> str:
    """Without a quotation mark at an end that has no partner: its quote was cut off."""
    if text.count('"') % 2 == 0:
        return text
    return text.removesuffix('"').rstrip() if text.endswith('"') else text.removeprefix('"').lstrip()


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("| \t").split("|")]


def _row(plain: str, header: Sequence[str]) -> str:
    """A row as it is said: each cell after its label, as the built-in model says it."""
    cells = _cells(plain)
    if len(cells) != len(header):
        return " | ".join(cells)
    pairs = zip(header, cells, strict=True)
    return "; ".join(": ".join(part for part in pair if part) for pair in pairs if pair[1])
