"""A form's field as Slack's input element, and what was filled in there (SPEC 5; Block Kit)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from bot.core.asking import Field, NotUnderstood, Option, understood
from bot.core.filling import Slot, option_at, slots
from bot.slack.blocks import LABEL, OPTION, Block, plain, section
from bot.slack.text import escaped, neutral
from kit.wire.interactions import Interaction

Json = dict[str, Any]
ACTION: Final = "value"
FEW: Final = 10
"""Options that radio buttons and checkboxes hold."""
TEXT: Final = 3_000
"""Characters that somebody may type, and of a section."""
_GROUP: Final = 100
_NUMBER: Final = 2**53
_LONG_TEXT: Final = 200
"""From this many characters on a text gets several lines."""
_NONE: Final = "none"
_YES_NO: Final = (("Yes", "true"), ("No", "false"))


def input_of(slot: Slot) -> Iterator[Block]:
    """Titles of options that are too long for their place stand whole above them."""
    field = slot.field
    if any(len(option.title) > OPTION for option in field.options):
        lines = (f"• {escaped(option.title)}" for option in field.options if len(option.title) > OPTION)
        yield section(_fitting([f"*{escaped(field.title)}*", *lines]))
    made: Block = {
        "type": "input",
        "block_id": slot.place,
        "label": plain(field.title, LABEL),
        "optional": slot.optional,
        "element": {"action_id": ACTION, **_element(field, slot.schema)},
    }
    yield {**made, "hint": plain(slot.hint, LABEL)} if slot.hint else made


def values_of(interaction: Interaction, state: Mapping[str, Any]) -> tuple[Json, dict[str, str]]:
    """{place: value} of Slack's state.values, and what is wrong: {place: sentence}."""
    values: Json = {}
    wrong: dict[str, str] = {}
    for slot in slots(interaction):
        try:
            values[slot.place] = _value(slot.field, given(state, slot.place))
        except NotUnderstood as error:
            wrong[slot.place] = str(error)
    return values, wrong


def given(state: Mapping[str, Any], place: str) -> Mapping[str, Any]:
    found = state.get(place)
    value = cast(Json, found).get(ACTION) if isinstance(found, dict) else None
    return cast(Json, value) if isinstance(value, dict) else {}


