"""Sentences made of a page's own by rules: contradictions by one changed detail, and harmless rewordings.

Lists are of this file's own, so that the verifier is not asked about nothing but its own lexicon.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence

Change = Callable[[str, random.Random], str | None]

_TIMES = ["minutes", "hours", "days", "weeks", "months", "years"]
_UNITS = [*_TIMES, "percent", "dollars", "miles", "people", "employees"]
_ONES = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_YEAR = "January February March April June July August September October November December"
_MONTHS = _YEAR.split()
_INVENTED = "Raman Okafor Lindqvist Harrow Castell Novak Zephyr Orion Meridian Kestrel Larkspur Bramble"
_NAMES = _INVENTED.split()
_ACRONYMS = ["NRC", "DOE", "FTA", "ABK", "XLT", "QRS"]
_SWAPS = {
    "direction": """before/after increase/decrease minimum/maximum above/below internal/external open/closed
        early/late include/exclude accept/reject paid/unpaid higher/lower longer/shorter first/last new/old
        more/less public/private start/end begin/end earlier/later inside/outside add/remove enable/disable
        approve/reject morning/evening""",
    "modality": "must/may should/must may/must can/must required/optional shall/may cannot/should",
    "quantifier": "all/some every/no each/no always/sometimes never/sometimes both/neither none/some "
    "everyone/nobody only/also most/few usually/rarely any/no",
}


def _one(pattern: str, by: Callable[[re.Match[str], random.Random], str]) -> Change:
    compiled = re.compile(pattern)

    def change(text: str, chance: random.Random) -> str | None:
        found = list(compiled.finditer(text))
        if not found:
            return None
        match = chance.choice(found)
        return text[: match.start()] + by(match, chance) + text[match.end() :]

    return change


def _other(options: Sequence[str]) -> Callable[[re.Match[str], random.Random], str]:
    return lambda match, chance: chance.choice(
        [one for one in options if one.lower() != match.group().lower()]
    )


def _digit(match: re.Match[str], chance: random.Random) -> str:
    return chance.choice(sorted(set("123456789") - {match.group()}))


def _swap(kind: str) -> Change:
    pairs: dict[str, str] = {}
    for pair in _SWAPS[kind].split():
        one, other = pair.split("/")
        pairs.setdefault(one, other)
        if kind == "direction":
            pairs.setdefault(other, one)

    def by(match: re.Match[str], chance: random.Random) -> str:
        word = match.group()
        made = pairs[word.lower()]
        return made.capitalize() if word[0].isupper() else made

    # "may not" and "must not" forbid alike
    return _one(rf"(?i)(?<!at )\b(?:{'|'.join(pairs)})\b(?! not\b)", by)


def _deny(text: str, chance: random.Random) -> str | None:
    """ "not" put in after an auxiliary, or taken out."""
    taken = re.search(r"\b(not|never) |n['’]t\b", text)
    if taken:
        made = text[: taken.start()] + text[taken.end() :]
        return re.sub(r"\bca(?= |$)", "can", made)
    found = list(re.finditer(r"\b(?:is|are|can|must|will|may|should|was|has been|have been)\b(?! not)", text))
    if not found:
        return None
    match = chance.choice(found)
    return f"{text[: match.end()]} not{text[match.end() :]}"


def _exchange(text: str, chance: random.Random) -> str | None:
    """Two names or two numbers at each other's place, with a verb or a preposition between them."""
    for pattern in (r"(?<=[a-z] )[A-Z][a-z]+\b(?! [A-Z(])", r"\b\d[\d,.]*\b"):
        found = list(re.finditer(pattern, text))
        if len(found) > 1:
            one, other = found[0], found[-1]
            between = text[one.end() : other.start()]
            if one.group() != other.group() and re.search(r"\b(?:to|from|by|for|than|of|after)\b", between):
                return text[: one.start()] + other.group() + between + one.group() + text[other.end() :]
    return None


_SUBJECTS = """the finance director; visiting students; the legal department; outside auditors;
the night watch; our printers; the chair of the board; new suppliers; the cleaning company;
retired members; the data officer"""
_ROLES = [" ".join(each.split()) for each in _SUBJECTS.split(";")]
_VERB = (
    r"is|are|was|were|can|must|may|will|should|has|have|needs?|does|do|gets?|gives?|sends?|makes?|uses?|works?|pays?|"
    r"provides?|reviews?|takes?|keeps?|receives?|earns?|meets?|runs?|holds?|checks?|writes?|manages?|supports?|helps?"
)


