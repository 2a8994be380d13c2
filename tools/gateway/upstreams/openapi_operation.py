"""What one operation of an OpenAPI document takes and gives: its parameters and body as one object of
arguments, and the schema of its answer. Whatever cannot be offered raises Unusable with its reason."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import jsonschema_rs

from kit.schemas import compiled_schema
from tools.gateway.upstreams.openapi_request import VARIABLE, Body, Part, Place
from tools.gateway.upstreams.openapi_schema import Document, Schemas, Unusable

_ARGUMENT = 50
_STYLES: Mapping[Place, tuple[str, ...]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
# What a connection is made of, who is asking, and what the gateway says itself
_NOT_OURS = re.compile(
    r"(accept|accept-encoding|authorization|connection|content-.*|cookie|expect|forwarded|host|keep-alive|"
    r"mcp-.*|origin|proxy-.*|referer|set-cookie|te|trailer|transfer-encoding|traceparent|tracestate|baggage|"
    r"upgrade|via|x-act-as|x-forwarded-.*|x-real-ip|x-http-method.*|x-original-.*|x-rewrite-.*)\Z",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")


@dataclass(frozen=True, slots=True)
class OperationAt:
    """One operation and where it stands."""

    method: str
    path: str
    item: Mapping[str, Any]
    operation: Mapping[str, Any]


class Arguments:
    """What a tool takes, gathered from the parameters and the body of its operation."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._schemas = Schemas(document, "in")
        self._properties: dict[str, Any] = {}
        self._required: list[str] = []

    def parts(self, place: OperationAt) -> Iterator[Part]:
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for given in (place.item.get("parameters"), place.operation.get("parameters")):
            for one in cast(list[Any], given or []):
                parameter = self._document.followed(one)
                found[str(parameter["in"]), str(parameter["name"])] = parameter
        for where in _STYLES:
            for (its, name), parameter in found.items():
                part = self._part(name, where, parameter) if its == where else None
                if part is not None:
                    self._add(part.argument, self._property(parameter), needed=part.required)
                    yield part

    def body(self, operation: Mapping[str, Any]) -> tuple[Body | None, str, str]:
        """Kind, media type and argument; the first that we can write."""
        if operation.get("requestBody") is None:
            return None, "", ""
        given = self._document.followed(operation["requestBody"])
        needed = bool(given.get("required"))
        for media_type, content in cast(dict[str, Any], given.get("content") or {}).items():
            kind = _kind(media_type)
            if kind is not None:
                argument = self._argument("body", "request")
                schema = content.get("schema", True if kind == "json" else {"type": "object"})
                self._add(argument, self._schemas.taken(schema), needed=needed)
                return kind, media_type, argument
        if needed:
            raise Unusable("its body is neither JSON nor a form nor text")
        return None, "", ""

    def schema(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "type": "object",
            "properties": self._properties,
            "additionalProperties": False,
        }
        if self._required:
            made["required"] = self._required
        if definitions := self._schemas.definitions():
            made["$defs"] = definitions
        return made

    def _add(self, argument: str, schema: Any, *, needed: bool) -> None:
        self._properties[argument] = schema
        if needed:
            self._required.append(argument)

    def _part(self, name: str, place: Place, parameter: Mapping[str, Any]) -> Part | None:
        needed = bool(parameter.get("required")) or place == "path"
        if place in ("header", "cookie") and (_NOT_OURS.match(name) or not _TOKEN.match(name)):
            if needed and name.lower() not in ("accept", "content-type", "authorization"):
                raise Unusable(f"it needs a {place} that only the gateway may set")
            return None
        style = str(parameter.get("style") or _STYLES[place][0])
        if style not in _STYLES[place]:
            raise Unusable(f"its parameter {name[:60]!r} has a style that is not known")
        explode = parameter.get("explode")
        return Part(
            argument=self._argument(name, place),
            name=name,
            place=place,
            style=style,
            explode=bool(explode) if explode is not None else style in ("form", "deepObject"),
            required=needed,
            json="content" in parameter,
            slash=parameter.get("x-switchboard-slash") is True,
            reserved=parameter.get("allowReserved") is True,
        )

    def _argument(self, name: str, place: str) -> str:
        """A name that model APIs take; where two places have one name, the second says its place."""
        legible = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_")[:_ARGUMENT] or place
        number, wanted = 1, legible
        while wanted in self._properties:
            wanted = f"{place}_{legible}" + (f"_{number}" if number > 1 else "")
            number += 1
        return wanted

    def _property(self, parameter: Mapping[str, Any]) -> Any:
        content = cast(dict[str, Any], parameter.get("content") or {})
        holder = cast(Mapping[str, Any], next(iter(content.values())) if content else parameter)
        made: Any = self._schemas.taken(holder.get("schema", {}))
        about = shortened(str(parameter.get("description") or ""), 500)
        if isinstance(made, dict) and about:
            schema = cast(dict[str, Any], made)
            return schema if {"description", "$ref"} & schema.keys() else {**schema, "description": about}
        return cast(Any, made)


def fit(path: str, parts: tuple[Part, ...]) -> None:
    named = {part.name for part in parts if part.place == "path"}
    if not path.startswith("/") or set("?#\\% ") & set(path) or not (path.isprintable() and path.isascii()):
        raise Unusable("its path is no path")
    if set(VARIABLE.findall(path)) != named or set("{}") & set(VARIABLE.sub("", path)):
        raise Unusable("its path and its path parameters do not agree")
    if {".", ".."} & set(path.split("/")):
        raise Unusable("its path leads out of itself")


def _kind(media_type: str) -> Body | None:
    plain = media_type.partition(";")[0].strip().lower()
    if not media_type.isascii() or not media_type.isprintable():
        return None
    if plain == "application/json" or plain.endswith("+json"):
        return "json"
    return {"application/x-www-form-urlencoded": "form", "text/plain": "text"}.get(plain)  # pyright: ignore[reportReturnType] (the values are literals)


def answer_of(document: Document, operation: Mapping[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """The schema of what a call that succeeds gives, where there is exactly one, and whether it has to be
    wrapped: structured content is an object."""
    good = {
        status: document.followed(answer)
        for status, answer in cast(dict[str, Any], operation.get("responses") or {}).items()
        if str(status).startswith("2")
    }
    if len(good) != 1:
        return None, False
    content = cast(dict[str, Any], next(iter(good.values())).get("content") or {})
    given = [one.get("schema") for media, one in content.items() if _kind(media) == "json"]
    if len(content) != 1 or not given or given[0] is None:
        return None, False
    try:
        root = document.followed(given[0])
        schemas = Schemas(document, "out")
        made = schemas.taken(root)
        if definitions := schemas.definitions():
            made = {**made, "$defs": definitions}
    except Unusable:
        return None, False  # the call works without
    return made, made.get("type") != "object"


def wrapped_in_object(schema: Mapping[str, Any]) -> dict[str, Any]:
    inner = {key: value for key, value in schema.items() if key != "$defs"}
    made: dict[str, Any] = {"type": "object", "properties": {"result": inner}, "required": ["result"]}
    return made | ({"$defs": schema["$defs"]} if "$defs" in schema else {})


def compiled(schema: Mapping[str, Any]) -> jsonschema_rs.Validator:
    try:
        return compiled_schema(schema)
    except ValueError as error:
        raise Unusable("its schema does not compile") from error


def shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
