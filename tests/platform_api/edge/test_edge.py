"""What every route has in common."""

import asyncio
import json
from base64 import urlsafe_b64encode
from typing import Annotated

import pytest
from fastapi import APIRouter, Depends, FastAPI, Request
from httpx import ASGITransport, AsyncClient
from pydantic import BaseModel, Field
from starlette.types import Message, Receive, Scope, Send

from access.principal import Principal
from kit.errors import TooMany
from kit.wire.base import Request as Body
from kit.wire.base import Wire
from platform_api.app import PlatformPorts, build_app
from platform_api.edge import UnitOfWork, request_id
from platform_api.edge.body_limit import BodyLimit, BodyTooSlow
from platform_api.edge.openapi import publish
from platform_api.edge.public_routes import UnguardedRoute, check_guarded
from platform_api.examples import EXAMPLES
from platform_api.identity import CurrentPrincipal
from platform_api.identity.models import OrganisationRow
from platform_api.identity.principals import GUARDS
from tests.platform_api.people import People

BEFORE_TIME = urlsafe_b64encode(f'["0001-01-01T00:00:00+14:00", "{"0" * 32}"]'.encode()).decode()


class Order(Body):
    count: Annotated[int, Field(ge=1, le=3)]
    name: str = ""


probe = APIRouter()


@probe.post("/probe/order")
async def order(order: Order, principal: CurrentPrincipal) -> Order:
    return order


@probe.get("/probe/broken")
async def broken(request: Request, principal: CurrentPrincipal) -> None:
    raise RuntimeError(f"secret internals of {request_id(request)}")


@probe.get("/probe/limited")
async def limited(principal: CurrentPrincipal) -> None:
    raise TooMany(retry_after=1.2)


@probe.post("/probe/half-done")
async def half_done(principal: CurrentPrincipal, session: UnitOfWork) -> None:
    session.add(OrganisationRow(id=principal.id, name="half"))
    await session.flush()
    raise TooMany


@pytest.fixture
def app(ports: PlatformPorts) -> FastAPI:
    app = build_app(ports)
    app.include_router(probe)
    return app


