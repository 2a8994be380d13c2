"""From what a tool asks (MCP elicitation of any revision) to our neutral form, or a refusal to ask it."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, Final, cast
from urllib.parse import urlsplit

import jsonschema_rs
import msgspec

from kit.wire.interactions import CONNECT_META, INTERACTION_META, KIND_META, Form, Kind
from platform_api.interactions.asking import Suspended
from platform_api.interactions.errors import Unaskable
from platform_api.interactions.plain import exact, line, plain

MESSAGE_LIMIT: Final = 4000
_TITLE_LIMIT: Final = 200
_DESCRIPTION_LIMIT: Final = 1000
_NAME_LIMIT: Final = 120
_URL_LIMIT: Final = 4000
_MOST_FORMS: Final = 8
_MOST_FIELDS: Final = 64
_MOST_OPTIONS: Final = 500
_SIZE_LIMIT: Final = 512 * 1024
FORMATS: Final = frozenset({"email", "uri", "date", "date-time"})
_KEPT: Final = {
    "string": ("minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "integer": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    "boolean": (),
}
"""What we check of a field; the tool checks the rest itself."""
Json = dict[str, Any]


def asked(suspended: Suspended) -> tuple[Kind, list[Form]]:
    """Raises Unaskable, with the reason in words."""
    requests = suspended.input_requests
    if not 0 < len(requests) <= _MOST_FORMS:
        raise Unaskable(f"A tool asks 1 to {_MOST_FORMS} questions at once; this one asked {len(requests)}.")
    whole = msgspec.json.encode([requests, suspended.arguments])
    if len(whole) > _SIZE_LIMIT or "\\u0000" in whole.decode():
        raise Unaskable("What the tool asks is too large, or holds a NUL character.")
    params = {key: _params(request) for key, request in requests.items()}
    kind = _kind(params)
    return kind, [_form(key, each, suspended, kind) for key, each in params.items()]


def adopted(suspended: Suspended) -> str | None:
    """The id of the interaction that the gateway has opened for this already."""
    named = [_meta(_params(request)).get(INTERACTION_META) for request in suspended.input_requests.values()]
    return named[0] if len(named) == 1 and isinstance(named[0], str) else None


def connects(suspended: Suspended) -> str | None:
    """The server whose account the page connects, where the gateway says so."""
    told = [_meta(_params(request)).get(CONNECT_META) for request in suspended.input_requests.values()]
    server = cast(Json, told[0]).get("server") if len(told) == 1 and isinstance(told[0], dict) else None
    return server[:200] if isinstance(server, str) else None


def titled(kind: Kind, tool: str) -> str:
    """Ours, since the first line that people read must not be a server's."""
    name = line(tool, _NAME_LIMIT)
    if kind == "approval":
        return f"May {name} be called?"
    if kind == "connect_account":
        return f"{name} needs you to open a page"
    return _OURS.get(name) or f"{name} asks you"


_OURS: Final = {
    "meetings.book": "Your meeting",
    "meetings.cancel": "Cancelling a meeting",
    "meetings.reschedule": "Moving a meeting",
}
"""First-party tools, which are named once and for all."""


def _params(request: object) -> Json:
    if not isinstance(request, dict):
        raise Unaskable("What the tool asks is not of the agreed form.")
    given = cast(Json, request)
    params = given.get("params")
    if given.get("method") != "elicitation/create" or not isinstance(params, dict):
        raise Unaskable("The tool asked for something else than an answer of a person.")
    return cast(Json, params)


def _meta(params: Json) -> Json:
    meta = params.get("_meta")
    return cast(Json, meta) if isinstance(meta, dict) else {}


def _kind(params: Mapping[str, Json]) -> Kind:
    each = list(params.values())
    if all(one.get("mode") == "url" for one in each):
        return "connect_account"
    if len(each) > 1:
        return "form"
    # The gateway says this and nobody else can: it takes our keys off what servers send.
    if _meta(each[0]).get(KIND_META) == "approval":
        return "approval"
    schema = _object(each[0].get("requestedSchema", {}))
    fields = list(_object(schema.get("properties", {})).items())
    if len(fields) == 1 and fields[0][0] in _listed(schema.get("required", [])) and _one_of(fields[0][1]):
        return "choice"
    return "form"


def _one_of(field: object) -> bool:
    return isinstance(field, dict) and bool({"enum", "oneOf"} & set(cast(Json, field)))


def _form(key: str, params: Json, suspended: Suspended, kind: Kind) -> Form:
    url = _url(params.get("url")) if params.get("mode") == "url" else None
    return Form(
        key=_name(key),
        message=plain(params.get("message"), MESSAGE_LIMIT),
        requested_schema={} if url else schema_of(params.get("requestedSchema", {})),
        url=url,
        tool=suspended.tool,
        arguments=exact(suspended.arguments) if kind == "approval" else None,
    )


