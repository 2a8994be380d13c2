"""switchboard mcp list | call TOOL | inspect [TOOL]: the gateway from the terminal, as a client sees it;
and the verbs of servers, definitions, accounts and clients' settings.
"""

import json
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, cast

import httpx
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.console.plain import neutral, one_line, said
from kit.wire import mcp as wire
from launch.cli import mcp_accounts, mcp_clients, mcp_servers, mcp_tools
from launch.cli.connect import FAILED, NO_ANSWER, Access, Work, asks, connected

_CLIENT = {"name": "switchboard-cli", "version": "1"}
_TIMEOUT_S = 200.0
_SHOWN = 100
Server = Annotated[str, typer.Option("--server", help="One server's own endpoint; all tools without it.")]
Name = Annotated[str, typer.Argument(help="The tool.", show_default=False)]
MaybeName = Annotated[str, typer.Argument(help="A tool; the endpoint itself without it.")]
Given = Annotated[
    list[str] | None,
    typer.Argument(help="Arguments: name=value pairs, or one JSON object.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="The answer as it came.")]


class Refused(Exception):
    """The gateway did not answer as asked: a sentence, and the next step."""

    def __init__(self, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One MCP endpoint of the gateway, in revision 2026-07-28."""

    url: str
    token: str
    client: httpx.AsyncClient

    async def ask(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The result. Raises Refused."""
        given = params or {}
        named = given.get(wire.NAMED.get(method, ""))
        headers = wire.stateless_headers(method, named)
        headers |= {"authorization": f"Bearer {self.token}", "accept": "application/json"}
        body = wire.request(method, wire.stateless_params(given, _CLIENT))
        try:
            response = await self.client.post(self.url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise Refused(f"{self.url} does not answer.", "Is it running? See --url.") from error
        return _result(response)


def command(app: typer.Typer) -> None:
    mcp = typer.Typer(help="Tools and tool servers, through the gateway.", no_args_is_help=True)
    app.add_typer(mcp, name="mcp")
    _verbs(mcp)
    mcp_servers.command(mcp)  # mcp servers, add, test, usage, logs, remove
    mcp_tools.command(mcp)  # mcp approve, diff, reject, quarantine, release
    mcp_accounts.command(mcp)  # mcp connect, disconnect, accounts, sign-in
    mcp_clients.command(mcp)  # mcp config


def _verbs(mcp: typer.Typer) -> None:
    @mcp.command("list", help="The tools that you may use.")
    @asks("maya")
    def list_tools(access: Access, server: Server = "", as_json: AsJson = False) -> Work:
        return _listed(server, access, as_json=as_json)

    @mcp.command(help="Call a tool: switchboard mcp call docs.search query='annual leave' top_k=3")
    @asks("maya")
    def call(
        access: Access, tool: Name, given: Given = None, server: Server = "", as_json: AsJson = False
    ) -> Work:
        return _called(tool, given or [], server, access, as_json=as_json)

    @mcp.command(help="What the endpoint offers, or one tool with its schema.")
    @asks("maya")
    def inspect(access: Access, tool: MaybeName = "", server: Server = "") -> Work:
        return _inspected(tool, server, access)


async def _listed(server: str, access: Access, *, as_json: bool) -> int:
    async def show(endpoint: Endpoint) -> int:
        result = await endpoint.ask("tools/list")
        if as_json:
            return _print_json(result)
        tools: list[dict[str, Any]] = result.get("tools", [])
        if not tools:
            print(
                said("You may use no tool here.", "An admin can allow tools: see docs/how-to."),
                file=sys.stderr,
            )
            return NO_ANSWER
        table = Table("tool", "what it does", box=None, pad_edge=False)
        for tool in tools:
            about = one_line(str(tool.get("description") or tool.get("title") or ""))
            table.add_row(escape(one_line(str(tool.get("name")))), escape(about[:_SHOWN]))
        Console().print(table)
        return 0

    return await _at(server, access, show)


async def _called(tool: str, given: list[str], server: str, access: Access, *, as_json: bool) -> int:
    async def show(endpoint: Endpoint) -> int:
        arguments = _arguments(given)
        result = await endpoint.ask("tools/call", {"name": tool, "arguments": arguments})
        if as_json:
            _print_json(result)
        elif result.get("resultType") == "input_required":
            _print_questions(result)
        else:
            _print_content(result)
        if result.get("isError"):
            return FAILED
        return NO_ANSWER if result.get("resultType") == "input_required" else 0

    return await _at(server, access, show)


async def _inspected(tool: str, server: str, access: Access) -> int:
    async def show(endpoint: Endpoint) -> int:
        if not tool:
            return _print_json({"endpoint": endpoint.url} | await endpoint.ask("server/discover"))
        listed = (await endpoint.ask("tools/list")).get("tools", [])
        found = next((one for one in listed if one.get("name") == tool), None)
        if found is None:
            raise Refused(f"There is no tool {tool} for you.", "See `switchboard mcp list`.")
        return _print_json(found)

    return await _at(server, access, show)


async def _at(server: str, access: Access, show: Any) -> int:
    path = f"/servers/{server}/mcp" if server else "/mcp"
    try:
        async with _token(access) as token, httpx.AsyncClient(timeout=_TIMEOUT_S) as client:
            return await show(Endpoint(access.url.rstrip("/") + path, token, client))
    except Refused as error:
        print(said(one_line(str(error)), one_line(error.hint)), file=sys.stderr)
        return FAILED


@asynccontextmanager
async def _token(access: Access) -> AsyncGenerator[str]:
    """The given one; on this machine without one, an API key of the dev person that is gone afterwards."""
    if access.token:
        yield access.token
        return
    async with connected(access) as switchboard:
        key = await switchboard.api_keys.create("switchboard mcp", expires_in_days=1)
        try:
            yield key.key
        finally:
            await switchboard.api_keys.revoke(key.id)


def _result(response: httpx.Response) -> dict[str, Any]:
    try:
        body: Any = response.json()
    except ValueError as error:
        raise Refused(
            f"No MCP endpoint answers there (status {response.status_code}).", "See --url."
        ) from error
    if "result" in body:
        return body["result"]
    told: dict[str, Any] = body.get("error") or {}
    data: Any = told.get("data")
    hint = str(cast(dict[str, Any], data).get("hint", "")) if isinstance(data, dict) else ""
    raise Refused(str(told.get("message", f"Status {response.status_code}.")), hint)


def _arguments(given: list[str]) -> dict[str, Any]:
    """`name=value` (a value that is JSON is taken as such), or one JSON object. Raises Refused."""
    if len(given) == 1 and given[0].lstrip().startswith("{"):
        try:
            return cast(dict[str, Any], json.loads(given[0]))
        except ValueError as error:
            raise Refused(f"The arguments are not JSON: {error}.") from error
    made: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise Refused(f"'{pair}' is no argument.", "Write name=value, or one JSON object.")
        made[name] = _value(value)
    return made


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _print_json(value: Any) -> int:
    print(json.dumps(value, indent=2, ensure_ascii=not sys.stdout.encoding.lower().startswith("utf")))
    return 0


def _print_content(result: Mapping[str, Any]) -> None:
    """Structured where there is some, else each block; what a tool wrote is shown, never obeyed."""
    out = sys.stderr if result.get("isError") else sys.stdout
    if "structuredContent" in result and not result.get("isError"):
        _print_json(result["structuredContent"])
        return
    for block in result.get("content", ()):
        text = block.get("text") if block.get("type") == "text" else f"[{block.get('type')}]"
        print(neutral(str(text)), file=out)


def _print_questions(result: Mapping[str, Any]) -> None:
    print(
        "The tool asks something first; use /call in `switchboard chat`, or a client that can be asked:",
        file=sys.stderr,
    )
    questions: dict[str, Any] = result.get("inputRequests") or {}
    for wanted in questions.values():
        asked: dict[str, Any] = wanted.get("params") or {}
        message: Any = asked.get("message") or wanted.get("method")
        print(f"- {one_line(str(message))}", file=sys.stderr)
