"""switchboard mcp approve | diff | quarantine | release | reject: definitions of tools, for admins.

NAME is a server, or a tool as callers name it, or SERVER/TOOL.
"""

import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from switchboard_sdk import Switchboard

from bot.console.plain import one_line, said
from kit.wire.governance import AdminTool, McpServer, ToolDefinition
from kit.wire.tools import Risk
from launch.cli import mcp_shown
from launch.cli.connect import FAILED, NO_ANSWER, Access, Work, asks, connected
from launch.cli.mcp_servers import AsJson, Yes, print_json

Name = Annotated[str, typer.Argument(help="A server, a tool, or SERVER/TOOL.", show_default=False)]
Tools = Annotated[
    list[str] | None,
    typer.Argument(help="Of a server: only these tools, as it calls them.", show_default=False),
]
Reason = Annotated[str, typer.Option("--reason", help="Why; admins read it.")]
SetRisk = Annotated[Risk | None, typer.Option("--risk", help="read, write or destructive.")]
Trust = Annotated[
    bool, typer.Option("--trust-annotations", help="Take the server's word for which tools only read.")
]
Accept = Annotated[
    str, typer.Option("--accept-findings", help="Why severe findings are no reason against it.")
]
Roles = Annotated[list[str] | None, typer.Option("--role", help="Only these roles may use it.")]
Private = Annotated[bool, typer.Option("--privacy-compatible", help="May be used in privacy mode, too.")]


def command(mcp: typer.Typer) -> None:
    _deciding(mcp)
    _withdrawing(mcp)


def _deciding(mcp: typer.Typer) -> None:
    @mcp.command(help="Read what a server lists, or how a tool has changed, and approve it.")
    @asks("ada")
    def approve(  # noqa: PLR0917 - an option each
        access: Access,
        name: Name,
        tools: Tools = None,
        risk: SetRisk = None,
        trust_annotations: Trust = False,
        role: Roles = None,
        privacy_compatible: Private = False,
        accept_findings: Accept = "",
        yes: Yes = False,
        as_json: AsJson = False,
    ) -> Work:
        policy: dict[str, Any] = {"risk": risk, "roles": role or None}
        policy["privacy_compatible"] = privacy_compatible or None
        given: dict[str, Any] = {
            "policy": {field: value for field, value in policy.items() if value is not None},
            "trust_annotations": trust_annotations,
        }
        if accept_findings:
            given["accept_findings"] = accept_findings
        return _approve(name, tools or [], given, access, yes=yes, as_json=as_json)

    @mcp.command(help="How what a server lists differs from what was approved. Exit status 3: it does.")
    @asks("ada")
    def diff(access: Access, name: Name, as_json: AsJson = False) -> Work:
        return _diff(name, access, as_json=as_json)

    @mcp.command(help="Refuse a changed definition: the tool stays away until the approved one is back.")
    @asks("ada")
    def reject(access: Access, name: Name, yes: Yes = False) -> Work:
        return _reject(name, access, yes=yes)


def _withdrawing(mcp: typer.Typer) -> None:
    @mcp.command(help="Take a tool or a whole server away from everyone, now.")
    @asks("ada")
    def quarantine(access: Access, name: Name, reason: Reason = "by an admin") -> Work:
        return _quarantine(name, reason, access)

    @mcp.command(help="Give back what was quarantined by hand.")
    @asks("ada")
    def release(access: Access, name: Name) -> Work:
        return _release(name, access)


async def _named(switchboard: Switchboard, name: str) -> McpServer | AdminTool:
    """Raises typer.BadParameter, ApiError."""
    server, slash, tool = name.partition("/")
    if not slash:
        found = await switchboard.mcp_servers.find(name) or await switchboard.admin_tools.find(name)
    else:
        listed = switchboard.admin_tools.all(server=server)
        found = next((one for one in [one async for one in listed] if one.name == tool), None)
    if found is None:
        raise typer.BadParameter(
            f"There is no server and no tool {one_line(name)!r}. See `switchboard mcp servers`, and "
            "`switchboard mcp test SERVER` for its tools."
        )
    return found


async def _definitions(switchboard: Switchboard, name: str) -> tuple[McpServer | None, list[ToolDefinition]]:
    """Looked at now, where it is a server. Raises typer.BadParameter, ApiError."""
    found = await _named(switchboard, name)
    if isinstance(found, McpServer):
        seen = await switchboard.mcp_servers.definitions(found.id)
        if not seen.tested.reachable:
            mcp_shown.tested(Console(stderr=True), one_line(found.name), seen.tested)
        return found, seen.items
    return None, [await switchboard.admin_tools.definition(found.id)]


