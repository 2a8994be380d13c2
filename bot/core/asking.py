"""What a form asks, field by field, as every channel renders it; and what was typed, as what it means.

The schema is the platform's neutral one (kit.wire.interactions.Form): flat fields, options with titles.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, cast

from kit.wire.interactions import Form

Kind = Literal["text", "number", "integer", "yes_no", "one_of", "some_of", "date", "date_time"]
CORRECTED = "Please correct this:"
"""How the description of a field begins that a tool asks for once more; its form holds what was given."""
_YES = frozenset({"y", "yes", "true", "on", "1"})
_NO = frozenset({"n", "no", "false", "off", "0"})


class NotUnderstood(ValueError):
    """Its text is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    title: str


@dataclass(frozen=True, slots=True)
class Field:
    """`default` is None where there is none; `options` are those of one_of and some_of."""

    name: str
    title: str
    kind: Kind
    required: bool
    description: str = ""
    default: Any = None
    options: tuple[Option, ...] = ()

    @property
    def corrected(self) -> bool:
        """The tool asks for it once more, and says in its description what was wrong."""
        return self.description.startswith(CORRECTED)

    @property
    def explicit(self) -> bool:
        """Something to be agreed to: said by the person and by nobody else, a default included."""
        return self.kind == "yes_no" and self.required and self.default is not True


def fields_of(form: Form) -> list[Field]:
    """In the form's own order."""
    schema = form.requested_schema
    required = set(schema.get("required", ()))
    return [_field(name, field, name in required) for name, field in schema.get("properties", {}).items()]


def understood(field: Field, typed: str) -> Any:
    """What was typed, as the form wants it; None: left out. Limits are the platform's to check.

    Raises NotUnderstood.
    """
    text = typed.strip()
    if not text:
        if field.explicit:
            raise NotUnderstood("Please answer yes or no.")
        if field.default is None and field.required:
            raise NotUnderstood("Please fill this in.")
        return field.default
    match field.kind:
        case "yes_no":
            return _yes_no(text)
        case "one_of":
            return _option(field, text)
        case "some_of":
            return list(dict.fromkeys(_option(field, part) for part in text.split(",") if part.strip()))
        case "number" | "integer":
            return _number(field, text)
        case "date":
            return _date(text)
        case "date_time":
            return _date_time(text)
        case _:
            return text


def _field(name: str, given: dict[str, Any], required: bool) -> Field:
    kind, options = _kind(given)
    return Field(
        name,
        str(given.get("title") or name),
        kind,
        required,
        str(given.get("description") or ""),
        given.get("default"),
        tuple(Option(str(one["const"]), str(one.get("title") or one["const"])) for one in options),
    )


def _kind(given: dict[str, Any]) -> tuple[Kind, list[dict[str, Any]]]:
    if "oneOf" in given:
        return "one_of", cast(list[dict[str, Any]], given["oneOf"])
    if given.get("type") == "array":
        return "some_of", cast(list[dict[str, Any]], given.get("items", {}).get("anyOf", []))
    if given.get("type") == "boolean":
        return "yes_no", []
    if given.get("type") == "number":
        return "number", []
    if given.get("type") == "integer":
        return "integer", []
    formats: dict[Any, Kind] = {"date": "date", "date-time": "date_time"}
    return formats.get(given.get("format"), "text"), []


def _yes_no(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise NotUnderstood("Please answer yes or no.")


def _option(field: Field, text: str) -> str:
    """By its number, its title or its value."""
    wanted = text.strip()
    for option in field.options:
        if wanted.casefold() in (option.title.casefold(), option.value.casefold()):
            return option.value
    if wanted.isdecimal() and 0 < int(wanted) <= len(field.options):
        return field.options[int(wanted) - 1].value
    raise NotUnderstood(f"Please choose by number, 1 to {len(field.options)}.")


def _number(field: Field, text: str) -> int | float:
    try:
        number = float(text)
    except ValueError as error:
        raise NotUnderstood("Please write a number, such as 12.") from error
    if field.kind == "integer" or number.is_integer():
        if not number.is_integer():
            raise NotUnderstood("Please write a whole number.")
        return int(number)
    return number


def _date(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise NotUnderstood("Please write the date as 2026-07-28.") from error


def _date_time(text: str) -> str:
    """In this machine's time zone where none is given."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise NotUnderstood("Please write date and time as 2026-07-28 14:30.") from error
    return (moment if moment.tzinfo else moment.astimezone()).isoformat()
