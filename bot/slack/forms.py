"""Forms as Slack modals, and what was filled in as the platform wants it (SPEC 5).

A field's block is `f<form>.<field>` by number, so that no name of a tool's can be too long or clash.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

from bot.core.asking import Field, NotUnderstood, Option, fields_of, understood
from bot.slack.blocks import (
    LABEL,
    OPTION,
    VIEW_BLOCKS,
    Block,
    action_id,
    actions,
    code,
    link_button,
    modal_of,
    packed,
    plain,
    quoted,
    section,
)
from bot.slack.exact import exact
from bot.slack.happened import ASK_MODAL, FILL_IN
from bot.slack.text import escaped, neutral, shortened
from kit.wire.interactions import Form, Interaction
from kit.wire.problem import FieldError

Json = dict[str, Any]
ACTION: Final = "value"
FEW: Final = 10
"""Options that radio buttons and checkboxes hold."""
_GROUP: Final = 100
_TEXT: Final = 3_000
_NUMBER: Final = 2**53
_LONG_TEXT: Final = 200
"""From this many characters on a text gets several lines."""
_NONE: Final = "none"
_QUESTION: Final = "question"
_YES_NO: Final = (("Yes", "true"), ("No", "false"))
_COMPLAINTS: Final = 4
_VIEW: Final = 150_000
"""Characters in one view, markup included: below what its payload may weigh."""
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "approval": ("Allow", "Back"),
    "choice": ("Choose", "Cancel"),
    "connect_account": ("I am done", "Cancel"),
}
"""Of the modal's buttons: submit, close."""


def modal(
    interaction: Interaction, about: Mapping[str, Any], wrong: Mapping[str, str] | None = None
) -> Block:
    """`about` goes into private_metadata beside the interaction's id; `wrong` ({block: sentence}, as
    `errors_of` says it) stands on top. Raises ValueError: Slack cannot show all of it."""
    complaints = [section(f":warning: {escaped(line)}") for line in _complaints(interaction, wrong or {})]
    blocks = [*complaints, *_blocks(interaction)]
    if not blocks or not fits(interaction) or len(blocks) > VIEW_BLOCKS:
        raise ValueError("Slack cannot show this form")
    submit, close = _WORDS.get(interaction.kind, ("Send", "Cancel"))
    return modal_of(
        interaction.title,
        blocks,
        submit=submit,
        close=close,
        callback=FILL_IN,
        about={**about, "interaction": str(interaction.id)},
    )


def waiting() -> Block:
    """Shown while the answer is on its way."""
    return modal_of("One moment", [section("One moment …")], callback=FILL_IN)


def done(text: str) -> Block:
    """How it ended: in place of the form."""
    return modal_of("Done", [section(escaped(shortened(text, 500)) or "Done.")], callback=FILL_IN)


def fits(interaction: Interaction) -> bool:
    """Slack can show all of it in one modal, with a complaint or two."""
    blocks = list(_blocks(interaction))
    return 0 < len(blocks) <= VIEW_BLOCKS - _COMPLAINTS and sum(map(weight, blocks)) <= _VIEW


def content_of(interaction: Interaction, state: Mapping[str, Any]) -> tuple[Json, dict[str, str]]:
    """`Respond.content`, and what is wrong: {block: sentence}. The platform checks the limits."""
    content: dict[str, Json] = {}
    wrong: dict[str, str] = {}
    for at, form in enumerate(interaction.forms):
        content[form.key] = {}
        for number, field in enumerate(fields_of(form)):
            block = _block_id(at, number)
            try:
                value = _value(field, _given(state, block))
            except NotUnderstood as error:
                wrong[block] = str(error)
                continue
            if value is not None:
                content[form.key][field.name] = value
    if len(interaction.forms) == 1:
        return content[interaction.forms[0].key], wrong
    return cast(Json, content), wrong


def errors_of(interaction: Interaction, errors: Sequence[FieldError]) -> dict[str, str]:
    """The platform's complaints at their fields; those that fit none at the first one."""
    blocks = dict(_named_blocks(interaction))
    first = next(iter(blocks.values()), None)
    wrong: dict[str, str] = {}
    for error in errors:
        if block := blocks.get(error.field):
            wrong.setdefault(block, error.message)
        elif first:
            wrong.setdefault(first, f"{error.field}: {error.message}")
    return {block: shortened(sentence, 500) for block, sentence in wrong.items()}


def ask_modal(text: str, about: Mapping[str, Any]) -> Block:
    """What to ask about a message; `text` is what the message says."""
    element: Block = {
        "type": "plain_text_input",
        "action_id": ACTION,
        "multiline": True,
        "max_length": _TEXT,
        "focus_on_load": True,
        "placeholder": plain("What does this mean for me?", 150),
    }
    asked = {
        "type": "input",
        "block_id": _QUESTION,
        "label": plain("Your question", LABEL),
        "element": element,
    }
    shown = quoted(shortened(text, 1_000)) if text.strip() else []
    return modal_of(
        "Ask about this", [*shown, asked], submit="Ask", close="Cancel", callback=ASK_MODAL, about=about
    )


