"""When and how long, as people say it in a message: found, not understood; the calendar does that.

Everything here is one pass of a pattern with bounded repetitions: linear in the length of the message.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from zoneinfo import available_timezones

TIME, LENGTH = "⟨t⟩", "⟨d⟩"
"""What stands in a masked text for words of time and for a duration."""
SHORTEST, LONGEST = 15, 480
"""Minutes that a meeting may take (notes/tool-contracts.md)."""
_WEEKDAY = r"(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:days?)?"
_FULL_WEEKDAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_COUNT = r"(?:\d{1,3}|an?|one|two|three|four|five|six|a\ few|a\ couple\ of)"
_PART = r"(?:mornings?|afternoons?|evenings?|noon|midday|lunch(?:time)?|night)"
_CLOCK = r"\d{1,2}(?:[:.]\d{2})?\s?(?:[ap]\.?m\b\.?|o'?clock)|\d{1,2}:\d{2}|\d{1,2}h\d{2}"
_PIECE = re.compile(
    rf"""\b(?:
        \d{{4}}-\d\d-\d\d(?:[t\ ]\d\d:\d\d(?::\d\d)?(?:z|[+-]\d\d:?\d\d)?)?
      | (?:the\ )?day\ after\ tomorrow | today | tonight | tomorrow | tmrw
      | (?:early|late|later|end\ of|sometime|the\ middle\ of)?\s?
        (?:this|next|coming|the\ following|following)
        \s(?:week(?:end)?|month|quarter|fortnight|year|{_WEEKDAY}|{_MONTH}|{_PART}|few\ days)
      | (?:with)?in\ (?:the\ next\ )?{_COUNT}\ (?:minutes?|mins?|hours?|days?|weeks?|months?)(?:\ time)?
      | (?:in\ )?the\ week\ (?:of|after)
      | (?:the\ )?(?:first|end|beginning|start)\ (?:thing|of\ (?:the\ )?(?:day|week|month))
      | (?:in\ the\ )?(?:early\ |late\ |mid-?)?{_PART}
      | {_FULL_WEEKDAY} | (?:mon|tues?|wed|thur?s?|fri)(?=[\s,.!?]|\Z)
      | \d{{1,2}}(?:st|nd|rd|th)?\ (?:of\ )?{_MONTH}\b(?:,?\ 20\d\d)?
      | {_MONTH}\ \d{{1,2}}(?:st|nd|rd|th)?\b(?:,?\ 20\d\d)?
      | the\ \d{{1,2}}(?:st|nd|rd|th)
      | \d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})?
      | {_CLOCK}
      | (?:between|from)\ \d{{1,2}}(?::\d\d)?\ (?:and|to|till|until)
        \ (?:{_CLOCK}|\d{{1,2}}\b(?!\s?(?:min|hour|h\b)))
      | (?:at|after|before|around|until|by|to)\ \d{{1,2}}
        (?![\d:.,/-]*\d|\s?(?:min|hour|h\b|%|people|person|days?|weeks?|of\b|{_MONTH}))
      | as\ soon\ as\ possible | asap | (?:at\ )?any\ ?time | sometime\ soon
      | whenever\ (?:it\ )?suits | soonest
    )(?!\w)(?!['’]s\ (?!meeting|call|booking|appointment|chat|session))""",
    re.IGNORECASE | re.VERBOSE,
)
_ZONE = re.compile(
    r"\b(?:(?P<iana>[A-Z][A-Za-z]{2,13}/[A-Z][A-Za-z_]{2,20}(?:/[A-Z][A-Za-z_]{2,20})?)"
    r"|(?P<utc>UTC|GMT)\b|(?P<city>[A-Z][a-z]{2,15}(?: [A-Z][a-z]{2,15}){0,2}) time\b)"
)
_GLUE = re.compile(
    r"(?:\s|,|\bon\b|\bat\b|\bin\b|\bthe\b|\bor\b|\band\b|\bfrom\b|\bbetween\b|\bafter\b|\bbefore\b|\bby\b|\buntil\b"
    r"|\baround\b|\babout\b|-|–|\bof\b){1,8}"
)
_TO = re.compile(r"\s(?:to|till|until|-|–)\s", re.IGNORECASE)
_LEAD = re.compile(
    r"\b(?:(?P<kept>before|after|by|from|between|around|at|until|in)|(?P<left>on|for))\s+(?:the\s+)?\Z", re.I
)
_ABOUT_IT = re.compile(r"\b(?:the|our|my|your|their|a|an|last|about|regarding|re)\s+\Z", re.IGNORECASE)
_NUMBER = {
    **dict.fromkeys(("a", "an", "one"), 1),
    "two": 2, "three": 3, "four": 4, "ten": 10, "fifteen": 15, "twenty": 20, "twenty-five": 25, "thirty": 30,
    "forty": 40, "forty-five": 45, "fifty": 50, "sixty": 60, "ninety": 90,
}  # fmt: skip
_LENGTH = re.compile(
    r"""\b(?:
        (?P<half>(?:an?\ )?half(?:\ an?)?[\s-]hour) | (?P<quarter>(?:a\ )?quarter\ of\ an\ hour)
      | (?P<and_half>(?:an?|one)\ hour\ and\ a\ half|one\ and\ a\ half\ hours)
      | (?P<number>\d{1,3}(?:[.,]5)?|an?|one|two|three|four|ten|fifteen|twenty(?:[\s-]five)?|thirty
          |forty(?:[\s-]five)?|fifty|sixty|ninety)[\s-]?(?P<unit>minutes?|mins?|hours?|hrs?|h)
      | (?P<long>hour)-long
    )\b(?!\ (?:before|after|ago|earlier|later|in\ advance|notice))""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a message. `start` is where its preposition begins, `words` are without "on" and "for"."""

    start: int
    end: int
    words: str
    whole: str


@dataclass(frozen=True, slots=True)
class Told:
    """masked: the message with ⟨t⟩ and ⟨d⟩ in place of what is here. minutes: None where none were said, or
    more or less than a meeting may take."""

    masked: str
    times: tuple[Span, ...]
    minutes: int | None
    tz: str | None


def told_in(text: str, *, apart: bool = False) -> Told:
    """When and how long. apart: "from Tuesday to Friday" are two times, as where something is moved."""
    times = list(_times(text, apart=apart))
    lengths = [found for found in _LENGTH.finditer(text) if not _inside(found, times)]
    minutes = next((amount for found in lengths if SHORTEST <= (amount := _minutes(found)) <= LONGEST), None)
    cuts = [(one.start, one.end, TIME) for one in times]
    cuts += [(found.start(), found.end(), LENGTH) for found in lengths]
    return Told(_masked(text, sorted(cuts)), tuple(times), minutes, zone_in(text))


def window_of(told: Told) -> str:
    """All times that were said, as the calendar takes them: in the person's words, without a zone."""
    return without_zone(" ".join(one.words for one in told.times))[:200]


def zone_in(text: str) -> str | None:
    """The IANA zone that is named: by its name, by "London time", or UTC."""
    for found in _ZONE.finditer(text):
        if found["utc"]:
            return "UTC"
        named = found["iana"] or _cities().get((found["city"] or "").casefold())
        if named in available_timezones():
            return named
    return None


def _times(text: str, *, apart: bool) -> Iterator[Span]:
    pieces = [(one.start(), one.end()) for one in _PIECE.finditer(text) if not _is_of_something(text, one)]
    zones = [one.span() for one in _ZONE.finditer(text) if zone_in(one.group())]
    run: tuple[int, int] | None = None
    found: list[tuple[int, int]] = sorted([*pieces, *(zones if pieces else [])])
    for start, end in found:
        if run and start < run[1]:
            run = run[0], max(end, run[1])
        elif run and _joined(text[run[1] : start], apart=apart):
            run = run[0], end
        else:
            if run:
                yield _span(text, run)
            run = start, end
    if run:
        yield _span(text, run)


def without_zone(words: str) -> str:
    """The words of a time, where the zone goes beside them."""
    return " ".join(_ZONE.sub(lambda one: " " if zone_in(one.group()) else one.group(), words).split())


def _joined(gap: str, *, apart: bool) -> bool:
    return len(gap) <= 16 and bool(_GLUE.fullmatch(gap) or (not apart and _TO.fullmatch(gap)))


_BARE = re.compile(rf"{_PART}", re.IGNORECASE)
_OF_A_DAY = re.compile(
    rf"(?:tomorrow|today|{_FULL_WEEKDAY}|{_MONTH}|\d|at|by|before|after|until|or|and|,)\W*\Z", re.IGNORECASE
)


def _is_of_something(text: str, piece: re.Match[str]) -> bool:
    """ "the Friday release", "our morning routine": a thing's name, no time for a meeting."""
    if _BARE.fullmatch(piece.group()) and not _OF_A_DAY.search(
        text[max(0, piece.start() - 14) : piece.start()]
    ):
        return True  # "night ratings", "morning tea"
    before = _ABOUT_IT.search(text[max(0, piece.start() - 12) : piece.start()])
    after = re.match(r"\s+([a-z][\w-]+)", text[piece.end() : piece.end() + 30])
    if before is None or after is None or piece.group().lower().startswith("the "):
        return False
    return after[1] not in _GOES_ON


_GOES_ON = frozenset(
    """at on in or and with about from to for before after between until please meeting call booking
    appointment session chat slot catch-up demo regarding if
    """.split()  # noqa: SIM905  a list of words to read
)


def _span(text: str, run: tuple[int, int]) -> Span:
    start, end = run
    lead = _LEAD.search(text[max(0, start - 14) : start])
    begins = start - len(lead.group()) if lead else start
    kept = begins if lead and lead["kept"] else start
    return Span(begins, end, text[kept:end].strip(), text[begins:end].strip())


def _inside(found: re.Match[str], times: list[Span]) -> bool:
    return any(found.start() < one.end and one.start < found.end() for one in times)


def _minutes(found: re.Match[str]) -> int:
    if found["half"]:
        return 30
    if found["quarter"]:
        return 15
    if found["and_half"]:
        return 90
    if found["long"]:
        return 60
    number = found["number"].lower().replace(" ", "-").replace(",", ".")
    amount = _NUMBER[number] if number in _NUMBER else float(number)
    return round(amount * (1 if found["unit"].lower().startswith("m") else 60))


def _masked(text: str, cuts: list[tuple[int, int, str]]) -> str:
    parts: list[str] = []
    at = 0
    for start, end, mask in cuts:
        if start < at:
            continue
        parts += text[at:start], f" {mask} "
        at = end
    return " ".join("".join([*parts, text[at:]]).split())


_AREAS = frozenset(("Africa", "America", "Asia", "Atlantic", "Australia", "Europe", "Pacific"))


@cache
def _cities() -> dict[str, str]:
    """The last part of a zone's name, where one zone alone has it."""
    known: dict[str, list[str]] = {}
    for name in available_timezones():
        area, _, city = name.rpartition("/")
        if area.partition("/")[0] in (
            "Africa",
            "America",
            "Asia",
            "Atlantic",
            "Australia",
            "Europe",
            "Pacific",
        ):
            known.setdefault(city.replace("_", " ").casefold(), []).append(name)
    return {city: names[0] for city, names in known.items() if len(names) == 1}
