"""The session era: initialize first, then an id that works for one person only."""

import json
from typing import Any

import httpx
import pytest

from access.principal import Principal
from kit.wire import mcp
from tests.tools.gateway.wire import error_of, post
from tests.tools.world import MAYA, TOM, Gate


async def say(
    gate: Gate, principal: Principal, method: str, params: Any = None, session: str = "", id: Any = 1
) -> httpx.Response:
    message = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    headers = {"content-type": "application/json", "authorization": f"Bearer {gate.token(principal)}"}
    if session:
        headers[mcp.SESSION_HEADER] = session
    return await post(gate, json.dumps(message | ({"id": id} if id is not None else {})), headers)


async def begin(gate: Gate, principal: Principal, revision: str = "2025-11-25") -> str:
    response = await say(gate, principal, "initialize", {"protocolVersion": revision})
    return response.headers[mcp.SESSION_HEADER]


@pytest.mark.parametrize("revision", mcp.SESSION_REVISIONS)
async def test_every_older_revision_is_agreed_on(gate: Gate, revision: str) -> None:
    response = await say(gate, MAYA, "initialize", {"protocolVersion": revision})

    result = response.json()["result"]
    assert result["protocolVersion"] == revision
    assert result["serverInfo"]["name"] == "switchboard"
    session = response.headers[mcp.SESSION_HEADER]
    initialized = await say(gate, MAYA, "notifications/initialized", session=session, id=None)
    assert initialized.status_code == 202
    assert (await say(gate, MAYA, "ping", session=session)).json() == {
        "jsonrpc": "2.0",
        "id": 1,
        "result": {},
    }


async def test_an_unknown_revision_is_answered_with_the_newest_with_sessions(gate: Gate) -> None:
    response = await say(gate, MAYA, "initialize", {"protocolVersion": "1999-01-01"})

    assert response.json()["result"]["protocolVersion"] == "2025-11-25"


async def test_without_a_session_nothing_but_initialize_is_served(gate: Gate) -> None:
    response = await say(gate, MAYA, "tools/list")

    assert response.status_code == 400
    assert "initialize" in error_of(response)["message"]


@pytest.mark.proves("GATEWAY-004")
async def test_a_session_is_of_no_use_to_anybody_else(gate: Gate) -> None:
    session = await begin(gate, MAYA)

    assert (await say(gate, MAYA, "tools/list", session=session)).status_code == 200
    assert (await say(gate, TOM, "tools/list", session=session)).status_code == 404
    assert (await say(gate, MAYA, "tools/list", session="made-up")).status_code == 404
    forged = session[:-6] + ("AAAAAA" if session[-6:] != "AAAAAA" else "BBBBBB")
    assert (await say(gate, MAYA, "tools/list", session=forged)).status_code == 404


async def test_a_session_ends_when_its_owner_says_so(gate: Gate) -> None:
    session = await begin(gate, MAYA)
    await say(gate, MAYA, "ping", session=session)
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        for principal, status in ((TOM, 404), (MAYA, 204)):
            headers = {"authorization": f"Bearer {gate.token(principal)}", mcp.SESSION_HEADER: session}
            assert (await client.delete(f"{gate.url}/mcp", headers=headers)).status_code == status

    assert (await say(gate, MAYA, "ping", session=session)).status_code == 404


async def test_a_session_expires(gate: Gate) -> None:
    session = await begin(gate, MAYA)
    gate.clock.move(hours=25)

    assert (await say(gate, MAYA, "ping", session=session)).status_code == 404


async def test_only_who_has_a_session_may_listen(gate: Gate) -> None:
    stream = {"accept": "text/event-stream"}
    signed_in = stream | {"authorization": f"Bearer {gate.token(MAYA)}"}
    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        assert (await client.get(f"{gate.url}/mcp")).status_code == 406
        assert (await client.get(f"{gate.url}/mcp", headers=stream)).status_code == 401
        assert (await client.get(f"{gate.url}/mcp", headers=signed_in)).status_code == 400
        others = signed_in | {mcp.SESSION_HEADER: await begin(gate, TOM)}
        assert (await client.get(f"{gate.url}/mcp", headers=others)).status_code == 404
        newer = signed_in | {mcp.REVISION_HEADER: "2026-07-28"}
        assert (await client.get(f"{gate.url}/mcp", headers=newer)).status_code == 405


async def test_an_unknown_method_keeps_its_id_and_the_connection(gate: Gate) -> None:
    session = await begin(gate, MAYA)
    response = await say(gate, MAYA, "resources/list", session=session, id="x")

    assert (response.status_code, response.json()["id"]) == (200, "x")
    assert error_of(response)["code"] == mcp.METHOD_NOT_FOUND


async def test_batches_of_2025_03_26_are_refused_cleanly(gate: Gate) -> None:
    headers = {"content-type": "application/json", "authorization": f"Bearer {gate.token(MAYA)}"}
    response = await post(gate, b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', headers)

    assert response.status_code == 400
    assert error_of(response)["code"] == mcp.INVALID_REQUEST
