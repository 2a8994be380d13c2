"""What a question asks for: the words that it is searched by, and the kind of answer it wants."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from functools import cached_property, lru_cache
from itertools import chain

from knowledge.search.query import understand
from knowledge.verify import Meaning, meaning_of, words_of
from platform_api.llm.extractive.everyday import other_names

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
    r"(?<![\s,.!])[\s,.!]*+\b(?:please|pls|plz|thanks|thank you|thx|cheers|ta|anyone|any ideas?)\b[\s!.?]*$",
    re.IGNORECASE,
)
_ASKING = re.compile(
    r"\bhow\s+(long|often|far|soon|early|late|quickly|fast|big|large|high|old)\b|\bwhat\s+(happen\w*)",
    re.IGNORECASE,
)
_PART = re.compile(
    r"""\?+\s+ | [.;!]\s+(?=\w)
      | ,?\s+(?:and|also|plus|or)\s+(?=(?:also|separately|then|how|what|which|who|whom|when|where|why
        |can|could|do|does|did|is|are|am|should|may|must|will|would)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_ASKS = re.compile(
    r"""^\W*(?:(?:and|so|but|or|also|separately|then)\s+)*
        (?:can|could|do|does|did|is|are|am|should|may|must|will|would|has|have)\b
      | \b(?:how|what|which|who|whom|whose|when|where|why|whats|whos)\b""",
    re.IGNORECASE | re.VERBOSE,
)
_MOST_PARTS, _FEWEST_CONTENT = 4, 1.5
_OF_A_WHOLE, _OF_A_PIECE = 0.9, 0.5
_LITTLE = 0.3
_USUAL = "get receive use need want mean dollar euro pound aud usd tell say"
_YEAR = re.compile(r"(?:19|20)\d\d")
_VAGUE = """
limit maximum minimum rate deadline allowance fee price cost amount number time date rule policy form process
procedure contact address phone email name code percentage notice period size much many long
"""


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
    STEPS = auto()


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
            r"""\b(?:what|which)\ (?:are|\w+s\ (?:are|can|do|should|must|may))\b | \blist\b | \bsteps\b
              | \b(?:what|which)\ (?:\w+\ ){1,4}are\ there\b | \bwho\ are\ (?:the|our)\b""",
        ),
        (
            Wanted.STEPS,
            r"""\bhow\ (?:do|can|should|would|does|must|may)\ (?:i|we|you|one|staff|someone)\b | \bhow\ to\b
              | \bwhat\ (?:do|should|must)\ (?:i|we)\ do\b | \b(?:process|procedure)\b""",
        ),
        (
            Wanted.PERMISSION,
            r"^\W*(?:can|could|may|am|is|are|do|does|should|must|will|would)\b | \ballowed\b",
        ),
    )
]


@dataclass(frozen=True)
class Asked:
    """A question, or one part of it."""

    text: str
    meaning: Meaning
    wanted: Wanted

    @cached_property
    def others(self) -> Mapping[str, frozenset[str]]:
        """For some of its terms, what documents may say in their place."""
        return other_names(self.text, self.meaning)

    def spoken_of(self, term: str, said: Collection[str]) -> bool:
        """Whether the terms of a text hold this one of the question, or another name for it."""
        return term in said or (term in self.others and any(name in said for name in self.others[term]))

    @cached_property
    def terms(self) -> dict[str, float]:
        """What it speaks of. An amount is the asker's own case ("60,000 dollars") and counts little.

        What only asks ("how long", "what happens") says nothing of the subject, unless it is all there is.
        """
        terms = self.meaning.terms
        asking = meaning_of(
            words_of(" ".join(chain.from_iterable(_ASKING.findall(self.text))))
        ).content.keys()
        counted = {
            name: min(weight, _LITTLE) if _is_little(name) else weight for name, weight in terms.items()
        }
        subject = {name: weight for name, weight in counted.items() if name not in asking}
        return subject or counted


def _is_little(name: str) -> bool:
    """An amount, which is a number that is no year, or a word that questions are full of."""
    amount = name.replace(",", "").replace(".", "").isdigit() and not _YEAR.fullmatch(name)
    return amount or name in _usual()


def stripped(message: str) -> str:
    """The message without greetings, politeness and filler around it; never empty for a non-empty one."""
    text = " ".join(message.split())
    shorter = _CLOSING.sub("", _OPENING.sub("", text)).strip()
    return shorter if any(character.isalnum() for character in shorter) else text


def whole(question: str) -> Asked:
    """The question as it is weighed against statements."""
    wanted = Wanted.NOTHING
    for kind, sign in _SIGNS:
        if sign.search(question):
            wanted |= kind
    return Asked(question, meaning_of(words_of(question)), wanted)


def parts_of(question: str) -> list[tuple[Asked, float]]:
    """What is asked, in order, without what is told beside it; each with how much it says by itself, 0-1.

    Empty where it asks one thing. Parts that are whole in themselves where they can be told; else pieces,
    which lack their context.
    """
    parts = understand(question).parts[:_MOST_PARTS]
    if len(parts) > 1:
        own = [_own(part, parts[:at]) for at, part in enumerate(parts)]
        return [
            (whole(one), _OF_A_WHOLE if one == part else _OF_A_PIECE)
            for one, part in zip(own, parts, strict=True)
        ]
    pieces = [piece.strip() for piece in _PART.split(question) if piece and _ASKS.search(piece)]
    said = [one for one in map(whole, pieces) if one.meaning.total >= _FEWEST_CONTENT]
    return [(one, _OF_A_PIECE) for one in said[:_MOST_PARTS]] if len(said) > 1 else []


def _own(part: str, earlier: Sequence[str]) -> str:
    """What a part adds to one that it repeats to be understood; all of it where that asks nothing."""
    said = max((one for one in earlier if part.startswith(one)), key=len, default="")
    added = part[len(said) :].strip(" ,;?!.")
    return added if meaning_of(words_of(added)).total else part


def is_vague(asked: Asked) -> bool:
    """It names no subject: "what's the limit?"."""
    content = asked.meaning.content.keys()
    return bool(content) and bool(asked.wanted) and content <= _vague() and not asked.meaning.names


@lru_cache(maxsize=1)
def _vague() -> frozenset[str]:
    return frozenset(meaning_of(words_of(_VAGUE)).content)


@lru_cache(maxsize=1)
def _usual() -> frozenset[str]:
    return frozenset(meaning_of(words_of(_USUAL)).content)
