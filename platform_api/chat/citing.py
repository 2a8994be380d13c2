"""The ways in which models point at sources, found in their text before it is cut into sentences.

Asked for is `[2 "the source's own words"]`, or `[2]` where the sentence is itself copied. Models also write
[1][2], [1, 2], [^1], [Source 1], 【1†source】, [1](address), and quotes in any kind of quotation marks.
"""

import re
from dataclasses import dataclass, field

_NUMBERS = r"\^?\d{1,3}(?:\s*[,;&-]\s*\^?\d{1,3})*"
_NAMED = r"(?:(?:source|sources|src|doc|document|ref|chunk|quelle)s?\.?\s*(?:no\.?\s*|\#\s*)?)?"
_QUOTED = r"""(?:"(?:.{0,1500}?)"|“(?:.{0,1500}?)”|«(?:.{0,1500}?)»|'(?:.{0,1500}?)'|„(?:.{0,1500}?)[“”])"""
_CITATION = re.compile(
    rf"""\[\s*{_NAMED}(?P<numbers>{_NUMBERS})\s*(?:[:,;–—-]?\s*(?P<quotes>{_QUOTED}(?:\s*[,;+]?\s*
         (?:{_NUMBERS}\s*[:,]?\s*)?{_QUOTED})*))?\s*\](?:\([^()\s]*\)|(?!\())
       | 【\s*{_NAMED}(?P<lens>{_NUMBERS})[^】\n]{{0,80}}】""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_QUOTE = re.compile(r"""["“«'„](.+?)["”»'“](?=\s*(?:[,;+\]]|$|\d|["“«'„]))""", re.DOTALL)
_MAY_BE_BEGUN = re.compile(
    rf"""(?:\[\s*(?:[a-z]{{0,9}}\.?\s*(?:no\.?\s*|\#\s*)?)?(?:{_NUMBERS})?[\s,;:&–—-]*(?:["“«'„].*)?
          | 【[^】]{{0,90}}
          | !?\[(?!{_NUMBERS}\s*\](?!\())[^\[\]\n]{{0,300}}(?:\](?:\([^()\s]{{0,2000}})?)?)\Z""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_DIGITS = re.compile(r"\d{1,3}")
_MOST = 999
LONGEST_OPEN = 1_600
"""Characters after an opening bracket within which a citation has to close."""


@dataclass(frozen=True, slots=True)
class Citing:
    """One pointer at sources: their numbers as the model counts, and the words that it says they hold.

    leading: it stands before the sentence, so it may belong to the one before.
    """

    numbers: tuple[int, ...]
    quotes: tuple[str, ...] = ()
    leading: bool = False


@dataclass(slots=True)
class Citings:
    """All pointers of one text; each stands in the masked text as `[k]`, its place in `found`."""

    found: list[Citing] = field(default_factory=list[Citing])

    def mask(self, text: str) -> tuple[str, str]:
        """The text up to its last complete pointer, each of them as a short one; and what follows."""
        if "]" not in text and "】" not in text:
            return "", text
        masked: list[str] = []
        at = 0
        for match in _CITATION.finditer(text):
            masked += text[at : match.start()], self._masked(match)
            at = match.end()
        return "".join(masked), text[at:]

    def of(self, marker: str) -> list[Citing]:
        """The pointers that a masked marker stands for."""
        places = [int(number) for number in _DIGITS.findall(marker)]
        return [self.found[at] for at in places if at < len(self.found)]

    def _masked(self, match: re.Match[str]) -> str:
        if len(self.found) > _MOST:
            return ""
        numbers = tuple(int(n) for n in _DIGITS.findall(match["numbers"] or match["lens"]))
        quotes = tuple(quote.strip() for quote in _QUOTE.findall(match["quotes"] or ""))
        self.found.append(Citing(numbers, tuple(quote for quote in quotes if quote)))
        return f"[{len(self.found) - 1}]"


def open_at(text: str) -> int:
    """Where a pointer or a link begins that may still be going on at the end of the text; else its length."""
    earliest = max(0, len(text) - LONGEST_OPEN)
    for match in re.finditer(r"!?\[|【", text[earliest:]):
        at = earliest + match.start()
        if _MAY_BE_BEGUN.match(text, at):
            return at
    return len(text)
