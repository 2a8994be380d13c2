"""An interaction's forms as one flat list of fields, and what was filled in, for the platform (SPEC 5).

A field's place is `f<form>.<field>` by number, so that no name of a tool's can be too long or clash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from bot.core.asking import Field, fields_of
from bot.core.plain import shortened
from kit.wire.interactions import Form, Interaction
from kit.wire.problem import FieldError

_SENTENCE: Final = 500
_SHORT: Final = 60
"""Characters: a text that may be longer than this is limited for storing, not for its writer."""
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


@dataclass(frozen=True, slots=True)
class Slot:
    """A field at its place. `schema` is its own JSON Schema, with the limits that `Field` leaves out."""

    place: str
    form: Form
    field: Field
    schema: dict[str, Any]

    @property
    def hint(self) -> str:
        """What it is for, and those of its limits that somebody may meet."""
        limits = [said.format(self.schema[name]) for name, said in _LIMITS.items() if self._matters(name)]
        text = self.field.description.strip()
        if not limits:
            return text
        limit = ", ".join(limits)
        return f"{text} ({limit})" if text else f"{limit[0].upper()}{limit[1:]}."

    def _matters(self, limit: str) -> bool:
        given = self.schema.get(limit)
        return given is not None and not (limit == "maxLength" and given > _SHORT)

    @property
    def optional(self) -> bool:
        """An empty choice of several is a choice where it may be."""
        if self.field.kind == "some_of":
            return not (self.field.required and self.schema.get("minItems", 0) > 0)
        return not self.field.required


def slots(interaction: Interaction) -> list[Slot]:
    return [slot for at, form in enumerate(interaction.forms) for slot in slots_of(form, at)]


def slots_of(form: Form, at: int) -> list[Slot]:
    """`at`: which of the interaction's forms."""
    properties = cast(dict[str, dict[str, Any]], form.requested_schema.get("properties", {}))
    return [
        Slot(f"f{at}.{number}", form, field, properties[field.name])
        for number, field in enumerate(fields_of(form))
    ]


def content(interaction: Interaction, values: Mapping[str, Any]) -> dict[str, Any]:
    """`Respond.content` of {place: value}; what is not there, or None, is left out."""
    filled: dict[str, dict[str, Any]] = {form.key: {} for form in interaction.forms}
    for slot in slots(interaction):
        if (value := values.get(slot.place)) is not None:
            filled[slot.form.key][slot.field.name] = value
    return filled[interaction.forms[0].key] if len(interaction.forms) == 1 else dict(filled)


def complaints(interaction: Interaction, errors: Sequence[FieldError]) -> dict[str, str]:
    """{place: sentence} of the platform's complaints; those that fit no field stand at the first one."""
    alone = len(interaction.forms) == 1
    named = {
        slot.field.name if alone else f"{slot.form.key}.{slot.field.name}": slot.place
        for slot in slots(interaction)
    }
    first = next(iter(named.values()), None)
    wrong: dict[str, str] = {}
    for error in errors:
        if place := named.get(error.field):
            wrong.setdefault(place, error.message)
        elif first:
            wrong.setdefault(first, f"{error.field}: {error.message}")
    return {place: shortened(sentence, _SENTENCE) for place, sentence in wrong.items()}


def titled(interaction: Interaction, wrong: Mapping[str, str]) -> list[str]:
    """The same complaints, each with its field's title before it."""
    titles = {slot.place: slot.field.title for slot in slots(interaction)}
    lines = (f"{shortened(titles.get(place, ''), 100)}: {said}" for place, said in wrong.items())
    return [shortened(line.removeprefix(": "), _SENTENCE + 50) for line in lines]


def option_at(field: Field, number: object) -> str | None:
    """The value of an option that travelled by its number, as text: a tool's own may be of any length."""
    if not isinstance(number, str) or not number.isdecimal() or int(number) >= len(field.options):
        return None
    return field.options[int(number)].value