def _url(given: object) -> str:
    """A person is to open it: nothing that reads other than it leads, and no way to listen in."""
    if not isinstance(given, str) or not given.isascii() or not given.isprintable() or " " in given:
        raise Unaskable("The tool wants a page opened whose address is not a plain one.")
    parts = _parts(given)
    allowed = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts.hostname or ""))
    if not allowed or not parts.hostname or "@" in parts.netloc or "\\" in given or len(given) > _URL_LIMIT:
        raise Unaskable("The tool wants a page opened that is not at a plain https address.")
    return given


def _parts(url: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise Unaskable("The tool wants a page opened whose address is not one.") from error
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def schema_of(given: object) -> Json:
    """The neutral schema: an object of flat fields, enums with titles. Raises Unaskable."""
    schema = _object(given)
    if schema.get("type", "object") != "object":
        raise Unaskable("The tool's form is not an object of fields.")
    properties = _object(schema.get("properties", {}))
    if len(properties) > _MOST_FIELDS:
        raise Unaskable(f"The tool's form has more than {_MOST_FIELDS} fields.")
    fields = {_name(name): _field(name, field) for name, field in properties.items()}
    required = [name for name in dict.fromkeys(_listed(schema.get("required", []))) if name in fields]
    # A required field that nobody can fill in: no answer would ever be right.
    if len(required) != len(set(_listed(schema.get("required", [])))):
        raise Unaskable("The tool's form requires a field that it does not have.")
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}


def _field(name: str, given: object) -> Json:
    field = _object(given)
    told = {
        "title": line(field.get("title"), _TITLE_LIMIT) or line(name, _TITLE_LIMIT),
        "description": plain(field.get("description"), _DESCRIPTION_LIMIT),
    }
    checked = {**{key: text for key, text in told.items() if text}, **_typed(name, field)}
    return _checked(name, checked, field)


def _typed(name: str, field: Json) -> Json:
    kind = field.get("type")
    if kind == "array":
        return _several(name, field)
    if kind in ("string", None) and _one_of(field):
        return {"type": "string", "oneOf": _options(field, field.get("oneOf"), field.get("enumNames"))}
    if not isinstance(kind, str) or kind not in _KEPT:
        raise Unaskable(f"The tool's form has a field of a kind that cannot be asked: {line(name, 40)}.")
    kept = {key: field[key] for key in _KEPT[kind] if key in field}
    if kind == "string" and field.get("format") in FORMATS:
        kept["format"] = field["format"]
    return {"type": kind, **kept}


def _several(name: str, field: Json) -> Json:
    items = _object(field.get("items", {}))
    options = _options(items, items.get("anyOf", items.get("oneOf")), items.get("enumNames"))
    kept = {key: field[key] for key in ("minItems", "maxItems", "uniqueItems") if key in field}
    return {"type": "array", "items": {"type": "string", "anyOf": options}, **kept}


def _options(field: Json, titled: object, names: object) -> list[Json]:
    pairs = list(_titled(titled) if titled is not None else _named(field.get("enum"), names))
    if not 0 < len(pairs) <= _MOST_OPTIONS:
        raise Unaskable(f"A choice has 1 to {_MOST_OPTIONS} options.")
    # One option twice would make `oneOf` refuse it.
    return [{"const": const, "title": title} for const, title in dict(reversed(pairs)).items()][::-1]


def _titled(given: object) -> Iterator[tuple[str, str]]:
    for option in _listed_objects(given):
        const = option.get("const")
        if not isinstance(const, str):
            raise Unaskable("The tool offers an option that is not text.")
        yield const, line(option.get("title"), _TITLE_LIMIT) or _shown(const)


def _named(given: object, names: object) -> Iterator[tuple[str, str]]:
    titles = _listed(cast(object, names)) if isinstance(names, list) else []
    for at, const in enumerate(_listed(given)):
        title = line(titles[at], _TITLE_LIMIT) if at < len(titles) else ""
        yield const, title or _shown(const)


def _shown(const: str) -> str:
    return line(exact(const), _TITLE_LIMIT) or '""'


def _checked(name: str, field: Json, given: Json) -> Json:
    """With its default, where that one is valid. Raises Unaskable for limits that are none."""
    try:
        validator = jsonschema_rs.validator_for(field, validate_formats=True)
    except (ValueError, jsonschema_rs.ValidationError) as error:
        raise Unaskable(f"The tool's form sets impossible limits for {line(name, 40)}.") from error
    default = given.get("default")
    if default is not None and validator.is_valid(default):
        return {**field, "default": default}
    return field


def _name(name: str) -> str:
    if not 0 < len(name) <= _NAME_LIMIT or line(name, _NAME_LIMIT) != name:
        raise Unaskable("The tool's form has a field whose name cannot be shown.")
    return name


def _object(given: object) -> Json:
    if not isinstance(given, dict):
        raise Unaskable("The tool's form is not of the agreed form.")
    return cast(Json, given)


def _listed(given: object) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(entry, str) for entry in cast(list[Any], given)):
        raise Unaskable("The tool's form is not of the agreed form.")
    return cast(list[str], given)


def _listed_objects(given: object) -> Sequence[Json]:
    if not isinstance(given, list):
        raise Unaskable("The tool's form is not of the agreed form.")
    return [_object(entry) for entry in cast(list[Any], given)]
