"""A form's fields as inputs of a card, and what was filled in as the platform wants it (SPEC 5).

Inputs carry the field's place (`f0.1`) as their id; date with time is two of them (`f0.1.date`, `f0.1.time`).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, tzinfo
from datetime import date as day
from typing import Any, Final, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.core.asking import NotUnderstood, understood
from bot.core.filling import Slot, option_at, slots
from bot.core.plain import shortened
from bot.teams.cards.elements import Element, said
from bot.teams.cards.texts import escaped, plain
from kit.wire.interactions import Interaction

FEW: Final = 6
"""Options that stand open; more of them fold into a list."""
_LABEL, _OPTION = 200, 200
_LONG_TEXT: Final = 200
"""From this many characters on a text gets several lines."""
_NUMBER: Final = 2**53
_STYLES: Final = {"email": "Email", "uri": "Url"}
_YES, _NO = "true", "false"
Given = Mapping[str, Any]


def zone_of(name: str) -> tzinfo:
    """UTC for what is no zone."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def inputs(slot: Slot, given: Given, wrong: str, zone: str) -> Iterator[Element]:
    """The input, what it is for, and what is wrong with it. `given`: what was filled in before, by id."""
    yield from _inputs(slot, given, zone)
    # How long a text may be the input itself knows.
    known = {name: limit for name, limit in slot.schema.items() if name != "maxLength"}
    if hint := replace(slot, schema=known).hint:
        yield from said(shortened(hint, 600), subtle=True, spacing="None")
    if wrong:
        yield from said(f"⚠ {wrong}", color="attention", spacing="None")


def values(interaction: Interaction, given: Given, zone: str) -> tuple[dict[str, Any], dict[str, str]]:
    """{place: value} and {place: what is wrong with it}. The platform checks the limits."""
    found: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for slot in slots(interaction):
        try:
            value = _value(slot, given, zone)
        except NotUnderstood as error:
            wrong[slot.place] = str(error)
            continue
        if value is not None:
            found[slot.place] = value
    return found, wrong


def kept(interaction: Interaction, given: Given) -> dict[str, str]:
    """Of what an invoke brings, only what was filled in."""
    places = {slot.place for slot in slots(interaction)}
    ids = places | {f"{place}.{part}" for place in places for part in ("date", "time")}
    return {name: str(value) for name, value in given.items() if name in ids and isinstance(value, str | int)}


def _inputs(slot: Slot, given: Given, zone: str) -> Iterator[Element]:
    value = given.get(slot.place)
    match slot.field.kind:
        case "yes_no":
            yield _toggle(slot, value)
        case "one_of" | "some_of":
            yield _choices(slot, value)
        case "number" | "integer":
            yield _number(slot, value)
        case "date":
            yield {**_labelled(slot, "Input.Date"), **_initial(_date(value or slot.field.default))}
        case "date_time":
            yield from _moment(slot, given, zone)
        case _:
            yield _text(slot, value)


def _labelled(slot: Slot, kind: str, *, part: str = "", label: str = "") -> Element:
    title = plain(shortened(slot.field.title, _LABEL))
    made: Element = {
        "type": kind,
        "id": f"{slot.place}.{part}" if part else slot.place,
        "label": label or title,
    }
    if slot.optional:
        return made
    return {**made, "isRequired": True, "errorMessage": "Please fill this in."}


def _text(slot: Slot, value: object) -> Element:
    made = _labelled(slot, "Input.Text")
    default = value if isinstance(value, str) else slot.field.default
    longest = slot.schema.get("maxLength", 0)
    if longest > 0:
        made["maxLength"] = longest
    if style := _STYLES.get(slot.schema.get("format", "")):
        made["style"] = style
    elif longest > _LONG_TEXT or (isinstance(default, str) and "\n" in default):
        made["isMultiline"] = True
    return {**made, **_initial(default if isinstance(default, str) else None)}


def _number(slot: Slot, value: object) -> Element:
    limits = [slot.schema.get("minimum"), slot.schema.get("maximum")]
    default = _figure(value) if value not in (None, "") else slot.field.default
    if any(isinstance(each, int | float) and abs(each) > _NUMBER for each in [*limits, default]):
        shown = value if isinstance(value, str) else None if default is None else str(default)
        return {**_labelled(slot, "Input.Text"), **_initial(shown)}
    bounds = {name: limit for name, limit in zip(("min", "max"), limits, strict=True) if limit is not None}
    return {**_labelled(slot, "Input.Number"), **bounds, **_initial(default)}


def _figure(value: object) -> int | float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else number


