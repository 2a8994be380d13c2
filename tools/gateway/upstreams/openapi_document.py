"""An OpenAPI document as tools: names, schemas and annotations that a gateway can pin (SPEC 9).

Each operation is one tool. What cannot be offered is left out with its reason; the rest stays. Text of the
document is data: it becomes descriptions, which an admin reads before the tool is approved.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import httpx
import jsonschema_rs
import msgspec

from kit.errors import UpstreamFailed
from kit.wire.mcp import definition_hash
from tools.gateway.upstreams.openapi_operation import (
    Arguments,
    OperationAt,
    answer_of,
    compiled,
    fit,
    shortened,
    wrapped_in_object,
)
from tools.gateway.upstreams.openapi_request import Binding
from tools.gateway.upstreams.openapi_schema import Document, Unusable

OPERATION = "switchboard/operation"
"""The annotation that pins where a call goes: method, address and a hash of how its arguments travel."""
_METHODS = ("get", "head", "post", "put", "patch", "delete")
_BYTES = 2_000_000
_OPERATIONS = 500
_CUT = "Cut it down to the operations that are needed."
_NAME = 64
"""What model APIs take as the name of a tool."""
_TEXT = 2_000
_HASH = 6


class BadDocument(UpstreamFailed):
    code = "bad_openapi_document"
    title = "This is no OpenAPI document that can be used"
    default_hint = "Correct the document and register it again; 3.0 and 3.1 are understood."
    retryable = False


@dataclass(frozen=True, slots=True)
class ApiTool:
    """`answer`: of the answer's own JSON, None where the document does not say; wrapped: it is no object,
    so a client gets it under `result`."""

    definition: dict[str, Any]
    binding: Binding
    answer: jsonschema_rs.Validator | None
    wrapped: bool
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How the API wants to know who calls, a hint for the admin: bearer, basic, api_key, oauth2 or oidc."""

    name: str
    kind: str
    place: str = "header"
    header: str = "Authorization"


@dataclass(frozen=True, slots=True)
class Api:
    """left_out: operation → why it is no tool."""

    title: str
    base: str
    tools: dict[str, ApiTool]
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    schemes: tuple[Scheme, ...] = ()


def derived(content: Mapping[str, Any]) -> Api:
    """`content`: the document, whose one root server is the base address that an admin confirmed.

    Addresses that paths or operations name for themselves count for nothing. Raises BadDocument.
    """
    _check(content)
    document, base = Document(content), base_of(content)
    made: list[tuple[str, ApiTool]] = []
    left_out: dict[str, str] = {}
    for place in _operations(document):
        name = f"{place.method.upper()} {place.path}"
        try:
            made.append((name, _tool(document, base, place)))
        except Unusable as reason:
            left_out[name] = f"{reason}."
    tools = {tool.definition["name"]: tool for tool in _apart(made)}
    info = cast(dict[str, Any], content["info"])
    return Api(str(info.get("title", "")), base, tools, left_out, tuple(schemes_of(content)))


def base_of(content: Mapping[str, Any]) -> str:
    """Without a slash at its end. Raises BadDocument."""
    servers = cast(list[dict[str, Any]], content.get("servers") or [])
    url = str(servers[0].get("url", "")) if len(servers) == 1 else ""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        parsed = httpx.URL()
    dots = {".", ".."} & set(parsed.path.split("/"))
    if parsed.scheme not in ("http", "https") or not parsed.host or "{" in url or dots:
        raise BadDocument("It is not said where this API answers.", hint="Register it with a base address.")
    if parsed.userinfo or parsed.query or parsed.fragment or "?" in url or "#" in url:
        raise BadDocument("The base address may only have a scheme, a host and a path.")
    return url.rstrip("/")


def schemes_of(content: Mapping[str, Any]) -> Iterator[Scheme]:
    """What the document says of credentials."""
    components = cast(dict[str, Any], content.get("components") or {})
    for name, one in cast(dict[str, Any], components.get("securitySchemes") or {}).items():
        kind, scheme = str(one.get("type")), str(one.get("scheme", "")).lower()
        if kind == "http":
            yield Scheme(name, scheme)
        elif kind == "apiKey":
            yield Scheme(name, "api_key", str(one.get("in")), str(one.get("name")))
        elif kind in ("oauth2", "openIdConnect"):
            yield Scheme(name, "oauth2" if kind == "oauth2" else "oidc")


