"""With whom, and about what: out of a sentence in which times are masked (see times_said)."""

import re

from platform_api.llm.extractive.times_said import LENGTH, TIME

LONGEST = 200
_ABOUT = re.compile(
    r"""\b(?:(?:to\s+(?:discuss|talk\s+about|talk\s+through|go\s+over|go\s+through|review|speak\s+about|chat\s+about))
      |about|regarding|concerning|re:?(?=\s)|on\s+the\s+(?:topic|subject)\s+of|(?:the\s+)?topic(?:\s+is|:)?(?=\s+\w)|discuss
      |(?<=demo\s)of|(?<=demonstration\s)of)\s+""",
    re.IGNORECASE | re.VERBOSE,
)
_ON = re.compile(
    r"""\b(?:on|for)\s+(?!(?:behalf|the\s+phone|me|us|you|him|her|them|zoom|teams)\b|my\s+(?:team|boss|manager)\b
      |someone|somebody|a\s+(?:call|meeting|chat|slot)\b|\d|⟨)""",
    re.IGNORECASE | re.VERBOSE,
)
_WITH = re.compile(
    r"""\b(?:with|is(?=\s+(?-i:[A-Z])[\w'’-]+(?:\s+(?-i:[A-Z])[\w'’-]+)?\s+(?:free|available))|(?:speak|talk|chat|word|catch\s+up)\s+to|meet(?!ing)(?:\s+with)?|see
      |(?:someone|somebody|anyone|a\s+person)\s+(?:from|in|at|of))\s+""",
    re.IGNORECASE | re.VERBOSE,
)
_NEXT = re.compile(
    rf"""\s*(?:{TIME}|{LENGTH}|(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bProf)\.(?=\s|\Z)|[?!;:](?=\s|\Z)|,\s|,\Z|\s(?:about|regarding|concerning|re:?|to\s+(?:discuss|talk|go|review|speak)
      |on|with|for|at|in\s+the|and\s+(?:make|please|then|i|we)|please|pls|thanks|thank\s+you|if|so\s+that|because|booked|scheduled|forward|back|to|this|call|me)\b)""",
    re.IGNORECASE | re.VERBOSE,
)
_END_OF_TOPIC = re.compile(
    rf"""\s*(?:{TIME}|{LENGTH}|[.?!;](?=\s|\Z)|,\s+(?=(?:{TIME}|please|thanks|if|with)\b)|,\s*\Z
      |\s(?:with(?=\s+(?:[A-Z]|(?:the|our|your)\s+(?:\S+\s+)?(?:team|office|people|desk)|someone|somebody|an?\s+(?:advis|consult|train|instruct)))|please|pls|thanks|thank\s+you
      |if\s+(?:possible|you)|and\s+(?:make|please))\b)""",
    re.VERBOSE,
)
_NOBODY = re.compile(
    r"(?:(?:an?\s+)?(?:meeting|call|chat|appointment|slot)|someone|somebody|anyone|anybody|you|me|us|him|her"
    r"|them|it|a\s+(?:human|person|real\s+person)|someone\s+else)\Z",
    re.IGNORECASE,
)
_SOMEBODY_OF = re.compile(r"\A(?:someone|somebody|anyone|a\s+person)\s+(?:from|in|at|of)\s+", re.IGNORECASE)
_NOTHING = ("a", "an", "the", "it", "that", "this", "something", "them")
_LEFT_OVER = re.compile(r"(?:^(?:the\s+)?(?=⟨)|[\s,.;:!?'’-]+\Z|\A[\s,.;:!?-]+)")
_ADVERB = re.compile(
    r"\s+(?:urgently|sometime|soon|quickly|again|directly|early|late|later|free|available)\Z", re.IGNORECASE
)


def whom_in(masked: str) -> str:
    """A name, an address or a team; "" where nobody in particular is wanted."""
    for marker in _WITH.finditer(masked):
        rest = masked[marker.end() :]
        end = _NEXT.search(rest)
        whom = _tidy(rest[: end.start()] if end else rest)
        whom = _SOMEBODY_OF.sub("", whom.partition("'s time")[0])
        if whom and not _NOBODY.match(whom) and "⟨" not in whom and len(whom.split()) <= 8:
            return whom[:100]
    return ""


def topic_in(masked: str, sentence: str) -> str:
    """What it is about, in the person's words; "" where they did not say."""
    for pattern in (_ABOUT, _ON):
        for marker in pattern.finditer(masked):
            rest = masked[marker.end() :]
            end = _END_OF_TOPIC.search(rest)
            topic = _tidy(rest[: end.start()] if end else rest)
            if (
                topic
                and "⟨" not in topic
                and topic.lower() not in ("it", "that", "this", "something", "them")
            ):
                return topic[:LONGEST]
    return ""


def _tidy(text: str) -> str:
    return _ADVERB.sub("", _LEFT_OVER.sub("", text).strip())
