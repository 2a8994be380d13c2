"""switchboard mcp config: the settings with which an MCP client reaches the gateway.

A secret is never written: each client reads it from the environment, or asks, in the way that it documents
(Claude Code `${VAR}`, VS Code `${input:…}`, Cursor `${env:VAR}`).
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import httpx
import typer

from bot.console.plain import one_line, said
from kit.files import write_whole
from launch.cli.connect import DEFAULT_URL, FAILED, Url

TOKEN = "SWITCHBOARD_TOKEN"  # noqa: S105 - the name of a variable
NAME = "switchboard"
Client = Literal["claude-code", "vscode", "cursor", "generic"]
Settings = dict[str, Any]

WhichClient = Annotated[Client, typer.Option("--client", help="Whose settings.")]
Gateway = Annotated[
    str,
    typer.Option("--gateway", help="Where the gateway answers, if not at the platform's address."),
]
Server = Annotated[str, typer.Option("--server", help="One server's own endpoint; all tools without it.")]
Write = Annotated[
    bool, typer.Option("--write", help="Into the client's file in this folder, beside what is there.")
]


class Unreadable(Exception):
    """The client's file is not what we can add to: a sentence."""


def command(mcp: typer.Typer) -> None:
    @mcp.command(help="Settings for an MCP client: Claude Code, VS Code, Cursor and others.")
    def config(
        client: WhichClient = "claude-code",
        gateway: Gateway = "",
        server: Server = "",
        write: Write = False,
        url: Url = DEFAULT_URL,
    ) -> None:
        raise typer.Exit(_config(client, gateway or url, server, write=write))


def settings_for(client: Client, gateway: str, server: str = "") -> Settings:
    """In the form that the client documents. Raises ValueError for what is no address."""
    return _FORMS[client](_name(server), _endpoint(client, gateway, server))


def merged(there: Mapping[str, Any], ours: Settings) -> Settings:
    """Ours take the place of what has their name; everything else stays."""
    made: Settings = dict(there)
    for key, value in ours.items():
        if isinstance(value, dict):
            made[key] = {**cast(dict[str, Any], made.get(key) or {}), **cast(dict[str, Any], value)}
        else:
            known = {one["id"] for one in value}
            kept = [one for one in cast(list[Any], made.get(key) or []) if one.get("id") not in known]
            made[key] = kept + value
    return made


def _config(client: Client, gateway: str, server: str, *, write: bool) -> int:
    try:
        made = settings_for(client, gateway, server)
        if not write:
            print(json.dumps(made, indent=2))
            print(said(_next(client)), file=sys.stderr)
            return 0
        file = FILES[client]
        write_whole(file, json.dumps(merged(_there(file), made), indent=2).encode() + b"\n")
    except (ValueError, Unreadable) as error:
        print(said(one_line(str(error))), file=sys.stderr)
        return FAILED
    except OSError as error:
        print(said(f"{FILES[client]} cannot be written: {error.strerror}"), file=sys.stderr)
        return FAILED
    print(said(f"Written to {file}.", _next(client)))
    return 0


def _there(file: Path) -> Settings:
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Unreadable(f"{file} is there but is no plain JSON; add the settings by hand.") from error
    if not isinstance(found, dict):
        raise Unreadable(f"{file} is there but holds no object; add the settings by hand.")
    return cast(Settings, found)


def _endpoint(client: Client, gateway: str, server: str) -> str:
    parsed = httpx.URL(gateway)
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo or parsed.query:
        raise ValueError(f"{gateway} is not the address of a gateway, such as https://tools.example.com.")
    path = f"/servers/{server}/mcp" if server else "/mcp"
    # these three take letters, digits, _ and - in the name of a tool
    plain = "" if client == "generic" else "?names=plain"
    return f"{gateway.rstrip('/')}{path}{plain}"


def _name(server: str) -> str:
    return f"{NAME}-{server}" if server else NAME


def _claude_code(name: str, url: str) -> Settings:
    return {"mcpServers": {name: {"type": "http", "url": url, "headers": _headers(f"${{{TOKEN}}}")}}}


def _vscode(name: str, url: str) -> Settings:
    asked = {"type": "promptString", "id": "switchboard-token", "description": "Switchboard API key"}
    headers = _headers("${input:switchboard-token}")
    return {
        "servers": {name: {"type": "http", "url": url, "headers": headers}},
        "inputs": [asked | {"password": True}],
    }


def _cursor(name: str, url: str) -> Settings:
    return {"mcpServers": {name: {"url": url, "headers": _headers(f"${{env:{TOKEN}}}")}}}


def _generic(name: str, url: str) -> Settings:
    headers = _headers(f"${{{TOKEN}}}")
    return {"mcpServers": {name: {"type": "streamable-http", "url": url, "headers": headers}}}


def _headers(reference: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {reference}"}


def _next(client: Client) -> str:
    if client == "vscode":
        return "VS Code asks for the API key once and keeps it. Make one with POST /api/v1/api-keys."
    return f"Set {TOKEN} to an API key (POST /api/v1/api-keys) where the client is started."


FILES: Mapping[Client, Path] = {
    "claude-code": Path(".mcp.json"),
    "vscode": Path(".vscode/mcp.json"),
    "cursor": Path(".cursor/mcp.json"),
    "generic": Path("mcp.json"),
}
_FORMS: Mapping[Client, Callable[[str, str], Settings]] = {
    "claude-code": _claude_code,
    "vscode": _vscode,
    "cursor": _cursor,
    "generic": _generic,
}
