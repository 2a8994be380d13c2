"""`switchboard mcp` for admins, as it is typed: what is asked of the platform, and what is shown."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog
from typer.testing import CliRunner, Result

from launch.__main__ import build
from launch.cli import mcp_commands
from tests import scripted_platform as say
from tests.scripted_platform import NOW, Answer, ScriptedPlatform

SERVER, TOOL = UUID(int=0xA), UUID(int=0xB)
SERVERS, TOOLS = "/api/v1/mcp-servers", "/api/v1/admin/tools"
HASH = "0" * 64


def server(name: str = "rooms", **changes: Any) -> dict[str, Any]:
    return {
        "id": str(SERVER),
        "name": name,
        "address": f"openapi:{name}",
        "description": "",
        "audience": name,
        "credential": "none",
        "ours": False,
        "state": "active",
        "shares": [],
        "roles": [],
        "privacy_compatible": False,
        "tools": {"approved": 0, "pending": 1, "quarantined": 0},
        "created_at": NOW,
        "updated_at": NOW,
        "version": 1,
        **changes,
    }


def tool(state: str = "pending", **changes: Any) -> dict[str, Any]:
    return {
        "id": str(TOOL),
        "name": "list_rooms",
        "called": "list_rooms",
        "title": "",
        "description": "All rooms",
        "server": "rooms",
        "server_id": str(SERVER),
        "ours": False,
        "state": state,
        "claimed_risk": "read",
        "definition_hash": HASH,
        "version": 1,
        **changes,
    }


def definition(state: str = "pending", **changes: Any) -> dict[str, Any]:
    seen = {"name": "list_rooms", "description": "All rooms", "inputSchema": {"type": "object"}}
    return {"tool": tool(state), "seen": seen, "seen_hash": HASH, **changes}


def definitions(*items: dict[str, Any], api: Any = None) -> dict[str, Any]:
    tested = {"reachable": True, "revision": "2026-07-28", "tools": len(items), "took_ms": 12.0, "api": api}
    return {"server": server(), "tested": tested, "items": [*items]}


@pytest.fixture
def _logging() -> Iterator[None]:
    """The command line sets up logging for its own process."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture
async def platform(_logging: None) -> AsyncIterator[ScriptedPlatform]:
    async with say.running() as running:
        running.on("POST", "/auth/dev", Answer({"access_token": "t", "expires_in": 60}))
        running.on("GET", SERVERS, Answer({"items": [server()]}))
        running.on("GET", TOOLS, Answer({"items": [tool("approved")]}))
        yield running


async def mcp(platform: ScriptedPlatform, *words: str, typed: str = "") -> Result:
    arguments = ["mcp", words[0], "--url", platform.url, *words[1:]]
    return await asyncio.to_thread(CliRunner().invoke, build("mcp"), arguments, typed)


def sent(platform: ScriptedPlatform, method: str, path: str) -> list[Any]:
    return [json.loads(one.body or b"null") for one in platform.requests(method, path)]


@pytest.fixture
def document(tmp_path: Path) -> Path:
    file = tmp_path / "rooms.yaml"
    file.write_text("openapi: 3.1.0\ninfo: {title: Rooms, version: '1'}\npaths: {}\n")
    return file


@pytest.mark.proves("GOV-707")
async def test_an_api_is_registered_and_what_its_document_left_out_is_said(
    platform: ScriptedPlatform, document: Path
) -> None:
    notes = {
        "left_out": {"GET /far": "it refers to\u202e 'https://far.example.com', which is outside."},
        "sign_in": [
            {"name": "key", "kind": "api_key", "place": "header", "header": "X-Key"},
            {"name": "login", "kind": "oauth2"},
        ],
    }
    platform.on("POST", SERVERS, Answer(server(), 201))
    platform.on("GET", f"{SERVERS}/{SERVER}/definitions", Answer(definitions(definition(), api=notes)))
    at = ["--openapi", str(document), "--base-url", "https://rooms.example.com/v1"]
    shown = await mcp(platform, "add", "rooms", *at)
    assert shown.exit_code == 0, shown.output
    (asked,) = sent(platform, "POST", SERVERS)
    assert (asked["name"], asked["base_url"]) == ("rooms", "https://rooms.example.com/v1")
    assert asked["document"]["info"]["title"] == "Rooms"
    told = " ".join(shown.output.split())
    assert "Left out: GET /far: it refers to<U+202E> 'https://far.example.com'" in told
    assert "key: a key in the header X-Key login: OAuth 2" in told
    assert "add it again with --credential stored --replace" in told
    assert "mcp sign-in rooms --kind static --header X-Key --secret-from VARIABLE" in told
    assert "Nobody can call them yet." in told