def _fitting(lines: Sequence[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(kept) + len(line) > TEXT - 2:
            return "\n".join([*kept, "…"])
        kept.append(line)
    return "\n".join(kept)


def _element(field: Field, schema: Json) -> Block:
    match field.kind:
        case "yes_no":
            return _yes_no(field)
        case "one_of":
            return _one_of(field)
        case "some_of":
            return _some_of(field, schema)
        case "number" | "integer":
            return _number(field, schema)
        case "date":
            return {"type": "datepicker", **_initial("initial_date", _date(field.default))}
        case "date_time":
            return {"type": "datetimepicker", **_initial("initial_date_time", _moment(field.default))}
        case _:
            return _text(field, schema)


def _text(field: Field, schema: Json) -> Block:
    default = field.default if isinstance(field.default, str) and len(field.default) <= TEXT else None
    initial = _initial("initial_value", neutral(default) if default else None)
    match schema.get("format"):
        case "email":
            return {"type": "email_text_input", **initial}
        case "uri":
            return {"type": "url_text_input", **initial}
        case _:
            longest = min(schema.get("maxLength", TEXT), TEXT)
            long = schema.get("maxLength", 0) > _LONG_TEXT or "\n" in (default or "")
            least = schema.get("minLength", 0)
            limits = {"max_length": longest} if longest > 0 else {}
            limits |= {"min_length": least} if 0 < least <= longest else {}
            return {"type": "plain_text_input", "multiline": long, **limits, **initial}


def _number(field: Field, schema: Json) -> Block:
    limits = [schema.get("minimum"), schema.get("maximum"), field.default]
    if any(isinstance(each, int | float) and abs(each) > _NUMBER for each in limits):
        return {"type": "plain_text_input", **_initial("initial_value", _digits(field.default))}
    return {
        "type": "number_input",
        "is_decimal_allowed": field.kind == "number",
        **_initial("initial_value", _digits(field.default)),
        **_initial("min_value", _digits(schema.get("minimum"))),
        **_initial("max_value", _digits(schema.get("maximum"))),
    }


def _yes_no(field: Field) -> Block:
    """Where an answer is required, no is one too: a box would read "optional"."""
    yes, no = ({"text": plain(word, OPTION), "value": value} for word, value in _YES_NO)
    if field.required:
        chosen = {True: yes, False: no}.get(field.default) if isinstance(field.default, bool) else None
        return {"type": "radio_buttons", "options": [yes, no], **_initial("initial_option", chosen)}
    ticked = {"initial_options": [yes]} if field.default is True else {}
    return {"type": "checkboxes", "options": [yes], **ticked}


def _one_of(field: Field) -> Block:
    options = _options(field.options)
    if not field.required and field.default is None:
        options = [{"text": plain("No choice", OPTION), "value": _NONE}, *options]
    chosen = [option for option, each in _paired(options, field) if each.value == field.default]
    initial = {"initial_option": chosen[0]} if chosen else {}
    if len(options) <= FEW:
        return {"type": "radio_buttons", "options": options, **initial}
    return {"type": "static_select", **_offered(options), **initial}


def _some_of(field: Field, schema: Json) -> Block:
    options = _options(field.options)
    default = field.default or ()
    chosen = [option for option, each in _paired(options, field) if each.value in default]
    initial = {"initial_options": chosen} if chosen else {}
    if len(options) <= FEW:
        return {"type": "checkboxes", "options": options, **initial}
    most = schema.get("maxItems", 0)
    limit = {"max_selected_items": most} if most > 0 else {}
    return {"type": "multi_static_select", **_offered(options), **limit, **initial}


def _options(options: Sequence[Option]) -> list[Block]:
    """Values by number: a tool's own may be of any length."""
    return [
        {"text": plain(option.title, OPTION), "value": str(number)} for number, option in enumerate(options)
    ]


def _paired(options: Sequence[Block], field: Field) -> Iterator[tuple[Block, Option]]:
    for option in options:
        if option["value"] != _NONE:
            yield option, field.options[int(option["value"])]


def _offered(options: Sequence[Block]) -> Block:
    if len(options) <= _GROUP:
        return {"options": list(options)}
    groups = [options[at : at + _GROUP] for at in range(0, len(options), _GROUP)]
    return {
        "option_groups": [
            {
                "label": plain(f"{at * _GROUP + 1} to {at * _GROUP + len(group)}", OPTION),
                "options": list(group),
            }
            for at, group in enumerate(groups)
        ]
    }


def _value(field: Field, given: Mapping[str, Any]) -> Any:
    """None: left out. Raises NotUnderstood."""
    match field.kind:
        case "yes_no":
            return _said_yes(field, given)
        case "one_of":
            return _chosen(field, given.get("selected_option"))
        case "some_of":
            return _several(field, given)
        case "date":
            return given.get("selected_date") or None
        case "date_time":
            moment = given.get("selected_date_time")
            return datetime.fromtimestamp(moment, UTC).isoformat() if isinstance(moment, int) else None
        case _:
            return _typed(field, given.get("value"))


def _said_yes(field: Field, given: Mapping[str, Any]) -> bool | None:
    """A box that is not ticked says no."""
    if not field.required:
        return bool(given.get("selected_options"))
    option = given.get("selected_option")
    return cast(Json, option).get("value") == "true" if isinstance(option, dict) else None


def _typed(field: Field, value: object) -> Any:
    text = value if isinstance(value, str) else ""
    if not text.strip() and field.kind == "text":
        # Whoever empties a field that was filled in before wants it empty.
        return "" if isinstance(field.default, str) and len(field.default) <= TEXT else None
    return understood(field, text) if text.strip() else None


def _chosen(field: Field, option: object) -> str | None:
    return option_at(field, cast(Json, option).get("value")) if isinstance(option, dict) else None


def _several(field: Field, given: Mapping[str, Any]) -> list[str] | None:
    options = cast(list[Any], given.get("selected_options") or [])
    chosen = [value for option in options if (value := _chosen(field, option)) is not None]
    return chosen or ([] if field.required or field.default is not None else None)


def _initial(name: str, value: object) -> Block:
    return {} if value is None else {name: value}


def _date(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _moment(value: object) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    stamp = int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    # Slack takes ten digits.
    return stamp if 1_000_000_000 <= stamp <= 9_999_999_999 else None


def _digits(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(value) if isinstance(value, int) else f"{value:f}".rstrip("0").rstrip(".")
