"""A message that asks several things, as questions that can each be asked alone. Pure; English."""

import re
from itertools import pairwise

from knowledge.index.terms import says_something

Span = tuple[int, int]
_MOST = 4
_AUX = r"(?:can|could|is|are|am|was|were|will|would|should|must|may|do|does|did)"
_WHO = r"(?:i|we|you|they|he|she|it|there|any\w*|employees|staff|managers)"
_OPENER = (
    r"(?:(?:what|which|who|whom|whose)(?:'s|s)?\b(?!\s+(?:i|we|you)\b)|how\s+\w+"
    rf"|(?:when|where|why)(?:'s\b|s\b|\s+(?:{_AUX}|to)\b)"
    rf"|{_AUX}\s+{_WHO}\b|(?:can|could|is|are|will|would|should|must)\s+(?:the|my|our|an?|this|that)\b)"
)
_LINK = r"(?:and|also|plus|then|separately|so|but|or|additionally)"
_NUMBERED = r"(?:(?:\d{1,2}[.)]|[-*•])\s+)?"
_BEFORE = re.compile(rf"^{_NUMBERED}(?:{_LINK}\b[\s,]*)*", re.IGNORECASE)
_ASKS = re.compile(rf"^{_NUMBERED}(?:{_LINK}\b[\s,]*)*{_OPENER}", re.IGNORECASE)
_SENTENCES = re.compile(r"(?<=[?!])\s+|(?<=[^\W\d_]\.)\s+(?=[^\W_])|\s*;\s+|\s*\n\s*")
_AND = rf"(?:\s*,)?\s+(?:and|plus|&)\s+(?:(?:also|then|separately)\s+)?(?={_OPENER})"
_JOINED = re.compile(_AND, re.IGNORECASE)
_LISTED = re.compile(rf"{_AND}|\s*,\s+(?={_OPENER})", re.IGNORECASE)
_BOTH = re.compile(r"\b(?:between|both|either|whether)\b", re.IGNORECASE)

_POINTING = re.compile(
    r"\b(?:(?<!is )it"
    r"|(?<=is )it(?!\s+(?:ok|okay|possible|allowed|necessary|required|true|worth|legal|safe|best)\b)"
    r"|its|them|they|their|theirs|him|her|his|he|she|this|these|those|such|same|otherwise|instead"
    r"|(?<!is )(?<!are )(?<!was )(?<!were )there(?!\s+(?:is|are|was|were|will|must|should|be|been|an?|any)\b)"
    r"|(?:that|ones?|else|both|either)(?=\W*$))\b(?!')",
    re.IGNORECASE,
)
_HEADS = """
how what which who whom whose when where why what's who's where's how's whats whos can could do does did is
are am was were will would should must may has have had i we you they he she it there to many much long
often far soon get any the a an my our your of for in on at by with if and or not me us be
"""
_LITTLE = """
go need use apply work works pay pays cost costs happen happens expire expires count counts limit limits
maximum minimum amount deadline process procedure rule rules requirement requirements steps exception
exceptions reason time times day days week weeks month months year years hour hours possible allowed required
available first last next most least more less long ask contact know tell
"""
_SAYS_LITTLE = frozenset([*_HEADS.split(), *_LITTLE.split()])
_FEWEST_OWN = 2


def parts_of(message: str) -> tuple[str, ...]:
    """Its questions, each whole; () where it asks one thing, or where that is not certain.

    Each stands in the message as it is: one that is not whole in itself begins where the last one began that
    is, so that what it points at, or leaves out, is said before it. No word is put in another's place.
    """
    spans = [span for sentence in _sentences(message) for span in _pieces(message, sentence)]
    asked = [span for span in spans if says_something(_said(message, span))]
    if len(asked) < 2:
        return ()
    if len(asked) > _MOST:
        asked = [*asked[: _MOST - 1], (asked[_MOST - 1][0], asked[-1][1])]
    return tuple(_said(message, span) for span in _made_whole(message, asked))


def _said(message: str, span: Span) -> str:
    return _BEFORE.sub("", " ".join(message[slice(*span)].split())).strip()


def _sentences(message: str) -> list[Span]:
    """Those that ask, each with what is told before it; none where a question mark is not ours to read."""
    asking: list[Span] = []
    start: int | None = None
    end = 0
    for begin, end in _between(_SENTENCES, message, (0, len(message))):
        start = begin if start is None else start
        sentence = message[begin:end].strip()
        if _ASKS.match(sentence):
            asking.append((start, end))
            start = None
        elif sentence.endswith(("?", "？", "؟")) and not asking:
            return []
    if start is not None and asking:
        asking[-1] = (asking[-1][0], end)
    return asking


def _between(separator: re.Pattern[str], message: str, span: Span) -> list[Span]:
    """What lies between the separators within the span, empty pieces left out."""
    found: list[Span] = []
    start = span[0]
    for match in separator.finditer(message, *span):
        found.append((start, match.start()))
        start = match.end()
    return [(one, other) for one, other in (*found, (start, span[1])) if message[one:other].strip()]


def _pieces(message: str, sentence: Span) -> list[Span]:
    """A sentence that asks, cut where it asks again."""
    text = message[slice(*sentence)]
    if _BOTH.search(text) or not _JOINED.search(text):
        return [sentence]
    found = _between(_LISTED, message, sentence)
    told = [" ".join(message[slice(*span)].split()) for span in found]
    for before, piece in pairwise(told):
        if not (says_something(piece) and _ASKS.match(piece) and _asks_within(before)):
            return [sentence]
    return found


def _asks_within(piece: str) -> bool:
    """It asks, perhaps behind something told."""
    return any(_ASKS.match(part) for part in re.split(r"(?<=[.!?,;:])\s+", piece)) and says_something(piece)


def _made_whole(message: str, asked: list[Span]) -> list[Span]:
    whole: list[Span] = []
    start = asked[0][0]
    for span in asked:
        start = span[0] if _is_whole(_said(message, span)) else start
        whole.append((start, span[1]))
    return whole


def _is_whole(piece: str) -> bool:
    """It points at nothing outside of it, and names what it is about."""
    own = {word for word in re.findall(r"[\w'-]+", piece.lower()) if word not in _SAYS_LITTLE}
    return not _POINTING.search(piece) and len(own) >= _FEWEST_OWN
