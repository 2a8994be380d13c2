"""2026-07-28 as written: header and body agree, errors have the codes and statuses of the revision."""

import json
from typing import Any

import pytest

from kit.wire import mcp
from tests.tools.gateway.wire import CLIENT, call, error_of, post, stateless
from tests.tools.world import MAYA, Gate


async def test_discover_names_every_revision_and_needs_no_session(gate: Gate) -> None:
    body = mcp.request("server/discover", mcp.stateless_params({}, CLIENT), id="a-string")
    response = await post(gate, body, stateless(gate, MAYA, "server/discover"))

    answer = response.json()
    assert answer["id"] == "a-string"
    assert answer["result"]["resultType"] == "complete"
    assert answer["result"]["supportedVersions"] == list(mcp.REVISIONS)
    assert answer["result"]["_meta"][mcp.SERVER_META]["name"] == "switchboard"
    assert mcp.SESSION_HEADER not in response.headers


async def test_a_list_may_be_cached_privately_only(gate: Gate) -> None:
    body = mcp.request("tools/list", mcp.stateless_params({}, CLIENT))
    result = (await post(gate, body, stateless(gate, MAYA, "tools/list"))).json()["result"]

    assert result["resultType"] == "complete"
    assert result["cacheScope"] == "private"
    assert result["ttlMs"] > 0


@pytest.mark.proves("GATEWAY-003")
@pytest.mark.parametrize(
    "changed",
    [
        {"mcp-method": "tools/list"},
        {"mcp-name": "verify.quote"},
        {"mcp-name": "=?base64?####?="},
        {"mcp-protocol-version": "2099-01-01"},
    ],
)
async def test_headers_that_differ_from_the_body_are_refused(gate: Gate, changed: dict[str, str]) -> None:
    response = await call(gate, MAYA, **changed)

    assert response.status_code == 400
    assert error_of(response)["code"] == mcp.HEADER_MISMATCH
    assert response.json()["id"] == 1


async def test_an_encoded_name_header_is_understood(gate: Gate) -> None:
    response = await call(gate, MAYA, **{"mcp-name": "=?base64?ZG9jcy5zZWFyY2g=?="})

    assert response.status_code == 200
    assert "result" in response.json()


async def test_a_routing_header_that_comes_twice_is_refused(gate: Gate) -> None:
    params = mcp.stateless_params({"name": "docs.search", "arguments": {"query": "leave"}}, CLIENT)
    headers = [*stateless(gate, MAYA, "tools/call", "docs.search").items(), ("Mcp-Name", "docs.search")]
    response = await post(gate, mcp.request("tools/call", params), headers)  # type: ignore[arg-type] # pairs, since a dict has no name twice

    assert error_of(response)["code"] == mcp.HEADER_MISMATCH


async def test_a_revision_that_we_do_not_serve_is_told_which_we_do(gate: Gate) -> None:
    params = mcp.stateless_params({}, CLIENT)
    params["_meta"][mcp.REVISION_META] = "2099-01-01"
    headers = stateless(gate, MAYA, "tools/list") | {mcp.REVISION_HEADER: "2099-01-01"}
    response = await post(gate, mcp.request("tools/list", params), headers)

    assert response.status_code == 400
    assert error_of(response)["code"] == mcp.UNSUPPORTED_REVISION
    assert error_of(response)["data"] == {"supported": list(mcp.REVISIONS), "requested": "2099-01-01"}


@pytest.mark.parametrize("method", ["ping", "initialize", "resources/list", "no/such/method"])
async def test_other_methods_are_not_found(gate: Gate, method: str) -> None:
    body = mcp.request(method, mcp.stateless_params({}, CLIENT))
    response = await post(gate, body, stateless(gate, MAYA, method))

    assert response.status_code == 404
    assert error_of(response)["code"] == mcp.METHOD_NOT_FOUND


@pytest.mark.parametrize("missing", [mcp.REVISION_META, mcp.CAPABILITIES_META])
async def test_a_request_without_its_envelope_is_refused(gate: Gate, missing: str) -> None:
    params = mcp.stateless_params({}, CLIENT)
    del params["_meta"][missing]
    response = await post(gate, mcp.request("tools/list", params), stateless(gate, MAYA, "tools/list"))

    assert response.status_code == 400
    assert error_of(response)["code"] == mcp.INVALID_PARAMS
    assert missing in error_of(response)["message"]


async def test_a_notification_is_taken_note_of(gate: Gate) -> None:
    body = json.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {}})
    response = await post(gate, body, stateless(gate, MAYA, "notifications/cancelled"))

    assert (response.status_code, response.content) == (202, b"")


BAD_BODIES: list[tuple[bytes, int, str]] = [
    (b"", mcp.PARSE_ERROR, "empty"),
    (b"{", mcp.PARSE_ERROR, "cut"),
    (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', mcp.PARSE_ERROR, "invalid UTF-8"),
    (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', mcp.PARSE_ERROR, "duplicate key"),
    (
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":{"b":1,"b":2}}}',
        mcp.PARSE_ERROR,
        "deep duplicate",
    ),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1e999}}', mcp.PARSE_ERROR, "range"),
    (
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":' + b"[" * 100 + b"]" * 100 + b"}}",
        mcp.PARSE_ERROR,
        "deep",
    ),
    (b"[" * 500_000, mcp.PARSE_ERROR, "very deep"),
    (b"[]", mcp.INVALID_REQUEST, "empty batch"),
    (b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', mcp.INVALID_REQUEST, "batch"),
    (b'"text"', mcp.INVALID_REQUEST, "not an object"),
    (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', mcp.INVALID_REQUEST, "version"),
    (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', mcp.INVALID_REQUEST, "null id"),
    (b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}', mcp.INVALID_REQUEST, "fraction id"),
    (b'{"jsonrpc":"2.0","id":true,"method":"ping"}', mcp.INVALID_REQUEST, "bool id"),
    (b'{"jsonrpc":"2.0","id":1,"method":7}', mcp.INVALID_REQUEST, "method"),
    (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}', mcp.INVALID_PARAMS, "params"),
]


@pytest.mark.parametrize(("body", "code", "why"), BAD_BODIES, ids=[why for _, _, why in BAD_BODIES])
async def test_a_bad_body_is_a_json_rpc_error(gate: Gate, body: bytes, code: int, why: str) -> None:
    response = await post(gate, body, stateless(gate, MAYA, "ping"))

    assert response.status_code == 400
    assert error_of(response)["code"] == code


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"accept": "text/html"}, 406),
        ({"origin": "https://elsewhere.example"}, 403),
        ({"x-filler": "a" * 33_000}, 431),
    ],
)
async def test_http_that_is_not_mcp_is_refused(gate: Gate, headers: dict[str, str], status: int) -> None:
    assert (await call(gate, MAYA, **headers)).status_code == status


async def test_a_body_over_the_limit_is_refused(gate: Gate) -> None:
    arguments: dict[str, Any] = {"query": "a" * 1_000_001}

    assert (await call(gate, MAYA, arguments=arguments)).status_code == 413


async def test_a_body_that_says_nothing_of_its_length_is_limited_too(gate: Gate) -> None:
    async def endless() -> Any:
        for _ in range(200):
            yield b"a" * 10_000

    response = await post(gate, endless(), stateless(gate, MAYA, "ping"))

    assert response.status_code == 413