def _toggle(slot: Slot, value: object) -> Element:
    """A box that is not ticked says no, so it is never required."""
    ticked = slot.field.default is True if value is None else str(value).lower() == _YES
    return {
        "type": "Input.Toggle",
        "id": slot.place,
        "title": escaped(slot.field.title, 2 * _LABEL),
        "valueOn": _YES,
        "valueOff": _NO,
        "value": _YES if ticked else _NO,
        "wrap": True,
    }


def _choices(slot: Slot, value: object) -> Element:
    """Values by number: a tool's own may be of any length, and several are joined by commas."""
    several = slot.field.kind == "some_of"
    folded = len(slot.field.options) > FEW
    # Folded lists are the system's own and read no Markdown.
    show = _folded_option if folded and not several else _escaped_option
    options = [
        {"title": show(option.title) or "–", "value": str(number)}
        for number, option in enumerate(slot.field.options)
    ]
    made: Element = {
        **_labelled(slot, "Input.ChoiceSet"),
        "choices": options,
        "style": "compact" if folded and not several else "expanded",
        "wrap": True,
    }
    if several:
        made["isMultiSelect"] = True
    return {**made, **_initial(value if isinstance(value, str) and value else _chosen(slot))}


def _folded_option(text: str) -> str:
    return plain(shortened(text, _OPTION))


def _escaped_option(text: str) -> str:
    return escaped(text, _OPTION)


def _chosen(slot: Slot) -> str | None:
    default = slot.field.default
    wanted = cast(list[Any], default) if isinstance(default, list) else [default]
    numbers = [str(at) for at, option in enumerate(slot.field.options) if option.value in wanted]
    return ",".join(numbers) or None


def _moment(slot: Slot, given: Given, zone: str) -> Iterator[Element]:
    title = plain(shortened(slot.field.title, _LABEL))
    default = _local(slot.field.default, zone)
    date = given.get(f"{slot.place}.date") or (default.date().isoformat() if default else None)
    clock = given.get(f"{slot.place}.time") or (default.strftime("%H:%M") if default else None)
    named = f"{title}: time ({plain(zone) if zone_of(zone) is not UTC else 'UTC'})"
    yield {**_labelled(slot, "Input.Date", part="date", label=f"{title}: day"), **_initial(_date(date))}
    yield {**_labelled(slot, "Input.Time", part="time", label=named), **_initial(_clock(clock))}


def _local(value: object, zone: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None:
        return None
    try:
        return moment.astimezone(zone_of(zone)) if moment.tzinfo else moment
    except OverflowError:
        return None


def _value(slot: Slot, given: Given, zone: str) -> Any:
    """None: left out. Raises NotUnderstood."""
    value = given.get(slot.place)
    match slot.field.kind:
        case "yes_no":
            return str(value).lower() == _YES
        case "one_of":
            return _option(slot, value)
        case "some_of":
            return _several(slot, value)
        case "date_time":
            return _joined(slot, given, zone)
        case "text":
            return _typed(slot, value)
        case _:
            return understood(slot.field, str(value)) if value not in (None, "") else None


def _typed(slot: Slot, value: object) -> str | None:
    text = value if isinstance(value, str) else ""
    # Whoever empties a field that was filled in before wants it empty.
    return text if text.strip() else "" if isinstance(slot.field.default, str) else None


def _option(slot: Slot, value: object) -> str | None:
    if value in (None, ""):
        return None
    chosen = option_at(slot.field, value)
    if chosen is None:
        raise NotUnderstood("Please choose one of these.")
    return chosen


def _several(slot: Slot, value: object) -> list[str] | None:
    numbers = [part for part in str(value or "").split(",") if part]
    chosen = [option for number in numbers if (option := option_at(slot.field, number)) is not None]
    return chosen or ([] if slot.field.required or slot.field.default is not None else None)


def _joined(slot: Slot, given: Given, zone: str) -> str | None:
    date, clock = (str(given.get(f"{slot.place}.{part}") or "") for part in ("date", "time"))
    if not date and not clock:
        return None
    if not date or not clock:
        raise NotUnderstood("Please give both, day and time.")
    try:
        moment = datetime.combine(day.fromisoformat(date), time.fromisoformat(clock))
    except ValueError as error:
        raise NotUnderstood("Please give day and time as 2026-07-28 and 14:30.") from error
    return moment.replace(tzinfo=zone_of(zone)).isoformat()


def _initial(value: object) -> Element:
    return {} if value is None else {"value": value}


def _date(value: object) -> str | None:
    try:
        return day.fromisoformat(value).isoformat() if isinstance(value, str) else None
    except ValueError:
        return None


def _clock(value: object) -> str | None:
    try:
        return time.fromisoformat(value).strftime("%H:%M") if isinstance(value, str) else None
    except ValueError:
        return None