def _subject_exchanged(text: str, chance: random.Random) -> str | None:
    """Somebody or something else does it."""
    match = re.match(rf"((?:The|Our|All|Each|Every|New)?\s?[A-Za-z][\w’' -]{{2,40}}?) (?:{_VERB})\b", text)
    if not match or re.match(
        r"(?:It|This|That|There|If|When|You|We|They|These|He|She|What|How|In|For|As)\b", text
    ):
        return None
    other = chance.choice(_ROLES)
    return other[0].upper() + other[1:] + text[match.end(1) :]


def _object_exchanged(text: str, chance: random.Random) -> str | None:
    """Something else stands after "the" inside the sentence."""
    found = list(
        re.finditer(
            r"(?<= the )[a-z]{4,}(?: [a-z]{4,})?(?= (?:is|are|for|to|in|on|at|and|by|from|of)\b|[.,])", text
        )
    )
    if not found:
        return None
    match = chance.choice(found)
    return text[: match.start()] + chance.choice(_THINGS) + text[match.end() :]


_THINGS = [
    "harvest",
    "bakery",
    "orchestra",
    "lighthouse",
    "museum",
    "parade",
    "saddle",
    "compost",
    "telescope",
    "chimney",
    "violin",
    "vineyard",
]


def _invented(text: str, chance: random.Random) -> str | None:
    """A clause that stands nowhere."""
    more = chance.choice(_ADDED)
    return f"{text[:-1]}{more}." if text.endswith(".") else None


_ADDED = [
    ", and costs are refunded after three weeks",
    ", but only on working days",
    " and the committee keeps a copy",
    ", which the mayor announced",
    ", except for people over sixty",
    " without asking anybody",
    ", and violations are fined",
    " in the second building",
    ", twice a year",
    " together with a lawyer",
]

CONTRADICTIONS: dict[str, Change] = {
    "digit": _one(r"\d", _digit),
    "number word": _one(rf"(?i)\b(?:{'|'.join(_ONES)})\b", _other(_ONES)),
    "unit": _one(
        rf"(?<=\d )(?:{'|'.join(_UNITS)})\b|(?<=-)(?:hour|day|week|month|year|minute)\b", _other(_UNITS)
    ),
    "weekday": _one(rf"\b(?:{'|'.join(_DAYS)})", _other(_DAYS)),
    "month": _one(rf"\b(?:{'|'.join(_MONTHS)})\b", _other(_MONTHS)),
    "name": _one(r"(?<=[a-z,] )[A-Z][a-z]{2,}\b", _other(_NAMES)),
    "acronym": _one(r"(?<=[a-z,] )[A-Z]{3,5}\b", _other(_ACRONYMS)),
    "negation": _deny,
    "direction": _swap("direction"),
    "modality": _swap("modality"),
    "quantifier": _swap("quantifier"),
    "exchange": _exchange,
    "subject": _subject_exchanged,
    "object": _object_exchanged,
    "added clause": _invented,
}
DETAILS = frozenset(
    [
        "digit",
        "number word",
        "unit",
        "weekday",
        "month",
        "name",
        "acronym",
        "negation",
        "modality",
        "quantifier",
    ]
)
"""The changes of one detail, after which a true sentence is surely false."""

_WORDS = """
employees=staff employee=member_of_staff supervisor=manager submit=hand_in request=ask_for
purchase=buy assist=help obtain=get receive=get begin=start complete=finish notify=inform
prior_to=before additional=further ensure=make_sure approximately=roughly currently=at_present
however=but contact=get_in_touch_with review=look_at provide=give create=make utilize=use
utilise=use select=choose remain=stay attend=go_to organization=organisation
annually=every_year email=mail discuss=talk_about located=situated required_to=obliged_to
allowed_to=permitted_to each=every immediately=at_once within=in_no_more_than cannot=can't
should=ought_to must=has_to
"""
_REPLACED = {
    one.replace("_", " "): other.replace("_", " ") for one, other in (w.split("=") for w in _WORDS.split())
}
_DIGITS = dict(zip(["2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"], _ONES, strict=True))
_SAME_LENGTH = {
    "14 days": "two weeks",
    "7 days": "a week",
    "24 hours": "a day",
    "48 hours": "two days",
    "12 months": "a year",
    "6 months": "half a year",
    "six months": "half a year",
    "two weeks": "14 days",
    "60 minutes": "one hour",
    "30 minutes": "half an hour",
    "two years": "24 months",
    "one week": "7 days",
    "per year": "a year",
    "per week": "each week",
    "five p.m.": "17:00",
    "three weeks": "21 days",
}


