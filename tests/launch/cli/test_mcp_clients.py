"""Settings for MCP clients: in the form that each of them documents, and with no secret in them."""

import json
import os
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner

from launch.__main__ import build
from launch.cli.mcp_clients import FILES, Client, merged, settings_for

ROOT = Path(__file__).parents[3]
CLIENTS = get_args(Client)
GATEWAY = "https://tools.example.com"


def server_of(made: dict[str, Any]) -> dict[str, Any]:
    return made["servers" if "servers" in made else "mcpServers"]["switchboard"]


@pytest.mark.proves("GOV-706")
def test_each_client_gets_the_form_that_it_documents() -> None:
    forms = {client: settings_for(client, GATEWAY) for client in CLIENTS}
    # code.claude.com/docs/en/mcp: "Environment variable expansion in .mcp.json"
    assert forms["claude-code"]["mcpServers"]["switchboard"] == {
        "type": "http",
        "url": f"{GATEWAY}/mcp?names=plain",
        "headers": {"Authorization": "Bearer ${SWITCHBOARD_TOKEN}"},
    }
    # code.visualstudio.com/docs/copilot/reference/mcp-configuration
    assert forms["vscode"]["servers"]["switchboard"]["type"] == "http"
    reference = forms["vscode"]["servers"]["switchboard"]["headers"]["Authorization"]
    asked = {f"Bearer ${{input:{one['id']}}}": one for one in forms["vscode"]["inputs"]}
    assert asked[reference]["type"] == "promptString"
    assert asked[reference]["password"] is True
    # cursor.com/docs/mcp: "Config interpolation"
    assert server_of(forms["cursor"]) == {
        "url": f"{GATEWAY}/mcp?names=plain",
        "headers": {"Authorization": "Bearer ${env:SWITCHBOARD_TOKEN}"},
    }
    assert server_of(forms["generic"])["url"] == f"{GATEWAY}/mcp"


@pytest.mark.proves("GOV-706")
def test_the_repositorys_own_file_is_what_is_written_for_claude_code() -> None:
    own = json.loads((ROOT / ".mcp.json").read_text())
    made = settings_for("claude-code", "http://localhost:8000")
    address = server_of(own).pop("url")
    assert address.replace("${SWITCHBOARD_URL:-http://localhost:8000}", "http://localhost:8000") == (
        server_of(made).pop("url")
    )
    assert own == made


@pytest.mark.proves("GOV-706")
@pytest.mark.parametrize("client", CLIENTS)
def test_a_secret_stands_there_by_name_only(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_TOKEN", "sb_very_secret")
    shown = CliRunner().invoke(build("mcp"), ["mcp", "config", "--client", client, "--url", GATEWAY])
    assert shown.exit_code == 0, shown.output
    assert "sb_very_secret" not in shown.output
    assert re.search(r"\$\{(env:|input:)?[A-Za-z_-]+\}", shown.stdout)
    json.loads(shown.stdout)


@pytest.mark.proves("GOV-706")
@pytest.mark.parametrize("client", CLIENTS)
def test_what_stands_in_the_file_already_stays(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    servers = "servers" if client == "vscode" else "mcpServers"
    there: dict[str, Any] = {servers: {"other": {"url": "https://other"}}, "inputs": [{"id": "theirs"}]}
    FILES[client].parent.mkdir(parents=True, exist_ok=True)
    FILES[client].write_text(json.dumps(there))
    arguments = ["mcp", "config", "--client", client, "--url", GATEWAY, "--write"]
    for _ in range(2):
        assert CliRunner().invoke(build("mcp"), arguments).exit_code == 0
    written = json.loads(FILES[client].read_text())
    assert set(written[servers]) == {"other", "switchboard"}
    assert written[servers]["other"] == {"url": "https://other"}
    assert [one["id"] for one in written["inputs"]].count("theirs") == 1
    assert merged(written, settings_for(client, GATEWAY)) == written


@pytest.mark.proves("GOV-706")
def test_a_file_that_is_not_ours_to_read_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    FILES["claude-code"].write_text("// a comment\n{}")
    told = CliRunner().invoke(build("mcp"), ["mcp", "config", "--url", GATEWAY, "--write"])
    assert told.exit_code == 1
    assert "by hand" in told.output
    assert FILES["claude-code"].read_text() == "// a comment\n{}"


@pytest.mark.proves("GOV-706")
@pytest.mark.parametrize(
    "address", ["tools.example.com", "ftp://x", "https://me:secret@x", "https://x?key=1"]
)
def test_what_is_no_address_of_a_gateway_is_refused(address: str) -> None:
    told = CliRunner().invoke(build("mcp"), ["mcp", "config", "--url", address], env=dict(os.environ))
    assert told.exit_code == 1
    assert "address of a gateway" in told.output