def asked_in(state: Mapping[str, Any]) -> str:
    given = _given(state, _QUESTION).get("value")
    return given.strip() if isinstance(given, str) else ""


def _blocks(interaction: Interaction) -> Iterator[Block]:
    for at, form in enumerate(interaction.forms):
        yield from quoted(form.message)
        if form.url:
            yield section("Open this page, and come back here:")
            yield from code(form.url)
            if link := link_button("Open the page", form.url, style="primary"):
                yield actions({**link, "action_id": action_id("connect", str(at))})
        if form.arguments is not None:
            yield section("*Exactly these arguments:*")
            yield from code(exact(form.arguments))
        for number, field in enumerate(fields_of(form)):
            yield from _input(field, _schema(form, field.name), _block_id(at, number))


def weight(block: Block) -> int:
    return len(packed(block))


def _complaints(interaction: Interaction, wrong: Mapping[str, str]) -> list[str]:
    named = {
        _block_id(at, number): field.title
        for at, form in enumerate(interaction.forms)
        for number, field in enumerate(fields_of(form))
    }
    lines = [f"{shortened(named.get(block, ''), 100)}: {said}" for block, said in wrong.items()]
    return [shortened(line.removeprefix(": "), 550) for line in lines[:_COMPLAINTS]]


def _input(field: Field, schema: Json, block: str) -> Iterator[Block]:
    if any(len(option.title) > OPTION for option in field.options):
        lines = (f"• {escaped(option.title)}" for option in field.options if len(option.title) > OPTION)
        yield section(shortened_lines([f"*{escaped(field.title)}*", *lines]))
    made: Block = {
        "type": "input",
        "block_id": block,
        "label": plain(field.title, LABEL),
        "optional": _is_optional(field, schema),
        "element": {"action_id": ACTION, **_element(field, schema)},
    }
    hint = _hint(field, schema)
    yield {**made, "hint": plain(hint, LABEL)} if hint else made


def shortened_lines(lines: Sequence[str]) -> str:
    kept: list[str] = []
    for line in lines:
        if sum(map(len, kept)) + len(kept) + len(line) > _TEXT - 2:
            return "\n".join([*kept, "…"])
        kept.append(line)
    return "\n".join(kept)


def _is_optional(field: Field, schema: Json) -> bool:
    """An empty choice of several is a choice where it may be."""
    if field.kind == "some_of":
        return not (field.required and schema.get("minItems", 0) > 0)
    return not field.required


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
    default = field.default if isinstance(field.default, str) and len(field.default) <= _TEXT else None
    initial = _initial("initial_value", neutral(default) if default else None)
    match schema.get("format"):
        case "email":
            return {"type": "email_text_input", **initial}
        case "uri":
            return {"type": "url_text_input", **initial}
        case _:
            longest = min(schema.get("maxLength", _TEXT), _TEXT)
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


_LIMITS: Final = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
}


def _hint(field: Field, schema: Json) -> str:
    limits = [said.format(schema[name]) for name, said in _LIMITS.items() if name in schema]
    text = field.description.strip()
    if not limits:
        return text
    limit = ", ".join(limits)
    return f"{text} ({limit})" if text else f"{limit[0].upper()}{limit[1:]}."


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
        return "" if isinstance(field.default, str) and len(field.default) <= _TEXT else None
    return understood(field, text) if text.strip() else None


def _chosen(field: Field, option: object) -> str | None:
    value = cast(Json, option).get("value") if isinstance(option, dict) else None
    if not isinstance(value, str) or not value.isdecimal() or int(value) >= len(field.options):
        return None
    return field.options[int(value)].value


def _several(field: Field, given: Mapping[str, Any]) -> list[str] | None:
    options = cast(list[Any], given.get("selected_options") or [])
    chosen = [value for option in options if (value := _chosen(field, option)) is not None]
    return chosen or ([] if field.required or field.default is not None else None)


def _given(state: Mapping[str, Any], block: str) -> Mapping[str, Any]:
    found = state.get(block)
    value = cast(Json, found).get(ACTION) if isinstance(found, dict) else None
    return cast(Json, value) if isinstance(value, dict) else {}


def _named_blocks(interaction: Interaction) -> Iterator[tuple[str, str]]:
    alone = len(interaction.forms) == 1
    for at, form in enumerate(interaction.forms):
        for number, field in enumerate(fields_of(form)):
            yield (field.name if alone else f"{form.key}.{field.name}"), _block_id(at, number)


def _block_id(form: int, field: int) -> str:
    return f"f{form}.{field}"


def _schema(form: Form, name: str) -> Json:
    return cast(Json, form.requested_schema["properties"][name])


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
