"""What a person filled in, checked field by field, with a sentence for each field that is wrong."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

import jsonschema_rs

from kit.wire.interactions import Form, Respond
from kit.wire.problem import FieldError
from platform_api.interactions.errors import AnswerInvalid

Json = dict[str, Any]
_SHOWN_OPTIONS: Final = 8
_FORMATS: Final = {
    "email": "This is not an e-mail address. Write it as name@example.com.",
    "uri": "This is not a web address. Write it whole, as https://example.com/page.",
    "date": "This is not a date. Write it as 2026-07-28.",
    "date-time": "This is not a date with a time and an offset. Write it as 2026-07-28T14:30:00+10:00.",
}
_TYPES: Final = {
    "string": "This has to be text.",
    "number": "This has to be a number.",
    "integer": "This has to be a whole number.",
    "boolean": "This is yes or no: true or false.",
    "array": "This has to be a list of options.",
}


def input_responses(forms: Sequence[Form], respond: Respond) -> Json:
    """MCP's inputResponses: {key: {action, content?}}, defaults filled in; content only where a form was
    accepted. Raises AnswerInvalid."""
    if respond.action != "accept":
        return {form.key: {"action": respond.action} for form in forms}
    if len(forms) == 1:
        content, errors = filled(forms[0], respond.content)
        filled_in = {forms[0].key: content}
    else:
        filled_in, errors = _each(forms, respond.content)
    if errors:
        raise AnswerInvalid(errors)
    return {form.key: _accepted(form, filled_in[form.key]) for form in forms}


def _accepted(form: Form, content: Json) -> Json:
    return {"action": "accept"} if form.url else {"action": "accept", "content": content}


def _each(forms: Sequence[Form], content: Json) -> tuple[dict[str, Json], list[FieldError]]:
    keys = {form.key for form in forms}
    errors = [FieldError(field=key, message=_UNKNOWN) for key in content if key not in keys]
    answers: dict[str, Json] = {}
    for form in forms:
        given = content.get(form.key, {})
        if not isinstance(given, dict):
            errors.append(FieldError(field=form.key, message="This has to be an object of fields."))
            continue
        answers[form.key], wrong = filled(form, cast(Json, given))
        errors += [FieldError(field=f"{form.key}.{one.field}", message=one.message) for one in wrong]
    return answers, errors


_UNKNOWN: Final = "There is no such field in this form."
_MISSING: Final = "Please fill this in."


def filled(form: Form, given: Mapping[str, Any]) -> tuple[Json, list[FieldError]]:
    """The fields of one form with their defaults, and what is wrong. Null is the same as left out."""
    fields: dict[str, Json] = form.requested_schema.get("properties", {})
    required: list[str] = form.requested_schema.get("required", [])
    content = {name: field["default"] for name, field in fields.items() if "default" in field}
    content |= {name: value for name, value in given.items() if value is not None}
    errors = [FieldError(field=name, message=_UNKNOWN) for name in given if name not in fields]
    errors += [FieldError(field=name, message=_MISSING) for name in required if name not in content]
    known = [name for name in fields if name in content]
    errors += [
        FieldError(field=name, message=said) for name in known for said in _wrong(fields[name], content[name])
    ]
    return {name: content[name] for name in known}, errors


def _wrong(field: Json, value: Any) -> Iterator[str]:
    """At most one sentence: the first thing to put right."""
    validator = jsonschema_rs.validator_for(field, validate_formats=True)
    first = next(validator.iter_errors(value), None)
    if first is not None:
        yield _sentence(field, first)


def _sentence(field: Json, error: jsonschema_rs.ValidationError) -> str:
    keyword = error.kind.name
    if keyword == "type":
        return _TYPES[field["type"]]
    if keyword in ("oneOf", "anyOf"):
        return _options(field)
    if keyword == "format":
        return _FORMATS[field["format"]]
    limit = field.get(keyword)
    return _LIMITS[keyword].format(limit=limit) if keyword in _LIMITS else "This is not what was asked for."


_LIMITS: Final = {
    "minLength": "This is too short: at least {limit} characters.",
    "maxLength": "This is too long: at most {limit} characters.",
    "minimum": "This is too small: at least {limit}.",
    "maximum": "This is too large: at most {limit}.",
    "exclusiveMinimum": "This is too small: more than {limit}.",
    "exclusiveMaximum": "This is too large: less than {limit}.",
    "multipleOf": "This has to be a multiple of {limit}.",
    "minItems": "Choose at least {limit}.",
    "maxItems": "Choose at most {limit}.",
    "uniqueItems": "Choose each option once.",
}


def _options(field: Json) -> str:
    options: list[Json] = field.get("oneOf") or field["items"]["anyOf"]
    shown = [option["title"] for option in options[:_SHOWN_OPTIONS]]
    more = ", …" if len(options) > len(shown) else ""
    start = "Choose one of" if "oneOf" in field else "Choose from"
    return f"{start}: {', '.join(shown)}{more}."
