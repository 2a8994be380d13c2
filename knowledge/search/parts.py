"""A message that asks several things, as questions that can each be asked alone. Pure; English."""

import re

from knowledge.index.terms import says_something

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
    r"|its|them|they|their|(?:this|that|these|those|one|there)(?=\W*$))\b(?!')",
    re.IGNORECASE,
)
_HEADS = """
how what which who whom whose when where why what's who's where's how's whats whos can could do does did is
are am was were will would should must may has have had i we you they he she it there to many much long
often far soon the a an my our your any get
"""
_HEAD = frozenset(_HEADS.split())
_WHO_DOES = re.compile(rf"\s+{_AUX}\s+(?:{_WHO}|an?|the)\b.*$", re.IGNORECASE)
_LITTLE = """
much many long often far soon get go need do use apply work works pay pays cost costs happens expire expires
"""
_LIGHT = frozenset(_LITTLE.split())


def parts_of(message: str) -> tuple[str, ...]:
    """Its questions, each whole; () where it asks one thing, or where that is not certain."""
    pieces = [piece for sentence in _sentences(message) for piece in _pieces(sentence)]
    asked = [piece for piece in pieces if says_something(piece)]
    if len(asked) < 2:
        return ()
    asked = [*asked[: _MOST - 1], " ".join(asked[_MOST - 1 :])] if len(asked) > _MOST else asked
    whole = _made_whole(asked)
    longest = len(" ".join(message.split()))
    return whole if all(len(part) <= longest for part in whole) else ()


def _sentences(message: str) -> list[str]:
    """Those that ask, each with what is told before it; none where a question mark is not ours to read."""
    asking: list[str] = []
    told: list[str] = []
    for sentence in (one.strip() for one in _SENTENCES.split(message) if one and one.strip()):
        told.append(sentence)
        if _ASKS.match(sentence):
            asking.append(" ".join(told))
            told = []
        elif sentence.endswith(("?", "？", "؟")) and not asking:
            return []
    if told and asking:
        asking[-1] = " ".join([asking[-1], *told])
    return asking


def _pieces(sentence: str) -> list[str]:
    """A sentence that asks, cut where it asks again."""
    if _BOTH.search(sentence) or not _JOINED.search(sentence):
        return [sentence]
    found: list[str] = []
    for piece in _LISTED.split(sentence):
        alone = says_something(piece) and (not found or bool(_ASKS.match(piece)))
        if found and not (alone and _asks_within(found[-1])):
            return [sentence]
        found.append(piece)
    return found


def _asks_within(piece: str) -> bool:
    """It asks, perhaps behind something told."""
    return any(_ASKS.match(part) for part in re.split(r"(?<=[.!?,;:])\s+", piece)) and says_something(piece)


def _made_whole(asked: list[str]) -> tuple[str, ...]:
    whole: list[str] = []
    topic = ""
    for piece in (_BEFORE.sub("", piece).strip() for piece in asked):
        made = _with(topic, piece) if topic else piece
        if made == piece:
            topic = _topic(piece) or topic
        whole.append(made)
    return tuple(whole)


def _with(topic: str, piece: str) -> str:
    """The piece with what it points at, or leaves out, named."""
    pointed = _POINTING.search(piece)
    if pointed:
        return f"{piece[: pointed.start()]}{topic}{piece[pointed.end() :]}"
    own = [word for word in re.findall(r"[\w'-]+", piece.lower()) if word not in _HEAD and word not in _LIGHT]
    if own and says_something(" ".join(own)):
        return piece
    bare = piece.rstrip(" ?!.")
    return f"{bare} {topic}{piece[len(bare) :]}"


def _topic(piece: str) -> str:
    """What a question is about: "vacation" of "how much vacation do I earn?"."""
    words = re.split(r"(?<=[.!?])\s+", piece.rstrip(" ?!.,;:"))[-1].split()
    while words and words[0].lower().strip(",") in _HEAD:
        words.pop(0)
    text = " ".join(words)
    shorter = _WHO_DOES.sub("", text)
    text = shorter if says_something(shorter) else text
    return text if says_something(text) else ""
