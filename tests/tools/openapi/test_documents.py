"""OpenAPI documents as tools."""

import copy
import json
import re
import socket
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.wire.mcp import definition_hash
from tests.tools.openapi.pets import document
from tools.gateway.upstreams.openapi_document import OPERATION, BadDocument, derived

BASE = "https://pets.example/v1"


@pytest.mark.proves("GOV-701")
def test_each_operation_is_a_tool_whose_risk_is_what_http_promises_of_its_method() -> None:
    tools = derived(document(BASE)).tools
    hints = {
        name: {key for key in ("readOnlyHint", "destructiveHint", "idempotentHint") if about[key]}
        for name, tool in tools.items()
        if (about := tool.definition["annotations"])
    }
    assert hints == {
        "listPets": {"readOnlyHint", "idempotentHint"},
        "addPet": set(),
        "getPet": {"readOnlyHint", "idempotentHint"},
        "deletePet": {"destructiveHint", "idempotentHint"},
    }
    assert tools["getPet"].definition["description"] == "One pet."


@pytest.mark.proves("GOV-701")
def test_schemas_stand_alone_also_where_they_refer_to_themselves() -> None:
    tools = derived(document(BASE)).tools
    takes = jsonschema_rs.validator_for(tools["addPet"].definition["inputSchema"])
    assert takes.is_valid({"body": {"name": "Ada", "friends": [{"name": "Bo", "friends": []}]}})
    assert not takes.is_valid({"body": {"name": "Ada", "friends": [{"name": ""}]}})
    assert not takes.is_valid({"body": {"name": "Ada"}, "other": 1})
    # the API gives the id, so it is not asked for and cannot be sent; in an answer it stands
    assert "id" not in tools["addPet"].definition["inputSchema"]["$defs"]["Pet"]["properties"]
    assert "id" in tools["addPet"].definition["outputSchema"]["properties"]


@pytest.mark.proves("GOV-701")
@pytest.mark.parametrize(
    "reference", ["http://{here}/pet.json", "other.yaml#/Pet", "file:///etc/passwd", "#Pet", "#/none"]
)
def test_what_refers_outside_the_document_is_left_out_with_the_reason_and_never_fetched(
    reference: str,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        schema = {"$ref": reference.format(here=f"127.0.0.1:{listening.getsockname()[1]}")}
        body = {"content": {"application/json": {"schema": schema}}}
        api = derived(document(BASE, **{"post /far": {"operationId": "far", "requestBody": body}}))
        with pytest.raises(BlockingIOError):
            listening.accept()
    assert "far" not in api.tools
    assert set(api.left_out) == {"POST /far"}
    assert "listPets" in api.tools


@pytest.mark.proves("GOV-701")
def test_a_change_of_method_path_base_or_of_how_an_argument_travels_changes_what_was_approved() -> None:
    def pinned(changed: dict[str, Any]) -> str:
        return definition_hash(derived(changed).tools["listPets"].definition)

    before = document(BASE)
    moved = document("https://evil.example/v1")
    method, style, header = copy.deepcopy(before), copy.deepcopy(before), copy.deepcopy(before)
    method["paths"]["/pets"]["put"] = method["paths"]["/pets"].pop("get")
    style["paths"]["/pets"]["get"]["parameters"][0]["explode"] = False
    header["paths"]["/pets"]["get"]["parameters"][1]["in"] = "query"
    hashes = [pinned(one) for one in (before, moved, method, style, header)]
    assert len(set(hashes)) == len(hashes)
    assert pinned(copy.deepcopy(before)) == hashes[0]


@pytest.mark.proves("GOV-701")
def test_addresses_that_an_operation_names_for_itself_count_for_nothing() -> None:
    given = document(
        BASE, **{"get /own": {"operationId": "own", "servers": [{"url": "https://evil.example"}]}}
    )
    assert f"GET {BASE}/own" in derived(given).tools["own"].definition["annotations"][OPERATION]


@pytest.mark.proves("GOV-701")
@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"openapi": "2.0"}, "3.0 or 3.1"),
        ({"servers": []}, "where this API answers"),
        ({"servers": [{"url": "/v1"}]}, "where this API answers"),
        ({"servers": [{"url": "file:///etc"}]}, "where this API answers"),
        ({"servers": [{"url": "https://a.example/{tenant}"}]}, "where this API answers"),
        ({"servers": [{"url": "https://me:secret@a.example"}]}, "scheme, a host and a path"),
        ({"servers": [{"url": "https://a.example/?x=1"}]}, "scheme, a host and a path"),
        (
            {"paths": {"/a": {"get": {"parameters": [{"name": "x", "in": "nowhere"}]}}}},
            "paths./a.get.parameters",
        ),
        ({"info": {}}, "info.title"),
    ],
)
def test_a_document_that_cannot_be_used_says_what_is_wrong(change: dict[str, Any], told: str) -> None:
    with pytest.raises(BadDocument) as refused:
        derived({**document(BASE), **change})
    assert told in refused.value.detail
    assert "secret" not in refused.value.detail


@pytest.mark.proves("GOV-702")
@pytest.mark.parametrize(
    "name", ["Authorization", "Host", "Cookie", "X-Forwarded-For", "mcp-session-id", "a b"]
)
def test_headers_that_say_who_asks_are_no_arguments(name: str) -> None:
    parameter = {"name": name, "in": "header", "schema": {"type": "string"}}
    tool = derived(document(BASE, **{"get /h": {"operationId": "h", "parameters": [parameter]}})).tools["h"]
    assert tool.definition["inputSchema"]["properties"] == {}


