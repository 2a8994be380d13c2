"""validate arguments: against the approved schema; an error names the field, never the value."""

from collections.abc import Awaitable, Iterable, Iterator, Mapping
from typing import Any, cast

import jsonschema_rs

from kit.errors import Invalid
from kit.schemas import effort
from tools.gateway.call import Call, Handler, Reply
from tools.gateway.catalogue import OfferedTool

_SHOWN = 5
# Forty nested lists in a schema that refers to itself twice would otherwise take years to explain.
_EXPLAINED = 5_000
_DEEPEST = 12


class InvalidArguments(Invalid):
    code = "invalid_arguments"
    title = "The arguments do not fit the tool's schema"
    default_hint = "Correct the named fields; tools/list has the schema."


def validated(inner: Handler) -> Handler:
    """Raises InvalidArguments. What passed is what the server gets: the arguments are encoded anew."""

    def call(call: Call) -> Awaitable[Reply]:
        tool = call.known_tool()
        if not tool.arguments.is_valid(call.arguments):
            raise InvalidArguments(_told(tool, call.arguments))
        return inner(call)

    return call


def _told(tool: OfferedTool, arguments: Mapping[str, Any]) -> str:
    if effort(tool.policy.definition.get("inputSchema"), _depth(arguments)) > _EXPLAINED:
        return "They are not valid."
    found = [
        _fault(error) for error, _ in zip(_errors(tool.arguments, arguments), range(_SHOWN), strict=False)
    ]
    return f"Not valid: {'; '.join(found)}."


def _depth(arguments: Mapping[str, Any]) -> int:
    """Of what is nested, up to the deepest that matters."""
    level, depth = list[Any](arguments.values()), 0
    while level and depth < _DEEPEST:
        level, depth = [inner for value in level for inner in _within(value)], depth + 1
    return depth


def _within(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return cast(dict[str, Any], value).values()
    return cast(list[Any], value) if isinstance(value, list) else ()


def _errors(
    schema: jsonschema_rs.Validator, arguments: Mapping[str, Any]
) -> Iterator[jsonschema_rs.ValidationError]:
    # an anyOf says only that nothing fits; the alternative that came closest says what is wrong
    for error in schema.iter_errors(arguments):
        branches = getattr(error.kind, "context", None)
        inner = [fault for branch in branches or () for fault in branch if fault.kind.name != "type"]
        yield from inner or [error]


def _fault(error: jsonschema_rs.ValidationError) -> str:
    field = ".".join(str(part) for part in error.instance_path) or "arguments"
    kind: Any = error.kind
    match kind.name:
        case "required":
            return f"'{_inside(field, kind.property)}' is required"
        case "additionalProperties" | "unevaluatedProperties":
            names = ", ".join(f"'{_inside(field, str(name)[:80])}'" for name in kind.unexpected[:_SHOWN])
            return f"{names} is not a field of this tool"
        case "type":
            return f"'{field}' has the wrong type"
        case "format":
            return f"'{field}' must be a {kind.format}"
        case name if hasattr(kind, "limit"):
            return f"'{field}' breaks {name} {kind.limit}"
        case name:
            return f"'{field}' breaks {name}"


def _inside(field: str, name: str) -> str:
    return name if field == "arguments" else f"{field}.{name}"
