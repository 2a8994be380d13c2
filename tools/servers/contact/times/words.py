"""What people say of time, in English, read as a whole: a word that is not understood makes all of it not
understood, since the wrong week is worse than one more question.

Read by convention, not guessed: a weekday is the next one to come; "next Tuesday" is that of next week, which
begins on a Monday; a bare hour is the one within a working day, 8 to 18 ("at 3" is 15:00, "at 7" neither).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from tools.servers.contact.times import dates, zones
from tools.servers.contact.times.clocks import Clock, clock_words
from tools.servers.contact.times.dates import Days
from tools.servers.contact.times.shapes import PARTS, PartOfDay, Window

LONGEST: Final = 200
_DAY = timedelta(days=1)
_SHORTEST = timedelta(minutes=15)
_FILLER: Final = re.compile(
    r"\b(?:please|sometime|some time|any ?time|whenever|preferably|ideally|maybe|perhaps|i think|"
    r"any day|if possible|works?|is fine|would be (?:good|fine|great)|suits me)\b|[!?.](?=\s|$)"
)
_PARTS: Final[dict[str, PartOfDay]] = {
    "morning": "morning",
    "mornings": "morning",
    "afternoon": "afternoon",
    "afternoons": "afternoon",
    "evening": "evening",
    "evenings": "evening",
    "night": "evening",
    "lunch": "lunch",
    "lunchtime": "lunch",
    "lunch time": "lunch",
    "after lunch": "afternoon",
    "before lunch": "morning",
}
_PART: Final = re.compile(
    r"\b(?:(?:in|on|during|at|over|around) )?(?:the )?"
    r"(after lunch|before lunch|lunch ?time|lunch|mornings?|afternoons?|evenings?|(?<=\w )night)\b"
)
_SOON: Final = re.compile(r"as soon as (?:possible|you can|we can)|asap|soon|at your earliest convenience")
_IN_HOURS: Final = re.compile(r"in (?:about )?(an?|one|two|three|four|\d{1,2}) hours?(?: time)?")
_ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO: Final = re.compile(r"[\dT:.+Zz/-]+(?: [\d:.+Zz-]+)?")


def window(text: str, now: datetime, tz: str) -> Window | None:
    """None: not understood, or in the past. tz: whose days and clock are meant. Raises UnknownZone."""
    place = zones.zone(tz)
    said = _plain(text)
    if not said or len(text) > LONGEST:
        return None
    try:
        found = _interval(text.strip(), place) or _spoken(said, now.astimezone(place), place)
    except (ValueError, OverflowError):
        # a date that no calendar has
        return None
    return _to_come(found, now) if found else None


def _plain(text: str) -> str:
    lowered = text.casefold().replace("’", "'").replace("–", "-").replace("—", "-")
    return " ".join(_FILLER.sub(" ", lowered.replace(",", " ")).split())


def _to_come(found: Window, now: datetime) -> Window | None:
    if found.around is not None and found.around <= now:
        return None
    start = max(found.start, now.astimezone(found.start.tzinfo))
    return replace(found, start=start) if start.astimezone(UTC) < found.end.astimezone(UTC) else None


def _interval(text: str, place: ZoneInfo) -> Window | None:
    """ISO 8601: a/b, a date, an instant. Raises ValueError for one that is no time."""
    first, slash, second = text.partition("/")
    if not _ISO_DAY.match(first) or not _ISO.fullmatch(text):
        return None
    if not slash and not _ISO_DAY.fullmatch(first):
        return _day_around(_instant(first, place), place)
    start = _instant(first, place)
    last = second or first
    if _ISO_DAY.fullmatch(last):
        end = zones.midnight(place, date.fromisoformat(last) + _DAY).astimezone(place)
    else:
        end = _instant(last, place)
    return Window(start, end) if start.astimezone(UTC) < end.astimezone(UTC) else None


def _instant(text: str, place: ZoneInfo) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        return zones.instant(place, at.date(), at.time()).astimezone(place)
    return at.astimezone(place)


def _day_around(at: datetime, place: ZoneInfo) -> Window:
    return replace(_of_days(Days(at.date(), at.date() + _DAY), place), around=at)


def _spoken(said: str, now: datetime, place: ZoneInfo) -> Window | None:
    if _SOON.fullmatch(said):
        return _of_days(Days(now.date(), now.date() + 7 * _DAY), place)
    if hours := _IN_HOURS.fullmatch(said):
        later = now.astimezone(UTC) + timedelta(hours=dates.number(hours[1]))
        return _day_around(later.astimezone(place), place)
    read = _read(said, now.date())
    return read.window(now, place) if read else None


def _read(said: str, today: date) -> "_Reading | None":
    """Part of a day, clock, days, each taken out of the rest. None where anything is left over."""
    taken = _part(said)
    if taken is None:
        return None
    part, rest = taken
    clock, rest = clock_words(rest, part)
    if not rest:
        return _Reading(today, clock, part, None)
    days = dates.days(rest, today)
    return _Reading(today, clock, part, days) if days else None


def _part(said: str) -> tuple[PartOfDay | None, str] | None:
    """None where two parts are named: "the morning or the evening" is no one window."""
    if said == "tonight" or said.startswith("tonight "):
        return "evening", said.replace("tonight", "today", 1)
    found = list(_PART.finditer(said))
    if len(found) > 1:
        return None
    if not found:
        return None, said
    rest = " ".join(f"{said[: found[0].start()]} {said[found[0].end() :]}".split())
    # "this morning" is today's
    return _PARTS[found[0][1]], "today" if rest == "this" else rest


@dataclass(frozen=True, slots=True)
class _Reading:
    """One saying taken apart. days: None where no day was named."""

    today: date
    clock: Clock | None
    part: PartOfDay | None
    days: Days | None

    def window(self, now: datetime, place: ZoneInfo) -> Window | None:
        days = self.days or self._unsaid_day(now, place)
        if self.clock is None:
            return replace(_of_days(days, place), part_of_day=self.part)
        if days.last - days.first > _DAY:
            # an hour of "some day next week" is no one time
            return None
        return self._by_clock(days, self.clock, place)

    def _unsaid_day(self, now: datetime, place: ZoneInfo) -> Days:
        """Today, or tomorrow where that has passed: "at 3pm", "in the afternoon"."""
        today = Days(self.today, self.today + _DAY)
        if self.clock:
            of_today = self._by_clock(today, self.clock, place)
            passed = of_today is None or (of_today.around or of_today.end) <= now
        else:
            passed = self.part is not None and now.time() >= PARTS[self.part][1]
        return Days(self.today + _DAY, self.today + 2 * _DAY) if passed else today

    def _by_clock(self, days: Days, clock: Clock, place: ZoneInfo) -> Window | None:
        day = _of_days(days, place)
        if clock.at is not None:
            return replace(day, around=zones.instant(place, days.first, clock.at).astimezone(place))
        start, end = day.start, day.end
        if clock.after is not None:
            start = zones.instant(place, days.first, clock.after).astimezone(place)
        if clock.before is not None:
            end = zones.instant(place, days.first, clock.before).astimezone(place)
        long_enough = end.astimezone(UTC) - start.astimezone(UTC) >= _SHORTEST
        return Window(start, end, self.part if clock.before is None else None) if long_enough else None


def _of_days(days: Days, place: ZoneInfo) -> Window:
    first, last = zones.midnight(place, days.first), zones.midnight(place, days.last)
    return Window(first.astimezone(place), last.astimezone(place))


_HOUR: Final = r"(?:hours?|hrs?|hr|h)"
_MINUTE: Final = r"(?:minutes?|mins?|min|m)"
_N: Final = r"(\d{1,3}(?:\.\d{1,2})?|[a-z]+(?:-[a-z]+)?)"
_LENGTHS: Final[tuple[tuple[str, Callable[[re.Match[str]], float]], ...]] = (
    (r"half an hour|(?:a )?half[ -]hour|1/2 (?:an )?hour", lambda _: 30),
    (r"(?:a )?quarter (?:of an )?hour", lambda _: 15),
    (r"three[ -]quarters of an hour", lambda _: 45),
    (r"(?:an|one|1) hour and a half", lambda _: 90),
    (r"(\w+) and a half hours", lambda m: dates.number(m[1]) * 60 + 30),
    (rf"{_N} ?{_HOUR} ?(?:and )?{_N}(?: ?{_MINUTE})?", lambda m: _number(m[1]) * 60 + _number(m[2])),
    (rf"{_N}[ -]?{_HOUR}", lambda m: _number(m[1]) * 60),
    (rf"{_N}[ -]?{_MINUTE}", lambda m: _number(m[1])),
    (r"pt(?:(\d{1,2})h)?(?:(\d{1,3})m)?", lambda m: int(m[1] or 0) * 60 + int(m[2] or 0)),
)
_AROUND_LENGTH: Final = re.compile(
    r"^(?:(?:for|about|around|roughly) )+(?:a (?=\d))?|^a (?=\d)|(?: long| meeting| call| chat)+$"
)


def duration(text: str) -> int | None:
    """Minutes, from 1 to a day. None: not understood."""
    said = _AROUND_LENGTH.sub("", _plain(text))
    for pattern, minutes in _LENGTHS:
        if found := re.fullmatch(pattern, said):
            try:
                length = minutes(found)
            except ValueError:
                continue
            return int(length) if length == int(length) and 1 <= length <= 24 * 60 else None
    return None


def _number(word: str) -> float:
    return float(word) if word[0].isdigit() else dates.number(word)
