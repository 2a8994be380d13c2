"""A message that goes on from what was asked before, made whole; when in doubt it stands alone."""

import re
from collections.abc import Sequence

from knowledge.search.query import understand
from knowledge.verify import meaning_of, words_of
from platform_api.llm.extractive.question import stripped, whole

_POINTS = """
it its that this those these they them their there he she his her one ones same
"""
_POINTING = frozenset(_POINTS.split())
_CONTINUING = re.compile(r"^\W*(?:and|but|also|what about|how about|why|what if|or|then|so)\b", re.IGNORECASE)
_NAMES_ITS_SUBJECT = re.compile(
    r"""^\W*(?:(?:who|what|where|when|which)(?:'s|s|\ is|\ are|\ was|\ were)|(?:is|are)\ there|do\ we\ have)
        \ (?:an?\ |the\ |our\ |my\ |any\ )?\w""",
    re.IGNORECASE | re.VERBOSE,
)
_ASKING = re.compile(
    r"\b(?:how|what|which|who|whom|when|where|why|can|could|may|must|do|does|is|are)\b", re.I
)
_SCARCE, _SHORT, _SOMETHING = 1.3, 3.3, 1.0  # weight of content
_TURNS_BACK = 4


def resolved(message: str, earlier: Sequence[str]) -> str:
    """The message, with what it goes on from before it where it only points back.

    earlier: the person's own messages, oldest first. “And for contractors?” after “and for interns?” goes on
    from the question that both go on from; “who approves it?” names what is approved.
    """
    topic = ""
    for text in earlier[-_TURNS_BACK:]:
        said = stripped(text)
        topic = f"{topic} {said}" if topic and goes_on(said) else said
    return _whole(topic, message) if topic and goes_on(message) else message


def goes_on(message: str) -> bool:
    """Whether it makes no sense alone: too short, or pointing at something that was said."""
    words = words_of(message)
    content = meaning_of(words).total
    points = not _POINTING.isdisjoint(words.forms)
    continues = bool(points or _CONTINUING.match(message))
    if content <= _SCARCE:
        return continues or content < _SOMETHING or not _NAMES_ITS_SUBJECT.match(message)
    return content <= _SHORT and continues


def points_at_nothing(message: str) -> bool:
    """It asks, but names nothing to look for: "how long does it take?" as the first message."""
    return sum(whole(message).terms.values()) < _SOMETHING and bool(_ASKING.search(message))


def _whole(topic: str, message: str) -> str:
    """With the topic in place of the word that points at it; else both, one after the other."""
    parts = understand(f"{topic.rstrip(' .!?')}? {message}").parts
    points = not _POINTING.isdisjoint(words_of(message).forms)
    last = next(reversed(parts), "")
    named = points and len(parts) > 1 and len(last) > len(message)
    return last if named else f"{topic} {message}"