def _check(content: Mapping[str, Any]) -> None:
    version = str(content.get("openapi", ""))
    try:
        size = len(msgspec.json.encode(content))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadDocument("The document is no JSON.") from error
    if size > _BYTES:
        raise BadDocument(
            f"The document is larger than {_BYTES} bytes.", hint="Cut it down to what is needed."
        )
    if not version.startswith(("3.0.", "3.1.")):
        raise BadDocument("The document does not say that it is OpenAPI 3.0 or 3.1.")
    # lazy: 0.4 s to import, and few gateways have an API of this kind
    import pydantic
    from openapi_pydantic.v3.v3_0 import OpenAPI as OpenApi30
    from openapi_pydantic.v3.v3_1 import OpenAPI as OpenApi31

    shape, known = (OpenApi30, "3.0.3") if version.startswith("3.0.") else (OpenApi31, "3.1.0")
    try:
        shape.model_validate({**content, "openapi": known})
    except pydantic.ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise BadDocument(f"{place[:200]}: {fault['msg'][:200]}.") from error
    except RecursionError as error:
        raise BadDocument("The document is nested too deeply.") from error


def _operations(document: Document) -> Iterator[OperationAt]:
    paths = cast(dict[str, Any], document.content.get("paths") or {})
    count = 0
    for path, item in paths.items():
        try:
            found = document.followed(item)
        except Unusable:
            continue
        for method in _METHODS:
            if not isinstance(found.get(method), dict):
                continue
            count += 1
            if count > _OPERATIONS:
                raise BadDocument(f"The document has more than {_OPERATIONS} operations.", hint=_CUT)
            yield OperationAt(method, path, found, cast(dict[str, Any], found[method]))


# --- one tool


def _tool(document: Document, base: str, place: OperationAt) -> ApiTool:
    takes = Arguments(document)
    parts = tuple(takes.parts(place))
    fit(place.path, parts)
    binding = Binding(place.method.upper(), place.path, parts, *takes.body(place.operation))
    accepts = takes.schema()
    compiled(accepts)
    operation = place.operation
    definition: dict[str, Any] = {
        "name": _name(
            str(operation.get("operationId") or f"{place.method}_{place.path.strip('/') or 'root'}")
        ),
        "description": _description(operation, place.item),
        "inputSchema": accepts,
        "annotations": _annotations(base, binding),
    }
    if title := shortened(str(operation.get("summary") or ""), 100):
        definition["title"] = title
    gives, wrapped = answer_of(document, operation)
    if gives is None:
        return ApiTool(definition, binding, None, False)
    definition["outputSchema"] = wrapped_in_object(gives) if wrapped else gives
    return ApiTool(definition, binding, compiled(definition["outputSchema"]), wrapped)


def _annotations(base: str, binding: Binding) -> dict[str, Any]:
    """By what HTTP promises of the method (RFC 9110, section 9.2); an admin may set the risk otherwise."""
    how = msgspec.to_builtins([binding.parts, binding.body, binding.media_type, binding.body_argument])
    digest = hashlib.sha256(json.dumps(how, sort_keys=True).encode()).hexdigest()[:16]
    method = binding.method
    return {
        "readOnlyHint": method in ("GET", "HEAD"),
        "destructiveHint": method == "DELETE",
        "idempotentHint": method in ("GET", "HEAD", "PUT", "DELETE"),
        "openWorldHint": True,
        OPERATION: f"{method} {base}{binding.path} {digest}",
    }


def _description(operation: Mapping[str, Any], item: Mapping[str, Any]) -> str:
    told = [str(operation.get(key) or "").strip() for key in ("summary", "description")]
    if not any(told):
        told = [str(item.get(key) or "").strip() for key in ("summary", "description")]
    if operation.get("deprecated") is True:
        told.append("This operation is deprecated.")
    return shortened("\n\n".join(dict.fromkeys(text for text in told if text)), _TEXT)


def _name(wanted: str) -> str:
    legible = re.sub(r"[^A-Za-z0-9_.-]+", "_", wanted).strip("_.-") or "operation"
    return legible if len(legible) <= _NAME else _marked(legible, wanted)


def _marked(legible: str, by: str) -> str:
    return f"{legible[: _NAME - _HASH - 1]}_{hashlib.sha256(by.encode()).hexdigest()[:_HASH]}"


def _apart(made: list[tuple[str, ApiTool]]) -> Iterator[ApiTool]:
    """Names that became the same get what tells their operations apart, whatever the order."""
    count: dict[str, int] = {}
    for _, tool in made:
        name = tool.definition["name"].lower()
        count[name] = count.get(name, 0) + 1
    for operation, tool in made:
        if count[tool.definition["name"].lower()] > 1:
            tool.definition["name"] = _marked(tool.definition["name"], operation)
        yield replace(tool, hash=definition_hash(tool.definition))
