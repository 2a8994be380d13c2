"""Clock times in what people say: "3pm", "at half past two", "between 2 and 4", "after 15:00"."""

import re
from dataclasses import dataclass
from datetime import time
from typing import Final

from tools.servers.contact.times.shapes import PartOfDay

_IN_WORDS: Final = r"noon|midday|(?:half past|quarter past|quarter to) \w+"
_DIGITS: Final = r"\d{1,2}(?:[:.]\d{2})?"
_HALF: Final = r" ?(?:[ap]\.?m\b\.?|o'clock)"
_AT: Final = rf"(?:{_IN_WORDS}|{_DIGITS}(?:{_HALF})?)"
_NAMED: Final = rf"(?:{_IN_WORDS}|{_DIGITS}{_HALF}|\d{{1,2}}:\d{{2}})"
_MONTH: Final = r"(?: (?:of )?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))"
_ENDS: Final = rf"(?=\s|$)(?!{_MONTH})"
_RANGE: Final = re.compile(
    rf"(?:\bbetween (?P<a>{_AT}) and (?P<b>{_AT})|\bfrom (?P<c>{_AT}) ?(?:to|until|till|-) ?(?P<d>{_AT})"
    rf"|(?:\bat )?(?<![\d-])(?P<e>{_AT}) ?(?:-|to|until|till) ?(?P<f>{_NAMED})){_ENDS}"
)
_AFTER: Final = re.compile(rf"\b(?:after|from|not before|any time after) (?P<at>{_AT})(?: onwards?)?{_ENDS}")
_BEFORE: Final = re.compile(rf"\b(?:before|until|till|by|not after) (?P<at>{_AT}){_ENDS}")
_EXACT: Final = re.compile(
    rf"(?:(?:\b(?:at|around|about|circa|say) )+(?P<bare>{_AT})|(?<![\w-])(?P<named>{_NAMED})){_ENDS}"
)
_HOURS: Final = (
    *("one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
_FORM: Final = re.compile(r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))? ?(?P<half>[ap])?")
_OPEN_FROM, _OPEN_TO = 8, 18


@dataclass(frozen=True, slots=True)
class Clock:
    """at: one time. Else a range: after, before, or both."""

    at: time | None = None
    after: time | None = None
    before: time | None = None


def clock_words(said: str, part: PartOfDay | None) -> tuple[Clock | None, str]:
    """What the clock words of it mean, and the rest of it. Raises ValueError for a time that no clock shows,
    and for one of which nobody can tell whether it is in the morning."""
    if found := _RANGE.search(said):
        first, second = [one for one in found.groups() if one is not None]
        after, before = _two(first, second, part)
        return Clock(after=after, before=before), _without(said, found)
    if found := _AFTER.search(said):
        return Clock(after=_one(found["at"], part)), _without(said, found)
    if found := _BEFORE.search(said):
        return Clock(before=_one(found["at"], part)), _without(said, found)
    if found := _EXACT.search(said):
        return Clock(at=_one(found["bare"] or found["named"], part)), _without(said, found)
    return None, said


def _without(said: str, found: re.Match[str]) -> str:
    return " ".join(f"{said[: found.start()]} {said[found.end() :]}".split())


def _two(first: str, second: str, part: PartOfDay | None) -> tuple[time, time]:
    """ "2-4pm" is the afternoon; "10-2pm" begins in the morning; "11 to 1" is over noon."""
    before = _one(second, part)
    half = "pm" if before.hour >= 12 else "am"
    bare = re.fullmatch(r"\d{1,2}(?:[:.]\d{2})?", first.strip())
    if bare and re.search(r"[ap]\.?m", second):
        same = _one(f"{first.strip()}{half}", None)
        after = same if same < before else _one(f"{first.strip()}am", None)
    else:
        after = _one(first, part)
    if after >= before:
        raise ValueError("it ends before it begins")
    return after, before


def _one(said: str, part: PartOfDay | None) -> time:
    said = said.strip().replace("o'clock", "").strip()
    if said in {"noon", "midday"}:
        return time(12)
    if " " in said and not said[0].isdigit():
        return _spoken(said, part)
    found = _FORM.match(said)
    if found is None:
        raise ValueError("no time")
    hour, minute = int(found["hour"]), int(found["minute"] or 0)
    if found["half"]:
        if not 1 <= hour <= 12:
            raise ValueError("no hour of half a day")
        return time(hour % 12 + (12 if found["half"] == "p" else 0), minute)
    if found["minute"] and (hour == 0 or len(found["hour"]) == 2 or hour > 12):
        return time(hour, minute)
    return time(_within_a_day(hour, part), minute)


def _within_a_day(hour: int, part: PartOfDay | None) -> int:
    if hour > 12 or hour == 0:
        # "at 15": a clock of 24 hours
        return hour
    if part == "morning":
        return hour
    if part in {"afternoon", "evening"}:
        return hour % 12 + 12
    within = {one for one in (hour, hour % 12 + 12) if _OPEN_FROM <= one <= _OPEN_TO}
    if len(within) != 1:
        raise ValueError("morning or evening?")
    return within.pop()


def _spoken(said: str, part: PartOfDay | None) -> time:
    """half past two, quarter to 3"""
    how, word = said.rsplit(" ", 1)
    hour = _HOURS.index(word) + 1 if word in _HOURS else int(word)
    if not 1 <= hour <= 12:
        raise ValueError("no hour of half a day")
    if how == "quarter to":
        # the hour before it: quarter to 1 is 12:45
        return time((_within_a_day(hour, part) - 1) % 24, 45)
    return time(_within_a_day(hour, part), 30 if how == "half past" else 15)
