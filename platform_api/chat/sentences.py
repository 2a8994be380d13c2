"""A model's text as it arrives, cut into sentences as soon as each is certain to be complete."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from knowledge.verify import sentence_spans

_MARKER = re.compile(r"\s*\[\d{1,3}(?:\s*,\s*\d{1,3})*\]")
_EMPHASIS = re.compile(r"\*\*|__(?=\S)|(?<=\S)__|`+")
_ITEM = re.compile(r"(?:^|\n)\s*(?:[-*+•·‣]|\(?\d{1,3}[.)])\s+$")
_HEADING = re.compile(r"(?:^|\n)\s*#{1,6}\s+$")
_WORD = re.compile(r"\w")
LONGEST = 4_000
"""Characters without an end of a sentence after which the text is cut all the same."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` without citation markers and emphasis; `lead` is how it is set off from the one before:
    nothing, a new paragraph, or an item of a list (rows of tables become items, too)."""

    text: str
    lead: Literal["", "\n\n", "\n- "] = ""


class SentenceStream:
    """`feed` pieces, then `end`. Headings are dropped: they state nothing that could be verified."""

    def __init__(self) -> None:
        self._waiting = ""

    def feed(self, piece: str) -> Iterator[Sentence]:
        """The sentences that this piece completes. The last one waits: more of it may follow."""
        self._waiting += piece
        yield from self._taken(keep=1)
        if len(self._waiting) > LONGEST:
            yield from self._taken(keep=0)

    def end(self) -> Iterator[Sentence]:
        yield from self._taken(keep=0)

    def _taken(self, keep: int) -> Iterator[Sentence]:
        text = self._waiting
        spans = sentence_spans(text)
        complete = spans[: len(spans) - keep] if keep else spans
        cut = complete[-1][1] if complete else 0
        self._waiting = text[cut:] if keep else ""
        before = 0
        for start, end in complete:
            sentence = _sentence(text[before:start], text[start:end])
            before = end
            if sentence:
                yield sentence


def _sentence(gap: str, raw: str) -> Sentence | None:
    """`gap` is what stands between the sentence before and this one: bullets and hashes."""
    if _HEADING.search(gap):
        return None
    row = raw.startswith("|")
    plain = _EMPHASIS.sub("", _MARKER.sub("", raw)).strip(" |\n\t" if row else None)
    if not _WORD.search(plain):
        return None
    item = row or _ITEM.search(gap)
    return Sentence(" ".join(plain.split()), "\n- " if item else "\n\n" if "\n" in gap else "")