async def test_an_unknown_field_is_named(people: People) -> None:
    answer = await people.maya.post("/probe/order", json={"count": 1, "colour": "red"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "Unknown field 'colour'."


async def test_a_wrong_value_names_its_field_and_never_repeats_the_value(people: People) -> None:
    answer = await people.maya.post("/probe/order", json={"count": 99, "name": 7})
    assert "Field 'count'" in answer.json()["detail"]
    assert "Field 'name'" in answer.json()["detail"]
    assert "99" not in answer.json()["detail"]


@pytest.mark.parametrize("body", [b"{", b'{"count": 1', b"\xff\xfe{}", b'{"name": "\xff"}'])
async def test_a_body_that_is_not_json_or_not_utf8_is_a_bad_request(people: People, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await people.maya.post("/probe/order", content=body, headers=headers)
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_request"


@pytest.mark.proves("INPUT-001")
@pytest.mark.parametrize("text", ["a\\u0000b", "a\\ud800b"])
async def test_text_that_cannot_be_stored_is_refused(people: People, text: str) -> None:
    json_type = {"Content-Type": "application/json"}
    for path, body in (
        ("/api/v1/chat", f'{{"message": "{text}"}}'),
        ("/api/v1/chat", f'{{"message": "Leave?", "service_scope": "{text}"}}'),
        ("/api/v1/knowledge-bases", f'{{"name": "{text}"}}'),
        ("/api/v1/api-keys", f'{{"name": "laptop", "scopes": ["{text}"]}}'),
        ("/api/v1/tools/docs.search/invoke", f'{{"arguments": {{"query": {{"deep": ["{text}"]}}}}}}'),
    ):
        answer = await people.maya.post(path, content=body.encode(), headers=json_type)
        assert (path, answer.status_code) == (path, 422), answer.text


@pytest.mark.parametrize("depth", [900, 5000])
async def test_a_nested_body_is_no_fault_of_ours(people: People, depth: int) -> None:
    body = b'{"name": "a", "scopes": ' + b"[" * depth + b"]" * depth + b"}"
    answer = await people.maya.post(
        "/api/v1/api-keys", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)


async def test_a_body_over_the_limit_is_too_large(people: People) -> None:
    answer = await people.maya.post("/probe/order", json={"count": 1, "name": "x" * 1_000_001})
    assert answer.status_code == 413
    assert answer.json()["code"] == "too_large"


@pytest.mark.parametrize("path", ["/auth/dev", "/api/v1/chat"])
async def test_only_an_upload_may_be_large(anyone: AsyncClient, path: str) -> None:
    """Bodies are read before anybody is asked who they are, so the type alone must not raise the limit."""
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await anyone.post(path, content=b" " * 1_000_001, headers=multipart)).status_code == 413


async def test_a_body_that_never_ends_is_given_up() -> None:
    async def read_all(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    async def begin_and_wait() -> Message:
        if not begun.is_set():
            begun.set()
            return {"type": "http.request", "body": b"{", "more_body": True}
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async def nowhere(message: Message) -> None:
        raise AssertionError(message)

    begun = asyncio.Event()
    scope: Scope = {"type": "http", "path": "/api/v1/chat", "headers": []}
    with pytest.raises(BodyTooSlow):
        await BodyLimit(read_all, patience_s=0)(scope, begin_and_wait, nowhere)
    assert begun.is_set()


async def test_an_unexpected_error_shows_the_request_id_and_nothing_else(people: People) -> None:
    answer = await people.maya.get("/probe/broken", headers={"X-Request-Id": "from-the-proxy-1"})
    assert answer.status_code == 500
    assert answer.json()["request_id"] == "from-the-proxy-1" == answer.headers["x-request-id"]
    assert "secret" not in answer.text


async def test_an_insane_request_id_is_replaced(people: People) -> None:
    answer = await people.maya.get("/api/v1/me", headers={"X-Request-Id": "a b\tc"})
    assert len(answer.headers["x-request-id"]) == 26


async def test_retry_after_is_in_whole_seconds(people: People) -> None:
    assert (await people.maya.get("/probe/limited")).headers["retry-after"] == "2"


async def test_what_fails_leaves_nothing_behind(people: People) -> None:
    await people.maya.post("/probe/half-done")
    async with people.ports.database.begin() as session:
        rows = await session.execute(OrganisationRow.__table__.select())
        assert [row.name for row in rows] == ["Example"]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("DELETE", "/api/v1/me", 405, "method_not_allowed")],
)
async def test_http_errors_are_problems_too(
    people: People, method: str, path: str, status: int, code: str
) -> None:
    answer = await people.maya.request(method, path)
    assert answer.status_code == status
    assert answer.json()["code"] == code


async def test_an_impossible_id_looks_like_an_unknown_one(people: People) -> None:
    answer = await people.maya.delete("/api/v1/api-keys/not-an-id")
    assert answer.status_code == 404


@pytest.mark.parametrize("cursor", ["nonsense", "bnVsbA", "WzEsMl0", "\u00e4", BEFORE_TIME])
async def test_a_bad_cursor_is_a_bad_request(people: People, cursor: str) -> None:
    answer = await people.maya.get("/api/v1/api-keys", params={"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["code"] == "bad_cursor"


async def test_answers_carry_security_headers(people: People) -> None:
    headers = (await people.maya.get("/api/v1/me")).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["cache-control"] == "no-store"


@pytest.mark.proves("EDGE-001")
def test_a_route_that_asks_nobody_who_they_are_stops_the_start(ports: PlatformPorts) -> None:
    app = build_app(ports)

    @app.get("/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(UnguardedRoute, match="/forgotten"):
        check_guarded(app, GUARDS)


def test_a_guard_is_found_behind_other_dependencies(ports: PlatformPorts) -> None:
    async def through(principal: CurrentPrincipal) -> Principal:
        return principal

    app = build_app(ports)
    nested = APIRouter(prefix="/nested")
    nested.add_api_route("/deep", lambda: None, dependencies=[Depends(through)])
    app.include_router(nested)
    check_guarded(app, GUARDS)


async def test_every_operation_is_described_with_its_errors(app: FastAPI) -> None:
    publish(app)
    async with AsyncClient(transport=ASGITransport(app), base_url="http://platform") as client:
        described = (await client.get("/openapi.json")).json()

    assert described["openapi"].startswith("3.1")
    for path, operations in described["paths"].items():
        if path.startswith("/probe"):
            continue
        for method, operation in operations.items():
            assert operation["summary"], (method, path)
            assert operation["description"], (method, path)
            assert operation["tags"], (method, path)
            assert "application/problem+json" in operation["responses"]["500"]["content"]
            assert ("security" in operation) == ("401" in operation["responses"]), (method, path)


async def test_every_shape_that_is_sent_has_an_example_that_fits(app: FastAPI) -> None:
    described = app.openapi()
    names = [operation["operationId"] for path in described["paths"].values() for operation in path.values()]
    bodies = [
        operation["requestBody"]["content"].get("application/json")
        for path, operations in described["paths"].items()
        for operation in operations.values()
        if "requestBody" in operation and not path.startswith("/probe")
    ]
    sent = {body["schema"]["$ref"].rpartition("/")[2] for body in bodies if body}
    shapes = {cls.__name__: cls for cls in _shapes(Wire) | _shapes(Body)}

    assert len(names) == len(set(names))
    assert sent <= EXAMPLES.keys()
    for name, example in EXAMPLES.items():
        shapes[name].model_validate_json(json.dumps(example))


def _shapes(root: type[BaseModel]) -> set[type[BaseModel]]:
    return set(root.__subclasses__()).union(*(_shapes(child) for child in root.__subclasses__()))


async def test_health_names_each_dependency(anyone: AsyncClient) -> None:
    ready = await anyone.get("/health/ready")
    assert ready.json()["status"] == "ready"
    assert ready.json()["checks"]["database"] == "ok"
    assert (await anyone.get("/health/live")).json() == {"status": "ok"}


async def test_metrics_count_requests_by_route(people: People, anyone: AsyncClient) -> None:
    await people.maya.get("/api/v1/me")
    text = (await anyone.get("/metrics")).text
    assert 'switchboard_http_requests_total{method="GET",route="/api/v1/me",status="200"}' in text
