"""One request, made to be read in two ways; ids that are used again; records that a caller would like to
forge, swell or stop; secrets that a server writes in another way (SPEC 9, 12, 13)."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from kit.errors import SwitchboardError
from kit.wire import mcp
from kit.wire.internal import AuditEvent
from kit.wire.mcp import RpcError, definition_hash
from kit.wire.tools import RegisteredTool
from knowledge.index import Index
from platform_api.audit import service as audit
from tests.tools.gateway.links import Inner, call_of, offered
from tests.tools.gateway.test_front_door import as_shipped, body_of, chunked, head_of, sent
from tests.tools.gateway.test_sessions import begin, say
from tests.tools.gateway.wire import CLIENT, call, error_of, post, stateless
from tests.tools.upstreams import Echo, definition, server, tool
from tests.tools.world import MAYA, TOM, Gate, registry_of, running_gateway
from tools.gateway.protocol.outlet import Outlet
from tools.gateway.protocol.stateless import _mirrors  # pyright: ignore[reportPrivateUsage] - one comparison, many forms
from tools.gateway.secrets import without_secrets
from tools.gateway.wrappers.forward import ServerRefused
from tools.gateway.wrappers.redact import redacted

MIRRORED = definition("echo.to") | {
    "inputSchema": {
        "type": "object",
        "properties": {
            "region": {"type": "string", "x-mcp-header": "Region"},
            "count": {"type": "integer", "x-mcp-header": "Count"},
        },
    }
}


@pytest.fixture
def echo() -> Echo:
    return Echo(
        lists=[definition("echo.say"), MIRRORED],
        answers=lambda params: {"content": [], "resultType": "complete"},
    )


@pytest.fixture
async def world(tmp_path: Path, redis: Redis, index: Index, echo: Echo) -> AsyncIterator[Gate]:
    policy = tool("echo.to").model_dump()
    policy |= {"definition": MIRRORED, "definition_hash": definition_hash(MIRRORED)}
    registry = registry_of([server(tool("echo.say"), RegisteredTool.model_validate(policy))])
    async with running_gateway(tmp_path, redis, index, registry=registry, apps={"echo": echo}) as gate:
        yield gate


# --- header and body


@pytest.mark.proves("GATE-207")
async def test_what_a_header_says_is_what_the_body_says(world: Gate, echo: Echo) -> None:
    arguments = {"region": "eu", "count": 10}
    right = {"mcp-param-region": "eu", "mcp-param-count": "10"}
    assert (await call(world, MAYA, "echo.to", arguments, **right)).status_code == 200
    assert {name: echo.calls[0].headers[name] for name in right} == right
    wrong: list[dict[str, str]] = [
        {"mcp-param-region": "us"},
        {"mcp-param-region": "EU"},
        {"mcp-param-region": "=?base64?ZXU?="},
        {"mcp-param-count": "11"},
        {"mcp-param-count": "1_0"},
        {"mcp-param-count": "1e1"},
        {"mcp-param-count": "0x0a"},
        {"mcp-method": "tools/list"},
        {"mcp-method": "TOOLS/CALL"},
        {"mcp-name": "echo.say"},
        {"mcp-name": "=?base64?ZWNoby50bw?="},
        {"mcp-protocol-version": "2026-07-29"},
    ]
    for change in wrong:
        answer = await call(world, MAYA, "echo.to", arguments, **(right | change))
        assert answer.status_code == 400, change
        assert error_of(answer)["code"] in (mcp.HEADER_MISMATCH, mcp.UNSUPPORTED_REVISION), change
    for left_out in ({"mcp-param-region": "eu"}, {}):
        assert (await call(world, MAYA, "echo.to", arguments, **left_out)).status_code == 400
    assert len(echo.calls) == 1


@pytest.mark.proves("GATE-207")
@given(st.integers(-(2**70), 2**70), st.text("0123456789-+._e xX", max_size=12))
def test_a_number_in_a_header_is_that_number_and_nothing_like_it(value: int, other: str) -> None:
    assert _mirrors(str(value), value)
    assert _mirrors(f"{value}.0", value)
    assert not _mirrors(str(value + 1), value)
    if _mirrors(other, value):
        assert other.lstrip("-").replace(".", "").isdigit()
        assert float(other) == float(value)


@pytest.mark.proves("GATE-207")
async def test_a_routing_header_that_comes_twice_is_refused_in_either_era(world: Gate, echo: Echo) -> None:
    session = await begin(world, MAYA)
    old = {
        "content-type": "application/json",
        "authorization": f"Bearer {world.token(MAYA)}",
        mcp.SESSION_HEADER: session,
    }
    new = stateless(world, MAYA, "tools/call", "echo.to")
    new |= {"mcp-param-region": "eu", "mcp-param-count": "1"}
    params = {"name": "echo.to", "arguments": {"region": "eu", "count": 1}}
    twice = [
        (old, ("mcp-protocol-version", "2025-11-25"), ("mcp-protocol-version", "2026-07-28")),
        (old, ("mcp-protocol-version", "2026-07-28"), ("mcp-protocol-version", "2025-11-25")),
        (old, ("mcp-session-id", session)),
        (old, ("mcp-method", "tools/list")),
        (new, ("mcp-name", "echo.say")),
        (new, ("mcp-method", "tools/list")),
        (new, ("mcp-param-region", "us")),
        (new, ("authorization", "Bearer other")),
    ]
    async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:
        for headers, *more in twice:
            body = mcp.request(
                "tools/call", params if headers is old else mcp.stateless_params(params, CLIENT)
            )
            answer = await client.post(f"{world.url}/mcp", content=body, headers=[*headers.items(), *more])
            assert answer.status_code == 400, more
    assert echo.calls == []


@pytest.mark.proves("GATE-207")
async def test_what_a_proxy_could_read_as_two_requests_is_no_request(world: Gate, echo: Echo) -> None:
    """Anything but one whole answered request: refused, or the connection is gone."""
    body = body_of()
    hidden = head_of(world, f"content-length: {len(body)}") + body
    length, pieces = f"content-length: {len(body)}", "transfer-encoding: chunked"
    odd = {
        "both": (head_of(world, length, pieces), b"0\r\n\r\n" + hidden),
        "both, the other first": (head_of(world, pieces, length), b"0\r\n\r\n" + hidden),
        "coding hidden by a blank": (head_of(world, length, "transfer-encoding : chunked"), body),
        "coding in a fold": (head_of(world, length, "x-a: b\r\n transfer-encoding: chunked"), body),
        "length in a fold": (head_of(world, "content-length:\r\n 5"), body),
        "length with a sign": (head_of(world, f"content-length: +{len(body)}"), body),
        "two lengths in one": (head_of(world, f"content-length: {len(body)}, 5"), body),
        "unknown coding": (head_of(world, "transfer-encoding: xchunked"), *chunked(body), b"0\r\n\r\n"),
        "coding twice": (head_of(world, pieces, pieces), *chunked(body), b"0\r\n\r\n"),
        "size with a sign": (head_of(world, pieces), b"+%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
        "size in 0x": (head_of(world, pieces), b"0x%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
        "size too long": (head_of(world, pieces), b"f" * 17 + b"\r\n" + body),
        "bare line feed after a size": (head_of(world, pieces), b"%x\n%b\r\n0\r\n\r\n" % (len(body), body)),
        "nothing after a piece": (head_of(world, pieces), b"%x\r\n%b0\r\n\r\n" % (len(body), body)),
        "bare line feed in the head": (head_of(world, length, "x-a: b\nx-b: c"), body),
        "carriage return in a value": (head_of(world, length, "x-a: b\rx-b: c"), body),
        "NUL in a value": (head_of(world, length, "x-a: b\0c"), body),
        "a name with a blank": (head_of(world, length, "x a: b"), body),
        "a length for nothing": (head_of(world, "content-length: 0"), hidden),
    }
    async with as_shipped(world) as url:
        said = {what: await sent(url, *parts) for what, parts in odd.items()}
        fine = await sent(url, head_of(world, pieces), b"%x;x=y\r\n%b\r\n0\r\n\r\n" % (len(body), body))
    assert {what: status for what, status in said.items() if b" 200 " in status} == {}
    assert b" 200 " in fine
    assert len(echo.calls) <= 2, "the plain one, and the request behind an empty one, which was refused alone"


# --- ids


@pytest.mark.proves("GATE-208")
async def test_an_id_used_again_reaches_nobody_elses_request(world: Gate, echo: Echo) -> None:
    mine, also_mine, theirs = await begin(world, MAYA), await begin(world, MAYA), await begin(world, TOM)
    echo.hangs = True
    waiting = asyncio.create_task(say(world, MAYA, "tools/call", CALL, mine, id=7))
    await asyncio.wait_for(echo.called.wait(), 20)
    for who, session, id in (
        (TOM, theirs, 7),
        (TOM, mine, 7),
        (MAYA, also_mine, 7),
        (MAYA, mine, "7"),
        (MAYA, mine, 7.0),
        (MAYA, mine, True),
        (MAYA, mine, None),
        (MAYA, mine, ["7"]),
    ):
        await say(world, who, "notifications/cancelled", {"requestId": id}, session, id=None)
        assert not waiting.done()
        assert not echo.cancelled.is_set()
    # the same id at the same time: served, and it takes nothing from the first
    echo.hangs = False
    again = await say(world, MAYA, "tools/call", CALL, mine, id=7)
    assert (again.json()["id"], "result" in again.json()) == (7, True)
    assert not waiting.done()
    await say(world, MAYA, "notifications/cancelled", {"requestId": 7}, mine, id=None)
    await asyncio.wait_for(echo.cancelled.wait(), 20)
    await waiting
    for id in ("", 0, -1, 2**62, "x" * 256, "\u202e"):
        answer = (await say(world, MAYA, "tools/call", CALL, mine, id=id)).json()
        assert (answer["id"], "result" in answer) == (id, True)


CALL = {"name": "echo.say", "arguments": {"text": "hello"}}


@pytest.mark.proves("GATE-208")
async def test_an_answer_that_nobody_asked_for_changes_nothing(world: Gate) -> None:
    session = await begin(world, MAYA)
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {world.token(MAYA)}",
        mcp.SESSION_HEADER: session,
    }
    for id in (1, "switchboard-", "switchboard-x", "switchboard-0-0", "switchboard-\0-\n", "x"):
        for said in (
            {"result": {"action": "accept"}},
            {"error": {"code": 1, "message": "x"}},
            {"result": None},
        ):
            body = json.dumps({"jsonrpc": "2.0", "id": id, **said})
            assert (await post(world, body, headers)).status_code == 202
    assert (await say(world, MAYA, "ping", session=session)).status_code == 200


# --- the record


@pytest.mark.proves("GATE-210")
async def test_nothing_that_a_caller_sends_swells_or_stops_the_record(world: Gate) -> None:
    large = {f"{number:03}\0\n\x1b[31m" + "x" * 15_000: "v" for number in range(60)}
    traces = [
        "00-\0\0-x-00",
        "00-" + "z" * 400 + "-b-c",
        "a\n-b-c-d",
        "00-" + "A" * 32 + "-" + "b" * 16 + "-00",
    ]
    assert (await call(world, MAYA, "echo.say", large)).status_code == 200
    for trace in traces:
        await call(world, MAYA, "echo.say", {"text": "x"}, meta={"traceparent": trace, "tracestate": "\0"})
    await call(world, MAYA, "echo.no\0\n" + "y" * 5000, {"text": "x"}, **{"mcp-name": "x"})
    good = f"00-{'a' * 32}-{'b' * 16}-01"
    await call(world, MAYA, "echo.say", {"text": "x"}, meta={"traceparent": good})
    await world.audited()

    records = list(world.platform.told("tool.call"))
    assert len(records) >= 2 + len(traces)
    assert max(len(record.model_dump_json()) for record in records) < 8000
    assert records[-1].trace_id == "a" * 32
    for record in records[:-1]:
        assert record.trace_id is None or (len(record.trace_id) == 32 and record.trace_id.isalnum())
        assert "\0" not in json.dumps(list(audit._row(record).values()), default=str)  # pyright: ignore[reportPrivateUsage] - what is stored


@pytest.mark.proves("GATE-210")
def test_a_record_that_is_not_fit_to_be_kept_is_made_fit() -> None:
    event = AuditEvent(
        id="0" * 26,
        at="2026-01-01T00:00:00+00:00",
        kind="audit",
        type="tool.call",
        organisation_id="\0",
        actor="a\0",
        trace_id="t\0" * 60,
        data={"tool\0": ["\0"]},
    )
    assert "\\u0000" not in json.dumps(audit._row(event), default=str)  # pyright: ignore[reportPrivateUsage] - what is stored


# --- what servers say

KEY = "-----BEGIN PRIVATE KEY-----\nMIIE+abc/def+ghi\nxyz+123\n-----END PRIVATE KEY-----"
SECRETS = [
    KEY,
    "AccountKey=" + "ab+/" * 21 + "==",
    "ghp_" + "a1" * 20,
    json.dumps({"password": "p+q"}),
    json.dumps({"pem": KEY}),
    json.dumps({"password": 'with "quotes" and \\ and \n'}),
    "postgres://user:pa+ss@host/db",
]


@pytest.mark.proves("GATE-211")
@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("writer", ["plain", "as .NET does", "everything escaped"])
def test_a_secret_is_found_however_json_is_written(secret: str, writer: str) -> None:
    text = json.dumps({"content": [{"type": "text", "text": f"before {secret} after"}]})
    if writer == "as .NET does":
        text = text.replace('\\"', "\\u0022").replace("+", "\\u002B").replace("'", "\\u0027")
    elif writer == "everything escaped":
        said = "".join(f"\\u{ord(character):04x}" for character in f"before {secret} after")
        text = '{"content":[{"type":"text","text":"' + said + '"}]}'
    clean, found = without_secrets(text.encode())

    assert found >= 1
    left = json.loads(clean)["content"][0]["text"]
    assert left.startswith("before ")
    for part in ("MIIE", "xyz", "ab+/", "a1a1", "p+q", "quotes", "pa+ss"):
        assert part not in left


@pytest.mark.proves("GATE-211")
@settings(max_examples=25)
@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_holds_no_secret_stays_byte_for_byte(value: Any) -> None:
    for ascii in (True, False):
        text = json.dumps(value, ensure_ascii=ascii).replace("/", "\\/")
        clean, found = without_secrets(text.encode(errors="surrogatepass"))
        if not found:
            assert clean == text.encode(errors="surrogatepass")


@pytest.mark.proves("GATE-211")
async def test_an_error_of_a_server_is_looked_through_as_well() -> None:
    secret = "ghp_" + "a1" * 20
    for code, kept in ((mcp.INVALID_PARAMS, False), (mcp.URL_NEEDED, True)):
        error = ServerRefused(RpcError(code, f"bad: {secret}", {"url": f"https://x/?state={secret}"}))
        with pytest.raises(ServerRefused) as refused:
            await redacted(Inner(error))(call_of(MAYA, offered()))
        assert secret not in refused.value.error.message
        assert (secret in json.dumps(refused.value.error.data)) is kept
        assert isinstance(refused.value, SwitchboardError)


@pytest.mark.proves("GATE-207")
async def test_a_result_over_several_lines_is_one_event() -> None:
    said: list[bytes] = []

    async def send(message: Any) -> None:
        said.append(message.get("body", b""))

    outlet = Outlet(send, streams=True)
    await outlet.begin()
    await outlet.finish(200, b'{"jsonrpc":"2.0","id":1,"result":{\r\n"a":\n1}}')
    lines = b"".join(said).split(b"\n")

    assert [line for line in lines if line] == [
        b"event: message",
        b'data: {"jsonrpc":"2.0","id":1,"result":{  "a": 1}}',
    ]