@pytest.mark.proves("GOV-707")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--openapi", "{file}"], "belong together"),
        (["--base-url", "https://rooms.example.com"], "Say one of"),
        (["--at", "https://x.example.com/mcp", "--openapi", "{file}"], "Say one of"),
        (["--openapi", "{other}", "--base-url", "https://rooms.example.com"], "is no OpenAPI document"),
        (["--openapi", "{broken}", "--base-url", "https://rooms.example.com"], "neither JSON nor YAML"),
    ],
)
async def test_what_is_no_registration_is_not_sent(
    platform: ScriptedPlatform, document: Path, words: list[str], told: str
) -> None:
    other, broken = document.with_name("other.yaml"), document.with_name("broken.yaml")
    other.write_text("a: 1\n")
    broken.write_text("a: [\n")
    given = [word.format(file=document, other=other, broken=broken) for word in words]
    shown = await mcp(platform, "add", "rooms", *given)
    assert shown.exit_code == 2
    assert told in " ".join(shown.output.replace("│", " ").split())
    assert platform.requests("POST", SERVERS) == []


@pytest.mark.proves("GOV-707")
async def test_a_name_that_is_taken_is_told_in_words_of_the_command_line(platform: ScriptedPlatform) -> None:
    platform.on("POST", SERVERS, Answer(say.problem(409, "tool_server_taken", "It is taken."), 409))
    shown = await mcp(platform, "add", "rooms", "--at", "https://rooms.example.com/mcp")
    assert shown.exit_code == 1
    assert "It is taken. Choose another name, or say --replace" in shown.output


@pytest.mark.proves("GOV-707")
@pytest.mark.parametrize("name", ["list_rooms", "rooms/list_rooms"])
async def test_a_tool_is_quarantined_with_its_reason_and_released(
    platform: ScriptedPlatform, name: str
) -> None:
    platform.on("POST", f"{TOOLS}/{TOOL}/quarantine", Answer(tool("quarantined")))
    platform.on("POST", f"{TOOLS}/{TOOL}/release", Answer(tool("approved")))
    shown = await mcp(platform, "quarantine", name, "--reason", "It lies.")
    assert shown.output == f"quarantined {name}; give it back with: switchboard mcp release {name}\n"
    assert sent(platform, "POST", f"{TOOLS}/{TOOL}/quarantine") == [{"reason": "It lies."}]
    assert (await mcp(platform, "release", name)).output == f"released {name}\n"
    assert len(platform.requests("POST", f"{TOOLS}/{TOOL}/release")) == 1


@pytest.mark.proves("GOV-707")
async def test_a_whole_server_is_quarantined_and_released(platform: ScriptedPlatform) -> None:
    for verb in ("quarantine", "release"):
        platform.on("POST", f"{SERVERS}/{SERVER}/{verb}", Answer(server()))
        shown = await mcp(platform, verb, "rooms")
        assert shown.exit_code == 0, shown.output
        assert len(platform.requests("POST", f"{SERVERS}/{SERVER}/{verb}")) == 1