def _synonym(text: str, chance: random.Random) -> str | None:
    there = [word for word in _REPLACED if re.search(rf"\b{word}\b", text)]
    if not there:
        return None
    word = chance.choice(there)
    return re.sub(rf"\b{word}\b", _REPLACED[word], text, count=1)


def _front(text: str, chance: random.Random) -> str | None:
    """ "A if B." becomes "If B, A.", and the other way round."""
    match = re.fullmatch(
        r"(If|When|Once|After|Before|While|During|For) ([^,;:]{8,80}), ([a-z][^,;:]{10,})\.", text
    )
    if match:
        return f"{match[3][0].upper()}{match[3][1:]} {match[1].lower()} {match[2]}."
    match = re.fullmatch(r"([A-Z][^,;:]{10,}) (if|when|once|after|before|while) ([^,;:]{8,})\.", text)
    if match and not re.match(r"(?:I|[A-Z]{2,}|[A-Z][a-z]+ [A-Z])\b", match[1]):
        return f"{match[2].capitalize()} {match[3]}, {match[1][0].lower()}{match[1][1:]}."
    return None


def _numeral(text: str, chance: random.Random) -> str | None:
    found = list(re.finditer(r"(?<![\d.,$#/-])\b(\d{1,2})\b(?![\d.,:%/-])", text))
    found = [match for match in found if match[1] in _DIGITS]
    if not found:
        return None
    match = chance.choice(found)
    return text[: match.start()] + _DIGITS[match[1]] + text[match.end() :]


def _length(text: str, chance: random.Random) -> str | None:
    for one, other in _SAME_LENGTH.items():
        if re.search(rf"(?<![\w-]){one}\b", text):
            return re.sub(rf"(?<![\w-]){one}\b", other, text, count=1)
    return None


def _passive(text: str, chance: random.Random) -> str | None:
    """ "X is reviewed by Y." becomes "Y reviews X." """
    match = re.fullmatch(r"([A-Z][^,;:]{5,60}) (is|are) (\w+[^e])ed by ([^,;:]{3,50})\.", text)
    if not match:
        return None
    subject = match[1][0].lower() + match[1][1:]
    return f"It is {match[4]} that {match[3]}ed {subject}."


def _trimmed(text: str, chance: random.Random) -> str | None:
    """Without an explanation at the end."""
    match = re.fullmatch(r"(.{40,}?),? (?:because|so that|in order to|which|who|as well as) [^.]+\.", text)
    return f"{match[1]}." if match else None


def _articles(text: str, chance: random.Random) -> str | None:
    made = re.sub(r"(?<=[a-z] )(?:the|a|an) (?=[a-z])", "", text, count=1)
    return made if made != text else None


def _subject(text: str, chance: random.Random) -> str | None:
    made = re.sub(r"^You (can|must|should|may|will|need)\b", r"Staff \1", text)
    return made if made != text else None


REWORDINGS: dict[str, Change] = {
    "synonym": _synonym,
    "order": _front,
    "number format": _numeral,
    "same length": _length,
    "voice": _passive,
    "trimmed": _trimmed,
    "articles": _articles,
    "subject": _subject,
}


def contradicted(sentence: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    """(kind, sentence) for each kind of change that the sentence can be given."""
    yield from _made(CONTRADICTIONS, sentence, chance)


def reworded(sentence: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Each rewording alone, and up to three of them one after the other."""
    made = list(_made(REWORDINGS, sentence, chance))
    yield from made
    rest = [kind for kind, _ in made]
    if len(rest) > 1:
        text = sentence
        for kind in chance.sample(rest, min(3, len(rest))):
            text = REWORDINGS[kind](text, chance) or text
        yield "several", text


def _made(changes: dict[str, Change], sentence: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    for kind, change in changes.items():
        made = change(sentence, chance)
        if (made and made != sentence and sorted(made.split()) != sorted(sentence.split())) or (
            made and kind in ("exchange", "order")
        ):
            yield kind, made
