"""The wish to book, move, cancel or see meetings, recognised by rules, with what was already said of it.

A question *about* booking ("how do I book a room?", "can I talk to the press?") is none: it goes to the
documents. A wish stands at the beginning of a sentence or of a clause, as a request or a command, and is
about a meeting or about speaking to somebody. Where it may be either, the documents are asked: a person who
wanted a meeting says so once more, one who is given a form instead of an answer has been misunderstood.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from knowledge.verify import split_sentences
from platform_api.llm.extractive.times_said import Told, told_in, window_of, without_zone
from platform_api.llm.extractive.wanting import topic_in, whom_in

Kind = Literal["book", "list", "cancel", "move"]
TOOLS: dict[Kind, str] = {
    "book": "meetings.book",
    "list": "meetings.list",
    "cancel": "meetings.cancel",
    "move": "meetings.reschedule",
}
_LONGEST = 600
"""Letters of a message in which a wish is looked for; longer ones tell a story, and ask something."""

_T, _D = "⟨t⟩", "⟨d⟩"
_NOUN = (
    r"(?:meeting|(?:phone\ |video\ |zoom\ |teams\ )?call|appointment|chat|session|demo|demonstration"
    r"|consultation|catch-?\ ?up"
    r"|one-on-one|1:1|1-1|slot|conversation|sync|discussion|briefing|booking)"
)
_OTHER = (
    r"(?:rooms?|space|desk|flights?|hotels?|car|travel|leave|holiday|vacation|parking|ticket|exam|table|course|hall"
    r"|polic(?:y|ies)|minutes|notes|agenda|rules|invite|invitation|pod|cent(?:re|er)|forwarding|out|logs?|recordings?"
    r"|system|form|fee|code|reference|process|desk|letter|value|software|link|owner|etiquette|participants?|sheet)"
)
_NOT_OTHER = rf"(?!['’]?s?\s+{_OTHER}\b)(?!\w)(?!['’]s\b)"
_WORDS = (
    rf"(?:(?!(?:in|on|of|for|at|from|to|with|about|and|or|that|which|{_OTHER})\s)[\w'’:/-]{{1,24}}\s+"
    rf"|{_T}\s+|{_D}\s+){{0,5}}"
)
_FILLER = (
    r"(?:(?:please|pls|plz|kindly|just|then|also|and|but|so|now|ok|okay|yes|yeah|well|hi|hey|hello|thanks|actually"
    r"|perhaps|maybe)[\s,!.]+){0,3}"
)
_I_WANT = (
    r"(?:(?:i|we)(?:\s?['’]?(?:d|m|re|ll)|\s+(?:would|am|are|was|were|will|should))?\s+"
    r"(?:also\s+|really\s+|just\s+|urgently\s+|still\s+)?"
    r"(?:like|love|want|wish|need|prefer|have(?=\s+to\b)|hoping|hope|looking|trying|keen|interested\s+in"
    r"|be\s+(?:grateful|glad|happy|keen)|am\s+(?:keen|happy))"
    r"|(?:it\s+would\s+be\s+(?:great|good|nice|lovely)|(?:would|['’]d)\s+(?:like|love)|hoping|wanting|keen))"
    r"(?:\s+(?:you|someone|somebody))?(?:\s+to|\s+for|\s+if\s+(?:i|we|you)\s+could)?"
)
_MAY_I = r"(?:can|could|may|might)\s+(?:i|we)(?:\s+please|\s+possibly|\s+maybe|\s+quickly)?"
_WILL_YOU = (
    r"(?:(?:can|could|would|will)\s+(?:you|u|someone|somebody)(?:\s+please|\s+possibly|\s+kindly)?(?:\s+help\s+me(?:\s+to)?)?"
    r"|would\s+you\s+mind|do\s+you\s+think\s+you\s+could|are\s+you\s+able\s+to|go\s+ahead\s+and|help\s+me(?:\s+to)?)"
)
_POSSIBLE = (
    r"(?:is|would|might)\s+(?:it|there)(?:\s+be)?\s+(?:possible|any\s+(?:chance|way)|a\s+(?:chance|way))"
    r"(?:\s+for\s+(?:me|us))?\s+(?:to|of)"
    r"|(?:is\s+there\s+)?any\s+(?:chance|way|possibility)\s+(?:(?:that\s+)?(?:i|we|you)\s+(?:can|could|might)|of|to)"
)
_LETS = r"(?:let['’]?s|let\s+us|let\s+me)"
_ASK = rf"(?:(?P<may>{_MAY_I}|{_POSSIBLE})|{_I_WANT}|{_WILL_YOU}|{_LETS})"
_ASKS = rf"{_ASK}\s+(?:please\s+|to\s+)?"
_BOOK = (
    r"(?:book(?:ing)?|(?:re-?)?schedul(?:e|ing)|arrang(?:e|ing)|organi[sz](?:e|ing)|set(?:ting)?(?:\s+me)?\s+up|setup|reserv(?:e|ing)"
    r"|sort\s+out|line\s+up|pencil\s+in|plan(?:ning)?|fix(?:\s+up)?|mak(?:e|ing)|request|find|get(?:ting)?|grab|put|hold)"
)
_TARGET = r"(?:someone|somebody|anyone|anybody)"
_SPEAK = (
    r"(?:speak|talk|chat|meet|catch\s+up|sit\s+down"
    r"|have\s+a\s+(?:quick\s+|short\s+)?(?:word|chat|talk|call)"
    r"|connect)"
)
_REST_OF_A_MAY = re.compile(
    rf"\s*(?:\Z|[.?!,]|{_T}|{_D}|(?:back\s+|forward\s+)?(?:to|until|from)\s*{_T}|"
    r"(?:with|about|regarding|re|concerning|on|for|please|to\s+(?:discuss|talk|go|review)|and)\b)",
    re.IGNORECASE,
)
_POLICY = re.compile(
    r"\b(?:on behalf|without|outside|during|unless|if|when|while|instead of|less than|more than"
    r"|in advance|by myself"
    r"|(?:for|with) (?:external|other people|others|someone else|somebody else|visitors|guests|a friend"
    r"|family))\b",
    re.IGNORECASE,
)
_BOOKS = re.compile(
    rf"""{_FILLER}(?:{_ASKS})?(?:
        {_BOOK}\s+(?:(?:me|us|in|together)\s+|me\ (?:in|up)\s+(?:with\s+)?){{0,2}}
          (?:(?:an?|another|some|the|our|my|one|with|for)\s+)?{_WORDS}(?:{_NOUN}{_NOT_OTHER})
      | {_BOOK}\s+(?:(?:me|us)\s+)?in\s+(?:with|for)\b
      | {_BOOK}\s+(?:(?:me|us|in)\s+)?(?:an?\s+)?{_D}\s+(?:with|slot|for|of\s+\S+(?:\s+\S+){{0,3}}\s+time)\b
      | (?:find|get|reserve|set\s+up|book|schedule|arrange|make)\s+(?:me\s+|us\s+)?
          (?:a\s+|some\s+)?time\s+(?:with|to|for|{_T})
      | (?:book|schedule|arrange|reserve|organi[sz]e|set\s+up)\s+(?:(?:me|us)\s+)?(?:an?\s+)?{_D}
          (?=\s*(?:\Z|[.?!,]|{_T}|(?:about|regarding|with|to\s+(?:discuss|talk|go|review))\b))
      | {_BOOK}\s+(?:something|anything|some\s+time)\s+(?:with|{_T}|{_D})
      | (?:fit|squeeze|slot|pencil)\s+(?:me|us)\s+in\b
      | (?:get|put)\s+(?:me|us)\s+on\s+the\s+(?:phone|line)\s+(?:with|to)\b
      | (?:arrange|organi[sz]e|set\s+(?:it\s+)?up)\s+for\s+(?:me|us)\s+to\s+{_SPEAK}\b
      | put\s+(?:me|us)\s+(?:in\s+touch|through)\s+(?:with|to)\b.{{0,60}}\b(?:{_NOUN})
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_HAS = re.compile(
    rf"""{_FILLER}(?:(?:{_I_WANT}|(?P<may>{_MAY_I}(?=\s+(?:have|get)))|{_LETS}|{_WILL_YOU})\s+
        (?:please\s+|to\s+)?(?:have|get|give\ me|grab)?\s*
        |(?:need|want|looking\s+for)\s+)
      (?:(?:an?|another|some|the)\s+(?:quick\s+|short\s+)?)?{_WORDS}
      (?:{_NOUN}{_NOT_OTHER}|(?<={_D}\s)(?:with\b|of\s+(?:\S+\s+){{1,5}}time\b))""",
    re.IGNORECASE | re.VERBOSE,
)
_BARE = re.compile(
    rf"""{_FILLER}(?:book(?:ing)?\s*:\s*)?(?:
        (?:an?\s+|another\s+)?(?:[\w-]{{1,20}}\s+){{0,2}}{_NOUN}\s+with\s+(?:\S.{{0,80}})
      | {_D}\s+(?:{_T}\s+)?(?:(?:about|regarding)\s+\S.{{0,80}}\s)?with\s+\S.{{0,80}}
      | {_D}\s+{_T}\s+(?:about|regarding|to\s+discuss)\s+\S.{{0,80}}
      | {_D}\s+(?:about|regarding)\s+\S.{{0,80}}{_T}.{{0,40}})""",
    re.IGNORECASE | re.VERBOSE,
)
_TOLD = re.compile(r"\b(?:was|were|went|ran|is|are|has|had|did|does|will|takes?|took)\b", re.IGNORECASE)
_SPEAKS = re.compile(
    rf"""{_FILLER}(?:(?P<when>when\s+(?:can|could|may)\s+(?:i|we)|when\s+is\s+(?=\S+\s+(?:free|available)))
        |{_ASK})\s+(?:please\s+|to\s+)?
      (?:(?P<speak>{_SPEAK})(?:\s+(?:to|with))?|see|discuss)\b(?P<rest>.*)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_CALLS_ME = re.compile(
    rf"""{_FILLER}(?:(?:can|could|would|will)\s+(?:you|someone|somebody)
        (?:\s+(?:from|in|at)\s+(?:\S+\s+){{1,4}}?)?\s*(?:please\s+)?|{_I_WANT}\s+)?
      (?:call|phone|ring)\s+(?:me|us)(?:\s+back)?\b(?=\s*(?:\Z|[.?!,]|{_T}|about|regarding|on|please))""",
    re.IGNORECASE | re.VERBOSE,
)
_IS_FREE = re.compile(
    rf"{_FILLER}(?:(?-i:is|Is)|(?:when|what\s+time)\s+is)\s+(?-i:[A-Z])[\w'’-]*(?:\s+(?-i:[A-Z])[\w'’-]*)?\s+"
    rf"(?:free|available)\b(?=.{{0,80}}{_T})",
    re.IGNORECASE,
)
_SOMEBODY = re.compile(
    rf"""\s*(?:to\s+|with\s+)?(?:{_TARGET}\b|(?:an?|the|your|our)\s+(?:\S+\s+){{0,2}}?(?:human|person|expert|advis[eo]r|consultant|instructor
      |trainer|specialist|agent|team|department|office|cfo|ceo|cto|coo|manager)\b|you\b|[\w.+-]+@[\w.-]+|(?-i:[A-Z])[\w'’.-]*)""",
    re.IGNORECASE | re.VERBOSE,
)
_NOBODY = re.compile(
    r"\s*(?:to\s+|with\s+)?(?:the\s+|any\s+|our\s+)?(?:new\s+)?(?:deadline|target|requirement|standard|need|goal|criteri|cost|quota"
    r"|expectation|obligation|demand|press\b|media\b|journalist|reporter|police|colleague|customer|client|public|emission)",
    re.IGNORECASE,
)
_A_MEETING = re.compile(
    rf"\b(?:{_NOUN}|{_SPEAK})\b|\d\s*(?:min|hour|h\b)|hour|book", re.IGNORECASE | re.VERBOSE
)
_MINE = rf"(?:(?:all\s+)?(?:of\s+)?(?:my|our|the|that|this)\s+|(?:{_T}\s*['’]s\s+)|{_T}\s+)"
_OWN_NOUN = (
    rf"(?:(?:next|upcoming|{_T}|{_D}|whole|entire|\d+)(?:['’]s)?\s+){{0,2}}(?P<noun>{_NOUN}s?{_NOT_OTHER})"
)
_CANCELS = re.compile(
    rf"""{_FILLER}(?:{_ASKS})?(?:cancel(?:l?ing)?|call(?:ing)?\s+off|delete|remove|drop|scrap)\s+
      (?:{_MINE}{_OWN_NOUN}|(?P<it>it|that|this)(?=\s*(?:\Z|[.?!,]|please|for\s+me)))""",
    re.IGNORECASE | re.VERBOSE,
)
_MOVES = re.compile(
    rf"""{_FILLER}(?:{_ASKS})?(?:move|moving|re-?schedul(?:e|ing)|postpone|push|shift|change|rebook|put\s+off|delay|bring|switch)\s+
      (?:(?:the\s+)?(?:time|date)\s+of\s+)?(?:{_MINE}{_OWN_NOUN}
        |(?P<it>it|that|this)\s+(?:back\s+|forward\s+)?(?:to|until|till|by|for)?\s*(?={_T}))""",
    re.IGNORECASE | re.VERBOSE,
)
_THINGS = r"(?:meetings?|bookings?|appointments?|calls?)"
_LISTS = re.compile(
    rf"""{_FILLER}(?:(?:can|could)\s+(?:you|i)\s+(?:please\s+)?)?(?:
        (?:what|which)\ (?:{_THINGS}\ )?(?:have|did)\ (?:i|we)\ (?:got\ )?book(?:ed)?
      | which\ {_THINGS}\ (?:do|have)\ (?:i|we)\ (?:have|got)(?:\ booked|\ scheduled)?
      | what\ {_THINGS}\ (?:do|have)\ (?:i|we)\ (?:have|got)(?:\ booked|\ scheduled)?
      | (?:show|list|see|view|display|give|tell)(?:\ me)?\ (?:all\ )?(?:of\ )?(?:my|our)\s+
          (?:upcoming\ |booked\ |next\ |coming\ )?{_THINGS}
      | (?:show|list|see|tell)(?:\ me)?\ (?:(?:what|all|the|any|{_THINGS}|that|which)\ ){{1,4}}
          (?:i|i['’]ve|i\ have|we)(?:\ have)?\ booked
      | do\ (?:i|we)\ have\ (?:any|an?)\ (?:upcoming\ )?{_THINGS}(?:\ (?:booked|scheduled))?
      | have\ (?:i|we)\ (?:got\ )?(?:booked\ )?(?:any|an?)\ {_THINGS}
      | (?:when|what\ time)(?:['’]s|\ is)\ my\ (?:next\ |upcoming\ )?{_THINGS}
      | what(?:['’]s|\ is|\ are)\ my\ (?:next\ |upcoming\ |booked\ )?{_THINGS}
      | my\ (?:upcoming\ )?(?:bookings|meetings|appointments)
    )(?=\s*(?:\Z|[.?!]|{_T}|please|with\b|booked|scheduled))(?P<rest>.*)""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_CLAUSE = re.compile(r"(?:[,;:–—]|\s-|\b(?:and|but|so|then))\s+", re.IGNORECASE)
_MOST_CLAUSES = 6
_QUESTION = re.compile(
    r"""\W*(?:(?:and|but|so|also|hi|hey|hello|ok|please)[\s,]+)*(?:how|what|which|who|whom|whose|where|why|when|if|do|does|did|am|are|is
        |should|must|shall|has|have|had|was|were|will\ (?!you)|explain|tell\ me|describe)\b""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person wants, and the arguments of its tool: only what they said, in their words."""

    kind: Kind
    said: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def tool(self) -> str:
        return TOOLS[self.kind]


def wish_in(message: str) -> Wish | None:
    """What is to be done about a meeting; None where nothing is, or where a document may be asked instead."""
    text = " ".join(message.replace("’", "'").split())
    if len(text) > _LONGEST:
        return None
    sentences = split_sentences(text)
    asks_more = sum(one.rstrip().endswith("?") for one in sentences)
    for sentence in sentences:
        told = told_in(sentence)
        if listed := _LISTS.match(told.masked):
            return None if _POLICY.search(listed["rest"]) else Wish("list")
        if kind := _kind(told.masked, alone=asks_more <= sentence.rstrip().endswith("?")):
            return Wish(kind, _arguments(kind, sentence, text))
    return None


def names_a_meeting(text: str) -> bool:
    """Not only "it"."""
    return bool(_A_MEETING.search(text))


def _kind(masked: str, *, alone: bool) -> Kind | None:
    """alone: no other sentence of the message asks something."""
    for at, clause in enumerate(_clauses(masked)):
        if at and _QUESTION.match(masked):
            return None  # a clause of a question is no request
        if found := _of_clause(clause, alone=alone):
            return found
    return None


def _clauses(masked: str) -> list[str]:
    """The sentence, and what stands behind each comma or "and" in it."""
    starts = [0, *(one.end() for one in _CLAUSE.finditer(masked))]
    return [masked[at:] for at in starts[:_MOST_CLAUSES]]


def _of_clause(clause: str, *, alone: bool) -> Kind | None:
    for kind, pattern in (("cancel", _CANCELS), ("move", _MOVES)):
        found = pattern.match(clause)
        if found and _is_request(found, clause):
            return "cancel" if kind == "cancel" else "move"
    for pattern in (_BOOKS, _HAS):
        found = pattern.match(clause)
        if found and _is_request(found, clause):
            return "book"
    if not alone:
        return None
    own = _CALLS_ME.match(clause) or _IS_FREE.match(clause) or _is_bare(clause) or _speaks(clause)
    return "book" if own else None


def _is_request(found: re.Match[str], clause: str) -> bool:
    """ "Can I …?" asks for permission as well: then what follows has to be of this one meeting."""
    rest = clause[found.end() :]
    if _POLICY.search(rest):
        return False
    names_whom = found.group().lower().endswith(("with", "of", "time"))
    return found["may"] is None or names_whom or bool(_REST_OF_A_MAY.match(rest))


def _is_bare(clause: str) -> bool:
    """A meeting without a verb: "30 min with Dana next Tuesday"."""
    found = _BARE.match(clause)
    if found is None or _TOLD.search(clause):
        return False
    return _T in clause or _D in clause or " about " in clause


def _speaks(clause: str) -> bool:
    found = _SPEAKS.match(clause)
    if found is None:
        return False
    rest, asks = found["rest"], bool(found["may"] or found["when"])
    if _POLICY.search(rest) or _NOBODY.match(rest):
        return False
    somebody, timed = bool(_SOMEBODY.match(rest)), _T in rest or _D in rest
    if found["speak"] is None:  # see, discuss
        return (timed or not asks) and (somebody or " with " in rest)
    to_whom = bool(re.match(r"\s*(?:to|with)\s", clause[found.end("speak") :]))
    if found["speak"].lower() == "meet" and not to_whom:
        return somebody or (timed and not re.match(r"\s*(?:the|our|all)\b", rest))
    return somebody or timed or (not asks and to_whom)


def _arguments(kind: Kind, sentence: str, text: str) -> dict[str, Any]:
    if kind == "book":
        return _of_booking(told_in(sentence), sentence)
    told = told_in(sentence, apart=True)
    said: dict[str, Any] = {}
    to = _moved_to(told, sentence) if kind == "move" else None
    if to is not None:
        said["window"] = without_zone(told.times[to].words)[:200]
        if told.tz:
            said["tz"] = told.tz
    rest = [one for at, one in enumerate(told.times) if at != to]
    whom = whom_in(told.masked)
    which = " ".join([*([f"with {whom}"] if whom else ()), *(one.whole for one in rest)])
    return {"which": which[:200], **said} if which else said


_NEW = re.compile(r"\b(?:to|until|till|for|forward|back|instead)\s*\Z", re.IGNORECASE)


def _moved_to(told: Told, sentence: str) -> int | None:
    """Which of the times is the new one: the last that stands behind "to" or "for"."""
    for at in range(len(told.times) - 1, -1, -1):
        one = told.times[at]
        if re.search(
            r"(?:\b(?:to|until|till|for|forward|back|instead)\s*)\Z", sentence[: one.start], re.IGNORECASE
        ):
            return at
        if re.match(r"(?:for|to)\b", one.whole, re.IGNORECASE):
            return at
    return None


def _of_booking(told: Told, sentence: str) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if topic := topic_in(told.masked, sentence):
        said["topic"] = topic
    if whom := whom_in(told.masked):
        said["with"] = whom
    if told.minutes:
        said["duration_min"] = told.minutes
    if told.times:
        said["window"] = window_of(told)
    if told.tz:
        said["tz"] = told.tz
    return said