@pytest.mark.proves("GOV-701")
def test_names_are_told_apart_in_any_order_and_arguments_of_one_name_say_their_place() -> None:
    operations: dict[str, Any] = {
        f"get /x{n}": {"operationId": name} for n, name in enumerate(["list pets", "list_pets", "list-pets!"])
    }
    here = derived(document(BASE, **operations)).tools
    there = derived(document(BASE, **dict(reversed(operations.items())))).tools
    assert here.keys() == there.keys()
    assert len([name for name in here if name.startswith("list_pets_")]) == 2
    same = [{"name": "id", "in": place, "schema": {"type": "string"}} for place in ("query", "header")]
    tool = derived(document(BASE, **{"get /same": {"operationId": "same", "parameters": same}})).tools["same"]
    assert set(tool.definition["inputSchema"]["properties"]) == {"id", "header_id"}


@pytest.mark.proves("GOV-701")
def test_what_3_0_writes_otherwise_means_the_same() -> None:
    schema = {"type": "integer", "minimum": 3, "exclusiveMinimum": True, "nullable": True}
    parameter = {"name": "n", "in": "query", "schema": schema}
    given = {
        **document(BASE, **{"get /n": {"operationId": "n", "parameters": [parameter]}}),
        "openapi": "3.0.3",
    }
    takes = jsonschema_rs.validator_for(derived(given).tools["n"].definition["inputSchema"])
    assert [takes.is_valid({"n": n}) for n in (3, 4, None)] == [False, True, True]


@pytest.mark.proves("GOV-702")
def test_an_extension_of_a_schema_cannot_make_a_header() -> None:
    parameter = {"name": "n", "in": "query", "schema": {"type": "string", "x-mcp-header": "Host"}}
    tool = derived(document(BASE, **{"get /n": {"operationId": "n", "parameters": [parameter]}})).tools["n"]
    assert "x-mcp-header" not in json.dumps(tool.definition)


_names = st.text(max_size=12)
_schemas = st.recursive(
    st.sampled_from(["string", "integer", "boolean", "number", "null"]).map(lambda kind: {"type": kind})
    | st.sampled_from(
        ["#/components/schemas/Pet", "#/components/schemas/A~1b", "#/nowhere", "http://x/y"]
    ).map(lambda reference: {"$ref": reference}),
    lambda inner: st.one_of(
        inner.map(lambda one: {"type": "array", "items": one}),
        st.dictionaries(_names, inner, max_size=3).map(lambda many: {"type": "object", "properties": many}),
        st.lists(inner, min_size=1, max_size=3).map(lambda many: {"anyOf": many}),
    ),
    max_leaves=6,
)
_parameters = st.fixed_dictionaries(
    {"name": _names, "in": st.sampled_from(["path", "query", "header", "cookie"]), "schema": _schemas},
    optional={"required": st.booleans(), "style": _names, "explode": st.booleans(), "description": _names},
)
_operations = st.fixed_dictionaries(
    {"parameters": st.lists(_parameters, max_size=4), "responses": st.just({"200": {"description": ""}})},
    optional={
        "operationId": _names,
        "summary": _names,
        "requestBody": _schemas.map(
            lambda one: {"content": {"application/json": {"schema": one}}, "required": True}
        ),
    },
)


@pytest.mark.proves("GOV-701")
@settings(max_examples=50, deadline=None)
@given(paths=st.dictionaries(_names.map(lambda text: f"/{text}"), _operations, max_size=4), old=st.booleans())
def test_any_document_gives_tools_that_can_be_offered_or_says_why_not(
    paths: dict[str, Any], old: bool
) -> None:
    given = {**document(BASE), "openapi": "3.0.0" if old else "3.1.0"}
    given["components"]["schemas"]["A/b"] = {"type": "object"}
    given["paths"] = {path: {"post": operation} for path, operation in paths.items()}
    try:
        api = derived(given)
    except BadDocument:
        return
    assert len(api.tools) + len(api.left_out) == len(paths)
    for name, tool in api.tools.items():
        assert 0 < len(name) <= 64
        assert re.fullmatch(r"[A-Za-z0-9_.-]+", name)
        jsonschema_rs.validator_for(tool.definition["inputSchema"], offline=True)
        assert tool.definition["name"] == name
    assert derived(copy.deepcopy(given)).tools.keys() == api.tools.keys()


@pytest.mark.proves("SEC-103")
def test_a_small_document_that_names_one_large_schema_often_costs_no_more_than_its_limit() -> None:
    content: dict[str, Any] = document(BASE)
    large = {"type": "object", "properties": {f"p{at}": {"type": "string"} for at in range(8_000)}}
    content["components"]["schemas"]["Large"] = large
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Large"}}}}
    for at in range(60):
        operation = {"operationId": f"op{at}", "requestBody": body, "responses": {"200": {"description": ""}}}
        content["paths"][f"/large/{at}"] = {"post": operation}

    api = derived(content)

    assert "listPets" in api.tools
    assert len(api.tools) < 20
    assert "too large together" in api.left_out["POST /large/59"]
