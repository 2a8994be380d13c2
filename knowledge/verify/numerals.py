"""Numbers and measures in one writing: half a year is 6 months, 2 weeks are 14 days, 5 p.m. is 17:00.

Works on the forms of `words_of`; only what is exactly the same is joined. Working days are never weeks.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal, InvalidOperation

_UNIT = {
    name: unit
    for unit, names in {
        "second": "second seconds sec secs",
        "minute": "minute minutes min mins",
        "hour": "hour hours hr hrs",
        "day": "day days",
        "week": "week weeks",
        "month": "month months",
        "year": "year years yr yrs",
    }.items()
    for name in names.split()
}
_MONTHS = frozenset(
    [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
    ]
)
_HALVES = {"year": "6 month", "hour": "30 minute", "day": "12 hour", "minute": "30 second"}
_QUARTERS = {"hour": "15 minute", "year": "3 month"}
_LARGER = {"million": 10**6, "billion": 10**9}
_TENTHS = frozenset(["20", "30", "40", "50", "60", "70", "80", "90"])
# Before these an article counts: "within a day", but not "three times a day".
_COUNTS_ARTICLE = frozenset(
    [
        "within",
        "in",
        "after",
        "for",
        "than",
        "least",
        "most",
        "about",
        "around",
        "under",
        "over",
        "by",
        "last",
        "lasts",
        "lasted",
        "take",
        "takes",
        "took",
        "taking",
        "before",
        "exceed",
        "is",
        "be",
        "of",
        "only",
        "approximately",
        "roughly",
        "nearly",
        "almost",
        "another",
        "have",
        "has",
        "get",
        "gets",
        "give",
        "gives",
        "up",
        "to",
        "until",
    ]
)
_FRACTIONS = {
    ("1", "3th"): "third",
    ("1", "4th"): "25",
    ("3", "4th"): "75",
    ("1", "5th"): "20",
    ("2", "5th"): "40",
    ("3", "5th"): "60",
    ("4", "5th"): "80",
    ("1", "10th"): "10",
}
_PLURAL_ORDINALS = {"thirds": "3th", "quarters": "4th", "fifths": "5th", "tenths": "10th"}
_AFTER_LENGTH = frozenset(["later", "earlier", "ago", "beforehand"])
# What can be counted with exactly; longer ones are codes.
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{1,10})?$")
_CODE = re.compile(r"0\d|\d{16}")
_CLOCK = re.compile(r"(\d{1,2})(?:[:.](\d\d))?$")

Rule = Callable[[Sequence[str], int], tuple[Sequence[str], int] | None]


def measured(forms: Sequence[str]) -> Iterator[tuple[tuple[str, ...], int]]:
    """Groups of forms in order: what to read instead, and how many forms it stands for."""
    at = 0
    while at < len(forms):
        found = next((made for rule in _RULES if (made := rule(forms, at))), None)
        made, used = found or ((forms[at],), 1)
        yield tuple(made), used
        at += used


def _at(forms: Sequence[str], at: int) -> str:
    return forms[at] if 0 <= at < len(forms) else ""


def _half(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    """half a year, half an hour, a quarter of an hour, quarter hour"""
    table = {"half": _HALVES, "quarter": _QUARTERS}.get(forms[at])
    if table is None:
        return None
    for skip in (("of", "an"), ("of", "a"), ("a",), ("an",), ()):
        end = at + 1 + len(skip)
        unit = _UNIT.get(_at(forms, end), "")
        if tuple(forms[at + 1 : end]) == skip and unit in table:
            return table[unit].split(), end + 1 - at
    return None


def _fortnight(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    return (("14", "day"), 1) if forms[at] == "fortnight" else None


def _dozen(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    return (("12",), 1) if forms[at] == "dozen" else None


def _fraction(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    """four fifths: 80 %"""
    second = _at(forms, at + 1)
    share = _FRACTIONS.get((forms[at], _PLURAL_ORDINALS.get(second, "")))
    return ((share, "%"), 2) if share and share != "third" else None


def _large(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    """2.5 million, 5 thousand (a form of its own: 1000), 200 k"""
    if not _NUMBER.match(forms[at]):
        return None
    following = _at(forms, at + 1)
    factor = {"k": 1000, "1000": 1000, "1000000": 10**6, "1000000000": 10**9, "100": 100}.get(
        following, _LARGER.get(following)
    )
    if factor is None or Decimal(forms[at]) >= factor:
        return None
    return (_plain(Decimal(forms[at]) * factor),), 2


def _compound(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    """twenty five; twenty-five"""
    following = _at(forms, at + 1)
    if forms[at] in _TENTHS and len(following) == 1 and following.isdigit() and following != "0":
        return (str(int(forms[at]) + int(following)),), 2
    return None


def _clock(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    """5 p.m., 5:30 pm, noon, midnight"""
    if forms[at] in ("noon", "midnight"):
        return ("12:00" if forms[at] == "noon" else "0:00",), 1
    match = _CLOCK.match(forms[at])
    half, used = _half_of_day(forms, at + 1)
    if not match or not half or not 1 <= int(match[1]) <= 12:
        return None
    hour = int(match[1]) % 12 + (12 if half == "p" else 0)
    return (f"{hour}:{match[2] or '00'}",), 1 + used


def _half_of_day(forms: Sequence[str], at: int) -> tuple[str, int]:
    one = _at(forms, at)
    if one in ("am", "pm"):
        return one[0], 1
    return (one, 2) if one in ("a", "p") and _at(forms, at + 1) == "m" else ("", 0)


def _leading_zero(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    """05:40"""
    match = re.fullmatch(r"0(\d:\d\d)", forms[at])
    return ((match[1],), 1) if match else None


def _date(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    """The 30th of June, June 30th: 30 June."""
    if not re.fullmatch(r"\d{1,2}th", forms[at]):
        return None
    plain = forms[at].removesuffix("th")
    if _at(forms, at + 1) in _MONTHS or _at(forms, at - 1) in _MONTHS:
        return (plain,), 1
    return ((plain,), 2) if _at(forms, at + 1) == "of" and _at(forms, at + 2) in _MONTHS else None


def _article(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    """within a day, after a year, for a week"""
    skip = 2 if _at(forms, at + 1) in ("full", "whole", "single") else 1
    unit = _UNIT.get(_at(forms, at + skip), "")
    if forms[at] not in ("a", "an", "one") or not unit:
        return None
    if _at(forms, at - 1) not in _COUNTS_ARTICLE and _at(forms, at + skip + 1) not in _AFTER_LENGTH:
        return None
    return _in_base("1", unit), skip + 1


def _one_of(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    """One of the six counts nothing."""
    return ((), 2) if forms[at] in ("1", "one") and _at(forms, at + 1) == "of" else None


def _two_durations(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    """two or three years, 8 to 15 months"""
    link, unit = _at(forms, at + 1), _UNIT.get(_at(forms, at + 3), "")
    if link not in ("or", "and", "to", "-") or unit not in ("week", "year"):
        return None
    if not (_NUMBER.match(forms[at]) and _NUMBER.match(_at(forms, at + 2))):
        return None
    return (_in_base(forms[at], unit)[0], link, *_in_base(forms[at + 2], unit)), 4


def _duration(forms: Sequence[str], at: int) -> tuple[Sequence[str], int] | None:
    unit = _UNIT.get(_at(forms, at + 1), "")
    return (_in_base(forms[at], unit), 2) if unit and _NUMBER.match(forms[at]) else None


def _in_base(number: str, unit: str) -> tuple[str, str]:
    """Weeks as days, years as months; hours as days and minutes as hours where they are whole ones."""
    value = Decimal(number)
    if unit == "week":
        return _plain(value * 7), "day"
    if unit == "year":
        return _plain(value * 12), "month"
    for small, factor, large in (("second", 60, "minute"), ("minute", 60, "hour"), ("hour", 24, "day")):
        if unit == small and value and value % factor == 0:
            return _in_base(_plain(value / factor), large)
    return _plain(value), unit


def _plain(value: Decimal) -> str:
    return format(value.normalize(), "f")


def canonical(number: str) -> str:
    """Without trailing zeros; "10th" for ordinals; times, versions and codes ("007") stay as they are."""
    if _CODE.match(number):
        return number
    ordinal = number.endswith("th")
    try:
        value = _plain(Decimal(number.removesuffix("th")))
    except InvalidOperation:  # 10:30, 1.2.3
        return number
    return value + "th" if ordinal else value


_RULES: tuple[Rule, ...] = (
    _half,
    _fortnight,
    _dozen,
    _fraction,
    _large,
    _compound,
    _clock,
    _leading_zero,
    _date,
    _article,
    _one_of,
    _two_durations,
    _duration,
)
