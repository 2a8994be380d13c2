"""Days in what people say: "tomorrow", "next Tuesday", "the week of 7 December", "in two weeks"."""

import re
from calendar import isleap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)
_WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS: Final = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_NUMBERS: Final = {
    **{
        "a": 1,
        "an": 1,
        "one": 1,
        "two": 2,
        "couple of": 2,
        "a couple of": 2,
        "three": 3,
        "a few": 3,
        "four": 4,
    },
    **{"five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12},
    **{"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "forty-five": 45, "fifty": 50, "sixty": 60},
    "ninety": 90,
}
_COUNTS: Final = "an?|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_N: Final = rf"(a couple of|couple of|a few|{_COUNTS}|\d{{1,2}})"
_WD: Final = (
    r"(mon(?:day)?|tue(?:s|sday)?|wed(?:s|nesday)?|thu(?:r|rs|rsday)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)"
)
_MO: Final = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DD: Final = r"(?:the )?(\d{1,2})(?:st|nd|rd|th)?"
_YYYY: Final = r"(?: (\d{4}))?"
_BETWEEN: Final = (
    (r"(?:between |from )?(.+?) ?(?:-|to|until|till|and|through) ?(.+)", 31),
    (r"(.+) or (.+)", 1),
)
"""How two days are joined, and how many days they may lie apart then."""


@dataclass(frozen=True, slots=True)
class Days:
    """Half-open."""

    first: date
    last: date


def number(word: str) -> int:
    """Raises ValueError for what is none."""
    if word in _NUMBERS:
        return _NUMBERS[word]
    return int(word)


def days(said: str, today: date) -> Days | None:
    """All of it, or None. Raises ValueError for a date that no calendar has."""
    bare = re.sub(r"^(?:on|in|at|during|within|for|over) ", "", said)
    return _said(bare, today) or _bounded(bare, today) or _several(bare, today)


def _said(said: str, today: date) -> Days | None:
    for pattern, meaning in _SAYINGS:
        if found := pattern.fullmatch(said):
            return meaning(found.groups(), today)
    return None


def _bounded(said: str, today: date) -> Days | None:
    """ "by Friday" ends with it, "before Friday" before it; "from Monday" and "after Monday" are a week."""
    found = re.fullmatch(r"(by|until|till|before|from|starting|after) (?:on )?(.+?)(?: onwards?)?", said)
    named = _said(found[2], today) if found else None
    if found is None or named is None:
        return None
    if found[1] in {"from", "starting", "after"}:
        return _weeks_from(named.last if found[1] == "after" else named.first)
    return Days(today, named.first if found[1] == "before" else named.last)


def _several(said: str, today: date) -> Days | None:
    """ "Monday to Wednesday"; "Tuesday or Wednesday", since they lie side by side."""
    whole = re.fullmatch(r"(.+?) ((?:of )?(?:next|this) week)", said)
    said, week = (whole[1], f" {whole[2]}") if whole else (said, "")
    for pattern, apart in _BETWEEN:
        if found := re.fullmatch(pattern, said):
            first = _one(found[1] + week, today)
            second = _one(found[2] + week, today if week or first is None else first.first)
            if first and second and timedelta() < second.first - first.first <= apart * _DAY:
                return Days(first.first, second.last)
    return None


def _one(said: str, today: date) -> Days | None:
    found = _said(re.sub(r"^on ", "", said.strip()), today)
    return found if found and found.last - found.first == _DAY else None


Meaning = Callable[[Sequence[str | None], date], Days | None]


def _day(day: date) -> Days:
    return Days(day, day + _DAY)


def _monday(day: date) -> date:
    return day - day.weekday() * _DAY


def _weeks_from(start: date) -> Days:
    return Days(start, start + _WEEK)


def _week_with(day: date) -> Days:
    return _weeks_from(_monday(day))


def _weekday(word: str | None) -> int:
    return next(at for at, name in enumerate(_WEEKDAYS) if word and name.startswith(word[:3]))


def _month(word: str | None) -> int:
    return next(at for at, name in enumerate(_MONTHS, 1) if word and name.startswith(word[:3]))


def _coming(weekday: int, today: date) -> date:
    return today + (weekday - today.weekday()) % 7 * _DAY


def _of_week(which: str | None, weekday: int, today: date) -> Days:
    if which == "next":
        return _day(_monday(today) + _WEEK + weekday * _DAY)
    return _day(_coming(weekday, today))


def _dated(day: str | None, month: int, year: str | None, today: date) -> date:
    """Without a year, the next one to come. Raises ValueError."""
    wanted = int(day or 1)
    if year:
        return date(int(year), month, wanted)
    if (month, wanted) == (2, 29):
        return date(_leap(today), month, wanted)
    this = date(today.year, month, wanted)
    return this if this >= today else this.replace(year=this.year + 1)


def _leap(today: date) -> int:
    """The year of the next 29 February. Between two there are eight years at most."""
    years = range(today.year, today.year + 9)
    return next(year for year in years if isleap(year) and date(year, 2, 29) >= today)


def _numeric(groups: Sequence[str | None], today: date) -> Days | None:
    """25/12 and 12/25 are one day; 7/12 is two, depending on where one comes from."""
    first, second = int(groups[0] or 0), int(groups[1] or 0)
    if first != second and first <= 12 and second <= 12:
        return None
    day, month = (first, second) if first > 12 else (second, first)
    return _day(_dated(str(day), month, groups[2], today))


def _of_month(groups: Sequence[str | None], today: date) -> Days:
    """The 7th: of this month, or of the next that has one."""
    wanted, year, month = int(groups[0] or 0), today.year, today.month
    if not 1 <= wanted <= 31:
        raise ValueError("no day of a month")
    while not (wanted <= _length(year, month) and date(year, month, wanted) >= today):
        year, month = year + month // 12, month % 12 + 1
    return _day(date(year, month, wanted))


def _length(year: int, month: int) -> int:
    found = _month_days(year, month)
    return (found.last - found.first).days


def _month_days(year: int, month: int) -> Days:
    return Days(date(year, month, 1), date(year + month // 12, month % 12 + 1, 1))


def _whole_month(groups: Sequence[str | None], today: date) -> Days:
    month = _month(groups[0])
    year = int(groups[1]) if groups[1] else today.year + (month < today.month)
    return _month_days(year, month)


def _part_of_week(groups: Sequence[str | None], today: date) -> Days:
    monday = _monday(today) + (_WEEK if groups[1] == "next" else timedelta())
    first, last = _EDGES[groups[0] or ""]
    return Days(monday + first * _DAY, monday + last * _DAY)


_EDGES: Final = {
    **dict.fromkeys(("beginning", "start", "early"), (0, 2)),
    **dict.fromkeys(("middle", "mid"), (1, 4)),
    **dict.fromkeys(("end", "late", "later"), (3, 5)),
}


def _date_range(
    two: tuple[str | None, str | None], month: str | None, year: str | None, today: date
) -> Days | None:
    first = _dated(two[0], _month(month), year, today)
    last = first.replace(day=int(two[1] or 0))
    return Days(first, last + _DAY) if last > first else None


def _checked(weekday: str | None, day: date) -> Days | None:
    """ "Monday 8 December" where the 8th is a Tuesday: somebody is wrong, so ask."""
    return None if weekday is not None and day.weekday() != _weekday(weekday) else _day(day)


_WEEK_OF: Final = r"(?:the )?week (?:of|from|beginning|starting|commencing)(?: on)? (?:monday )?"
_EDGE: Final = r"(?:the )?(beginning|start|early|middle|mid|end|late|later)(?: in| of)?[ -](?:the )?"
_NEXT: Final = r"(?:the )?(?:next|coming|following)"
_TO: Final = r" ?(?:-|to|until|and) ?"

_MEANINGS: Final[tuple[tuple[str, Meaning], ...]] = (
    (r"today", lambda g, t: _day(t)),
    (r"tomorrow", lambda g, t: _day(t + _DAY)),
    (r"(?:the )?day after tomorrow|overmorrow", lambda g, t: _day(t + 2 * _DAY)),
    (rf"(?:(this|coming|this coming|next) )?{_WD}", lambda g, t: _of_week(g[0], _weekday(g[1]), t)),
    (
        rf"{_WD} (?:of )?next week|next week (?:on )?{_WD}",
        lambda g, t: _of_week("next", _weekday(g[0] or g[1]), t),
    ),
    (
        rf"{_WD} (?:of )?this week|this week (?:on )?{_WD}",
        lambda g, t: _day(_monday(t) + _weekday(g[0] or g[1]) * _DAY),
    ),
    (rf"(?:a )?week on {_WD}|{_WD} week", lambda g, t: _day(_coming(_weekday(g[0] or g[1]), t) + _WEEK)),
    (r"tomorrow week|(?:a )?week tomorrow", lambda g, t: _day(t + _DAY + _WEEK)),
    (r"this week|(?:the )?rest of (?:this|the) week", lambda g, t: Days(t, _monday(t) + _WEEK)),
    (r"(?:the )?next week", lambda g, t: _week_with(t + _WEEK)),
    (r"(?:the )?week after next", lambda g, t: _week_with(t + 2 * _WEEK)),
    (r"this or next week|this week or next(?: week)?", lambda g, t: Days(t, _monday(t) + 2 * _WEEK)),
    (r"this weekend|(?:the )?weekend", lambda g, t: Days(_monday(t) + 5 * _DAY, _monday(t) + _WEEK)),
    (rf"{_WEEK_OF}{_DD} (?:of )?{_MO}{_YYYY}", lambda g, t: _week_with(_dated(g[0], _month(g[1]), g[2], t))),
    (rf"{_WEEK_OF}{_MO} {_DD}{_YYYY}", lambda g, t: _week_with(_dated(g[1], _month(g[0]), g[2], t))),
    (rf"{_WEEK_OF}{_DD}", lambda g, t: _week_with(_of_month(g, t).first)),
    (rf"{_EDGE}(this|next|the) ?week", _part_of_week),
    (rf"{_EDGE}week()", _part_of_week),
    (
        r"this month|(?:the )?rest of (?:this|the) month",
        lambda g, t: Days(t, _month_days(t.year, t.month).last),
    ),
    (r"(?:the )?next month", lambda g, t: _month_days(t.year + t.month // 12, t.month % 12 + 1)),
    (
        rf"(?:{_WD} )?(?:the )?{_DD} (?:of )?{_MO}{_YYYY}",
        lambda g, t: _checked(g[0], _dated(g[1], _month(g[2]), g[3], t)),
    ),
    (rf"(?:{_WD} )?{_MO} {_DD}{_YYYY}", lambda g, t: _checked(g[0], _dated(g[2], _month(g[1]), g[3], t))),
    (rf"{_WD} the (\d{{1,2}})(?:st|nd|rd|th)", lambda g, t: _checked(g[0], _of_month(g[1:], t).first)),
    (r"the (\d{1,2})(?:st|nd|rd|th)", _of_month),
    (r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?", _numeric),
    (r"(\d{4}-\d{2}-\d{2})", lambda g, t: _day(date.fromisoformat(g[0] or ""))),
    (
        rf"(?:from |between )?{_DD}{_TO}{_DD} (?:of )?{_MO}{_YYYY}",
        lambda g, t: _date_range((g[0], g[1]), g[2], g[3], t),
    ),
    (rf"{_MO} {_DD}{_TO}{_DD}{_YYYY}", lambda g, t: _date_range((g[1], g[2]), g[0], g[3], t)),
    (rf"{_MO}{_YYYY}", _whole_month),
    (rf"{_N} days?(?: time| from now)?", lambda g, t: _day(t + number(g[0] or "") * _DAY)),
    (rf"{_N} weeks?(?: time| from now)?", lambda g, t: _week_with(t + number(g[0] or "") * _WEEK)),
    (rf"{_NEXT} {_N} days", lambda g, t: Days(t, t + (number(g[0] or "") + 1) * _DAY)),
    (rf"{_NEXT} {_N} weeks", lambda g, t: Days(t, t + number(g[0] or "") * _WEEK + _DAY)),
    (rf"{_NEXT} few days", lambda g, t: Days(t, t + 4 * _DAY)),
    (rf"{_NEXT} few weeks", lambda g, t: Days(t, t + 3 * _WEEK)),
)
"""Each is tried against all that was said (after "on", "in" and the like); the first that fits."""
_SAYINGS: Final = tuple((re.compile(saying), meaning) for saying, meaning in _MEANINGS)