def _open(one: ToolDefinition) -> bool:
    return one.tool.state in ("pending", "rejected") or bool(one.changes)


async def _diff(name: str, access: Access, *, as_json: bool) -> int:
    async with connected(access) as switchboard:
        _, items = await _definitions(switchboard, name)
    differ = [one for one in items if _open(one)]
    if as_json:
        print_json([one.model_dump(mode="json") for one in differ])
        return NO_ANSWER if differ else 0
    console = Console()
    for one in differ:
        mcp_shown.definition(console, one)
    if not differ:
        print("Everything is as it was approved.")
        return 0
    shown = one_line(name)
    console.print(Text(f"Approve: switchboard mcp approve {shown}   Refuse: switchboard mcp reject TOOL"))
    return NO_ANSWER


async def _approve(
    name: str, only: list[str], given: dict[str, Any], access: Access, *, yes: bool, as_json: bool
) -> int:
    async with connected(access) as switchboard:
        server, items = await _definitions(switchboard, name)
        wanted = [one for one in items if _open(one) and (not only or one.tool.name in only)]
        missing = set(only) - {one.tool.name for one in items}
        if missing:
            raise typer.BadParameter(f"{name} has no tool {', '.join(sorted(map(one_line, missing)))}.")
        if not wanted:
            print("There is nothing to approve: everything is as it was approved.", file=sys.stderr)
            return 0
        if not as_json:
            _show_before(wanted)
        severe = sum(one.tool.severe_findings for one in wanted)
        if severe and "accept_findings" not in given:
            told = "Read them; if they are no reason against it, say why with --accept-findings."
            print(said(f"There are {severe} severe findings", told), file=sys.stderr)
            return FAILED
        if not yes and not typer.confirm(f"Approve {_counted(wanted)}?", err=True):
            print("Nothing was approved.", file=sys.stderr)
            return NO_ANSWER
        approved = await _approved(switchboard, server, wanted, given)
    if as_json:
        return print_json([one.model_dump(mode="json") for one in approved])
    mcp_shown.tools(Console(), approved)
    return 0


def _show_before(wanted: list[ToolDefinition]) -> None:
    console = Console()
    for one in wanted:
        mcp_shown.definition(console, one)


async def _approved(
    switchboard: Switchboard, server: McpServer | None, wanted: list[ToolDefinition], given: dict[str, Any]
) -> list[AdminTool]:
    """Exactly what was shown: another definition meanwhile is refused."""
    shown = [(one, one.seen_hash or one.tool.definition_hash) for one in wanted]
    if server is None:
        return [
            await switchboard.admin_tools.approve(one.tool.id, definition_hash=hash, **given)
            for one, hash in shown
        ]
    tools = [{"name": one.tool.name, "definition_hash": hash} for one, hash in shown]
    return (await switchboard.mcp_servers.approve(server.id, tools=tools, **given)).items


async def _reject(name: str, access: Access, *, yes: bool) -> int:
    async with connected(access) as switchboard:
        found = await _tool(switchboard, name)
        mcp_shown.definition(Console(), await switchboard.admin_tools.definition(found.id))
        if not yes and not typer.confirm(f"Reject this definition of {one_line(found.called)}?", err=True):
            print("Nothing was rejected.", file=sys.stderr)
            return NO_ANSWER
        await switchboard.admin_tools.reject(found.id)
    print(f"rejected {one_line(found.called)}")
    return 0


async def _quarantine(name: str, reason: str, access: Access) -> int:
    async with connected(access) as switchboard:
        found = await _named(switchboard, name)
        if isinstance(found, McpServer):
            await switchboard.mcp_servers.quarantine(found.id, reason)
        else:
            await switchboard.admin_tools.quarantine(found.id, reason)
    print(f"quarantined {one_line(name)}; give it back with: switchboard mcp release {one_line(name)}")
    return 0


async def _release(name: str, access: Access) -> int:
    async with connected(access) as switchboard:
        found = await _named(switchboard, name)
        if isinstance(found, McpServer):
            await switchboard.mcp_servers.release(found.id)
        else:
            await switchboard.admin_tools.release(found.id)
    print(f"released {one_line(name)}")
    return 0


async def _tool(switchboard: Switchboard, name: str) -> AdminTool:
    found = await _named(switchboard, name)
    if isinstance(found, McpServer):
        raise typer.BadParameter(f"{one_line(name)} is a server; name the tool: {one_line(name)}/TOOL.")
    return found


def _counted(wanted: list[ToolDefinition]) -> str:
    return one_line(wanted[0].tool.called) if len(wanted) == 1 else f"these {len(wanted)} tools"
