"""A small API, and the document that describes it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

PET = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "id": {"type": "integer", "readOnly": True},
        "name": {"type": "string", "minLength": 1},
        "friends": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}},
    },
}


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def document(base: str, **paths: Any) -> dict[str, Any]:
    """With `paths` beside its own, by `get /path` → operation."""
    pet, pet_id = {"$ref": "#/components/schemas/Pet"}, {"$ref": "#/components/parameters/PetId"}
    tags = {"type": "array", "items": {"type": "string"}}
    made: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Pets", "version": "1"},
        "servers": [{"url": base}],
        "paths": {
            "/pets": {
                "get": {
                    "operationId": "listPets",
                    "summary": "The pets",
                    "parameters": [
                        {
                            "name": "tag",
                            "in": "query",
                            "schema": tags,
                        },
                        {"name": "X-Team", "in": "header", "schema": {"type": "string"}},
                    ],
                    "responses": {
                        "200": {"description": "ok", **_json({"type": "array", "items": pet})},
                    },
                },
                "post": {
                    "operationId": "addPet",
                    "requestBody": {"required": True, **_json(pet)},
                    "responses": {"201": {"description": "made", **_json(pet)}},
                },
            },
            "/pets/{petId}": {
                "parameters": [pet_id],
                "get": {
                    "operationId": "getPet",
                    "description": "One pet.",
                    "responses": {"200": {"description": "ok", **_json(pet)}, "404": {"description": "none"}},
                },
                "delete": {"operationId": "deletePet", "responses": {"204": {"description": "gone"}}},
            },
        },
        "components": {
            "schemas": {"Pet": PET},
            "parameters": {
                "PetId": {"name": "petId", "in": "path", "required": True, "schema": {"type": "string"}}
            },
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        },
    }
    for place, operation in paths.items():
        method, _, path = place.partition(" ")
        made["paths"].setdefault(path, {})[method] = {
            "responses": {"200": {"description": "ok"}},
            **operation,
        }
    return made


@dataclass
class Seen:
    method: str
    target: str
    """Path and query as they came over the wire."""
    headers: dict[str, str]
    body: bytes


@dataclass
class PetsApi:
    """ASGI. Answers by path; `answers` says otherwise: (status, headers, body)."""

    seen: list[Seen] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        raw, query = scope["raw_path"].decode(), scope["query_string"].decode()
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        self.seen.append(Seen(scope["method"], raw + (f"?{query}" if query else ""), headers, body))
        status, extra, content = self.answers.get(raw) or self._usual(scope["method"], raw, body)
        sent = [(name.encode(), value.encode()) for name, value in extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": content})

    def _usual(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        as_json = {"content-type": "application/json"}
        if method == "DELETE":
            return 204, {}, b""
        if method == "POST":
            return 201, as_json, json.dumps({**json.loads(body), "id": 7}).encode()
        if path.endswith("/pets"):
            return 200, as_json, b'[{"id":1,"name":"Ada"}]'
        return 200, as_json, b'{"id":1,"name":"Ada"}'