@pytest.mark.proves("GOV-707")
async def test_a_change_is_shown_before_it_is_rejected_and_nothing_happens_without_a_yes(
    platform: ScriptedPlatform,
) -> None:
    change = {"path": "description", "kind": "changed", "before": "All rooms", "after": "Your files"}
    changed = definition("quarantined", approved={}, changes=[change])
    platform.on("GET", f"{TOOLS}/{TOOL}/definition", Answer(changed))
    platform.on("POST", f"{TOOLS}/{TOOL}/reject", Answer(tool("quarantined")))
    no = await mcp(platform, "reject", "list_rooms", typed="n\n")
    assert no.exit_code == 3
    assert "is  Your files" in no.output
    assert "Nothing was rejected." in no.output
    assert platform.requests("POST", f"{TOOLS}/{TOOL}/reject") == []
    yes = await mcp(platform, "reject", "list_rooms", typed="y\n")
    assert yes.exit_code == 0
    assert yes.output.endswith("rejected list_rooms\n")
    assert len(platform.requests("POST", f"{TOOLS}/{TOOL}/reject")) == 1


@pytest.mark.proves("GOV-707")
async def test_only_tools_are_rejected_and_nobodys_name_is_nothing(platform: ScriptedPlatform) -> None:
    of_a_server = await mcp(platform, "reject", "rooms", "--yes")
    assert of_a_server.exit_code == 2
    assert "rooms/TOOL" in of_a_server.output
    unknown = await mcp(platform, "quarantine", "nothing")
    assert unknown.exit_code == 2
    assert "There is no server and no tool 'nothing'" in " ".join(unknown.output.split())


@pytest.mark.proves("GOV-707")
async def test_a_server_is_removed_with_its_command_after_a_yes(
    platform: ScriptedPlatform, tmp_path: Path
) -> None:
    mcp_commands.add(tmp_path, "rooms", ["/bin/true"], folder=tmp_path)
    platform.on("GET", SERVERS, Answer({"items": [server(address="stdio:rooms")]}))
    platform.on("DELETE", f"{SERVERS}/{SERVER}", Answer(status=204))
    no = await mcp(platform, "remove", "rooms", "--data", str(tmp_path), typed="n\n")
    assert no.exit_code == 1
    assert platform.requests("DELETE", f"{SERVERS}/{SERVER}") == []
    assert mcp_commands.remove(tmp_path, "rooms")
    mcp_commands.add(tmp_path, "rooms", ["/bin/true"], folder=tmp_path)
    yes = await mcp(platform, "remove", "rooms", "--data", str(tmp_path), typed="y\n")
    assert yes.exit_code == 0, yes.output
    assert "removed rooms\nremoved its command from" in yes.output
    assert mcp_commands.remove(tmp_path, "rooms") is False


@pytest.mark.usefixtures("_logging")
async def test_where_nobody_answers_no_request_id_is_shown() -> None:
    arguments = ["mcp", "servers", "--url", "http://127.0.0.1:1"]
    shown = await asyncio.to_thread(CliRunner().invoke, build("mcp"), arguments)
    assert shown.exit_code == 1
    assert "Nothing answers" in shown.output
    assert "Request id" not in shown.output


@pytest.mark.proves("GOV-515")
async def test_what_was_agreed_to_for_a_conversation_is_listed_and_taken_back(
    platform: ScriptedPlatform,
) -> None:
    kept = {"id": "abc" + "0" * 61, "tool": "notes.add", "server": "notes"}
    kept |= {"session_id": str(SERVER), "remembered_at": NOW, "expires_at": NOW}
    other = kept | {"id": "abd" + "0" * 61, "session_id": None}
    platform.on("GET", "/api/v1/me/approvals", Answer({"items": [kept, other]}))
    platform.on("DELETE", f"/api/v1/me/approvals/{kept['id']}", Answer(status=204))
    shown = await mcp(platform, "approvals")
    assert "abc000000000  notes.add  notes   conversation 00000000" in shown.output
    assert "abd000000000  notes.add  notes   a session of an MCP client" in shown.output
    assert (await mcp(platform, "forget", "ab")).exit_code == 2
    assert (await mcp(platform, "forget", "abc")).output == "notes.add asks again\n"
    assert len(platform.requests("DELETE", f"/api/v1/me/approvals/{kept['id']}")) == 1
    platform.on("GET", "/api/v1/me/approvals", Answer({"items": []}))
    assert (await mcp(platform, "approvals")).output == "Every call that needs your yes asks for it.\n"
