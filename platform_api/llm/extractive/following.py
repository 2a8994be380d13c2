"""A message that goes on from what was asked before, made whole; when in doubt it stands alone."""

import re
from collections.abc import Sequence

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
_LEADING = re.compile(r"^\W*(?:(?:and|but|also|or|then|so)\b\W*)+", re.IGNORECASE)
_PLACE = re.compile(
    r"\b(?:(?<!is )it|(?<=is )it(?!\s+(?:ok|okay|possible|allowed|necessary|required|worth|safe|best)\b)"
    r"|its|them|they|their|(?:this|that|these|those|one|there)(?=\W*$))\b(?!')",
    re.IGNORECASE,
)
"""The word in whose place the subject is said."""
_ASKED_WITH = """
how what which who whom whose when where why what's who's where's how's whats whos can could do does
did is are am was were will would should must may has have had i we you they he she it there to many
much long often far soon the a an my our your any get
"""
_HEADS = frozenset(_ASKED_WITH.split())
_DOING = re.compile(
    r"\s+(?:can|could|is|are|am|was|were|will|would|should|must|may|do|does|did)\s+"
    r"(?:i|we|you|they|he|she|it|there|any\w*|employees|staff|managers|an?|the)\b.*$",
    re.IGNORECASE,
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
    subject, pointing = _subject(topic), _PLACE.search(message)
    if not (subject and pointing):
        return f"{topic} {message}"
    return _LEADING.sub("", f"{message[: pointing.start()]}{subject}{message[pointing.end() :]}")


def _subject(question: str) -> str:
    """What a question is about: "vacation" of "how much vacation do I earn?"; "" where it cannot be told."""
    words = re.split(r"(?<=[.!?])\s+", question.rstrip(" ?!.,;:"))[-1].split()
    while words and words[0].lower().strip(",") in _HEADS:
        words.pop(0)
    text = " ".join(words)
    return next((one for one in (_DOING.sub("", text), text) if meaning_of(words_of(one)).total), "")
