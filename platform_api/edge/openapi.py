"""The published description: OpenAPI 3.1 with every error that an operation can answer."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from kit.errors import BadRequest, Invalid, SwitchboardError, TooLarge, Unauthenticated, Unavailable
from kit.wire.problem import MEDIA_TYPE, Problem

_EXAMPLE_ID = "01JD7Z8Q4M5W9XK2T3V6B8N0PR"
_EVERY = (SwitchboardError, Unavailable)
_WITH_BODY = (BadRequest, TooLarge, Invalid)

TAGS = [
    {"name": "chat", "description": "Ask, and read the answer as it is written and checked."},
    {"name": "sessions", "description": "What was said, and feedback on it."},
    {"name": "library", "description": "Knowledge bases, documents, retrieval without a model, jobs."},
    {"name": "tools", "description": "The tools that the caller may use, through the gateway."},
    {"name": "account", "description": "Who am I, API keys, sign-in."},
    {"name": "internal", "description": "What the gateway needs of the platform; service tokens only."},
    {"name": "operations", "description": "Health and metrics."},
]


def raises(*classes: type[SwitchboardError]) -> dict[int | str, dict[str, Any]]:
    """For `responses=`: the errors of an operation beyond those that every operation has."""
    found: dict[int | str, dict[str, Any]] = {}
    for cls in classes:
        _add(found, cls)
    return found


def _add(found: dict[Any, dict[str, Any]], cls: type[SwitchboardError]) -> None:
    entry = found.setdefault(
        cls.status,
        {
            "description": cls.title,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": {}}},
        },
    )
    example = {"summary": cls.title, "value": cls().problem(_EXAMPLE_ID).model_dump()}
    entry["content"].setdefault(MEDIA_TYPE, {}).setdefault("examples", {})[cls.code] = example


def publish(app: FastAPI, examples: Mapping[str, Any] | None = None) -> None:
    """Replace FastAPI's generator: its 422 is not ours, and it knows nothing of problems.

    `examples`: schema name → one example of it.
    """
    made: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not made:
            made.update(_described(app, examples or {}))
        return made

    app.openapi = cast(Callable[[], dict[str, Any]], openapi)  # type: ignore[method-assign]  # FastAPI's way


def _described(app: FastAPI, examples: Mapping[str, Any]) -> dict[str, Any]:
    described = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=TAGS,
    )
    schemas = described.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = Problem.model_json_schema()
    for operation in _operations(described):
        _complete(operation)
    for gone in ("HTTPValidationError", "ValidationError"):
        schemas.pop(gone, None)
    for name, example in examples.items():
        if name in schemas:
            schemas[name]["examples"] = [example]
    return described


def _operations(described: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in described["paths"].values() for operation in path.values()]


def _complete(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    had_validation = responses.pop("422", None)
    ours = raises(*_EVERY)
    if operation.get("security"):
        _add(ours, Unauthenticated)
    if "requestBody" in operation:
        for cls in _WITH_BODY:
            _add(ours, cls)
    elif had_validation:
        _add(ours, Invalid)
    for status, entry in ours.items():
        _merge(responses, str(status), entry)
    if had_validation and MEDIA_TYPE in had_validation.get("content", {}):
        _merge(responses, "422", had_validation)


def _merge(responses: dict[str, Any], status: str, entry: dict[str, Any]) -> None:
    present = responses.setdefault(status, entry)
    if present is not entry:
        examples = present["content"].setdefault(MEDIA_TYPE, {"examples": {}}).setdefault("examples", {})
        examples.update(entry["content"][MEDIA_TYPE]["examples"])
