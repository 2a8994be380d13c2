"""What a message asks for: its parts, its words to search by, the kind of answer it wants."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Flag, auto

from knowledge.verify import Meaning, meaning_of, words_of

_OPENING = re.compile(
    r"""^\W*(?:(?:
        hi|hey|hello|hiya|yo|ok|okay|so|well|um+|hmm+|there|all|team|everyone|folks|ballpark
        |(?:quick )?question|good\ (?:morning|afternoon|evening)|thanks|thank\ you|please|pls|plz|sorry
        |(?:i\ was\ |i'm\ |i\ am\ |just\ )?(?:wondering|curious)|i\ wonder|tell\ me
        |i(?:'d|\ would)\ like\ to\ know
        |do\ you\ know|(?:does\ )?any(?:one|body)\ knows?
        |(?:can|could|would)\ (?:you|some(?:one|body))\ (?:please\ )?(?:tell\ me|explain|let\ me\ know)
        |(?:(?:can|could|would)\ (?:you|some(?:one|body))\ (?:please\ )?)?help\ me\ (?:with|find|understand)
    )\b[\s,.!:;-]*)+""",
    re.IGNORECASE | re.VERBOSE,
)
_CLOSING = re.compile(
    r"[\s,.!]*\b(?:please|pls|plz|thanks|thank you|thx|cheers|ta|anyone|any ideas?)\b[\s!.?]*$", re.IGNORECASE
)
_PART = re.compile(
    r"""\?+\s+ | [.;!]\s+(?=\w)
      | ,?\s+(?:and|also|plus|or)\s+(?=(?:also|separately|then|how|what|which|who|whom|when|where|why
        |can|could|do|does|did|is|are|am|should|may|must|will|would)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_POINTING = frozenset(
    [
        "it",
        "its",
        "that",
        "this",
        "those",
        "these",
        "they",
        "them",
        "their",
        "there",
        "he",
        "she",
        "his",
        "her",
        "one",
        "ones",
        "same",
    ]
)
_CONTINUING = re.compile(r"^\W*(?:and|but|also|what about|how about|why|what if|or)\b", re.IGNORECASE)
_ASKS = re.compile(
    r"""^\W*(?:(?:and|so|but|or|also|separately|then)\s+)*
        (?:can|could|do|does|did|is|are|am|should|may|must|will|would|has|have)\b
      | \b(?:how|what|which|who|whom|whose|when|where|why|whats|whos)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_MOST_PARTS = 4
_FEWEST_CONTENT = 1.5
_SCARCE, _SHORT = 1.3, 3.3  # weight of content
_TURNS_BACK = 4


class Wanted(Flag):
    """What kind of thing would answer. A question may want several, or nothing in particular."""

    NOTHING = 0
    NUMBER = auto()
    TIME = auto()
    PERSON = auto()
    EMAIL = auto()
    PHONE = auto()
    ADDRESS = auto()
    MONEY = auto()
    LIST = auto()
    PERMISSION = auto()


_SIGNS: list[tuple[Wanted, re.Pattern[str]]] = [
    (wanted, re.compile(pattern, re.IGNORECASE | re.VERBOSE))
    for wanted, pattern in (
        (
            Wanted.NUMBER,
            r"""\bhow\ (?:many|much|long|often|far|big|large|high|old|soon|early|quickly|fast|late)\b
              | \b(?:what|which)\b.{0,25}\b(?:percent\w*|rate|limit|number|amount|code|line|size|cap|ein|id)\b
              | \b(?:maximum|minimum|limit|cap|at\ most|at\ least)\b
              | \bper\ (?:day|week|month|year|mile|hour)\b""",
        ),
        (
            Wanted.TIME,
            r"""\b(?:when|what\ (?:day|date|time)|which\ day|deadline|due)\b
              | \bhow\ (?:soon|early|late|long|often|quickly)\b""",
        ),
        (Wanted.PERSON, r"\b(?:who|whom|whose|who's|whos)\b"),
        (
            Wanted.EMAIL,
            r"\be-?mail\b | \b(?:who|whom|where)\b.{0,30}\b(?:contact|write|ask|send|report|reach)\b",
        ),
        (Wanted.PHONE, r"\bphone\b | \b(?:number|whom?)\b.{0,20}\bcall\b | \bcall\b.{0,20}\bnumber\b"),
        (Wanted.ADDRESS, r"\bwhere\b | \b(?:what|which)\ (?:web)?(?:site|page|link|url|address)\b"),
        (
            Wanted.MONEY,
            r"""\bhow\ much\b.{0,40}\b(?:cost|pay|spend|money|paid|refund\w*|reimburs\w*)\b
              | \b(?:price|cost|fee|salary)\b""",
        ),
        (
            Wanted.LIST,
            r"\b(?:what|which)\ (?:are|\w+s\ (?:are|can|do|should|must|may))\b | \blist\b | \bsteps\b",
        ),
        (
            Wanted.PERMISSION,
            r"^\W*(?:can|could|may|am|is|are|do|does|should|must|will|would)\b | \ballowed\b",
        ),
    )
]


@dataclass(frozen=True)
class Asked:
    """One part of a question."""

    text: str
    meaning: Meaning
    wanted: Wanted


def stripped(message: str) -> str:
    """The message without greetings, politeness and filler around it; never empty for a non-empty one."""
    text = " ".join(message.split())
    shorter = _CLOSING.sub("", _OPENING.sub("", text)).strip()
    return shorter if any(character.isalnum() for character in shorter) else text


def parts_of(question: str) -> list[Asked]:
    """What is asked, in order, without what is told beside it; who asks one thing asks one part."""
    pieces = [piece.strip() for piece in _PART.split(question) if piece and _ASKS.search(piece)]
    said = [one for one in map(_asked, pieces) if one.meaning.total >= _FEWEST_CONTENT]
    return said[:_MOST_PARTS] if len(said) > 1 else [_asked(question)]


def whole(question: str) -> Asked:
    return _asked(question)


def resolved(message: str, earlier: Sequence[str]) -> str:
    """The message, with what it goes on from before it where it only points back.

    earlier: the person's own messages, oldest first. “And for contractors?” after “and for interns?” goes on
    from the question that both go on from.
    """
    topic = ""
    for text in earlier[-_TURNS_BACK:]:
        said = stripped(text)
        topic = f"{topic} {said}" if topic and goes_on(said) else said
    return f"{topic} {message}" if topic and goes_on(message) else message


def goes_on(message: str) -> bool:
    """Whether it makes no sense alone: too short, or pointing at something that was said."""
    words = words_of(message)
    content = meaning_of(words).total
    points = not _POINTING.isdisjoint(words.forms)
    return content <= _SCARCE or (content <= _SHORT and bool(points or _CONTINUING.match(message)))


def _asked(text: str) -> Asked:
    wanted = Wanted.NOTHING
    for kind, sign in _SIGNS:
        if sign.search(text):
            wanted |= kind
    return Asked(text, meaning_of(words_of(text)), wanted)
