"""switchboard mcp servers | add | test | remove | usage | logs | connect: tool servers, for admins."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer
import yaml
from rich.console import Console
from rich.text import Text
from switchboard_sdk import Switchboard

from bot.console.plain import one_line, said
from kit.wire.governance import McpServer, ServerDefinitions
from launch.cli import mcp_commands, mcp_shown
from launch.cli.connect import FAILED, NO_ANSWER, Access, Work, asks, connected
from launch.shape import DEFAULT_DATA

Name = Annotated[str, typer.Argument(help="The server.", show_default=False)]
MaybeName = Annotated[str, typer.Argument(help="The server.")]
Words = Annotated[
    list[str] | None,
    typer.Argument(help="After --: a command to be run on this machine.", show_default=False),
]
Address = Annotated[str, typer.Option("--at", help="Where it answers: https://…/mcp, or stdio:NAME.")]
OpenApi = Annotated[
    Path | None,
    typer.Option("--openapi", exists=True, dir_okay=False, help="A REST API: its document (JSON or YAML)."),
]
Base = Annotated[str, typer.Option("--base-url", help="With --openapi: where the API answers.")]
Credential = Annotated[
    Literal["none", "switchboard", "stored"] | None,
    typer.Option(help="What it gets: nothing, our own signed token, or each person's connected account."),
]
Environment = Annotated[
    list[str] | None, typer.Option("--env", help="Of a command: a variable to hand on, by its name.")
]
Folder = Annotated[Path | None, typer.Option("--folder", help="Of a command: where it runs.")]
Each = Annotated[bool, typer.Option("--per-person", help="Of a command: a process for each person.")]
Data = Annotated[Path, typer.Option(help="The data folder of `switchboard up`, for commands.")]
Replace = Annotated[bool, typer.Option("--replace", help="Change what is called so already.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="The answer as it came.")]
Hours = Annotated[int, typer.Option(min=1, max=24 * 90, help="How far back.")]
Lines = Annotated[int, typer.Option("--lines", min=1, max=1000, help="How many at most.")]


def command(mcp: typer.Typer) -> None:
    _registering(mcp)
    _looking(mcp)


def _registering(mcp: typer.Typer) -> None:
    @mcp.command(
        help="Register a tool server: switchboard mcp add time -- uvx mcp-server-time; "
        "or --at https://…/mcp; or --openapi FILE --base-url https://…"
    )
    @asks("ada")
    def add(  # noqa: PLR0917 - an option each
        access: Access,
        name: Name,
        words: Words = None,
        at: Address = "",
        openapi: OpenApi = None,
        base_url: Base = "",
        credential: Credential = None,
        env: Environment = None,
        folder: Folder = None,
        per_person: Each = False,
        data: Data = DEFAULT_DATA,
        replace: Replace = False,
        as_json: AsJson = False,
    ) -> Work:
        if sum(map(bool, (words, at, openapi))) != 1:
            raise typer.BadParameter("Say one of: -- COMMAND…, --at ADDRESS, --openapi FILE.")
        if bool(openapi) != bool(base_url):
            raise typer.BadParameter("--openapi and --base-url belong together: you confirm where calls go.")
        try:
            if words:
                file = mcp_commands.add(
                    data,
                    name,
                    words,
                    environment=env or (),
                    folder=folder,
                    per_principal=per_person,
                    replace=replace,
                )
                print(f"The command stands in {file}.", file=sys.stderr)
            fields: dict[str, Any] = {"address": at or f"stdio:{name}"}
            if openapi:
                fields = {"document": _document(openapi), "base_url": base_url}
        except mcp_commands.CommandRefused as error:
            print(said(str(error), error.hint), file=sys.stderr)
            raise typer.Exit(FAILED) from None
        if credential:
            fields["credential"] = credential
        return _add(name, fields, access, replace=replace, as_json=as_json)

    @mcp.command(help="Forget a server and its tools; a command of this machine, too.")
    @asks("ada")
    def remove(access: Access, name: Name, data: Data = DEFAULT_DATA, yes: Yes = False) -> Work:
        if not yes:
            typer.confirm(f"Remove {name} and all its tools?", abort=True)
        return _remove(name, data, access)


def _looking(mcp: typer.Typer) -> None:
    @mcp.command(help="The tool servers, with how many of their tools are approved.")
    @asks("ada")
    def servers(access: Access, as_json: AsJson = False) -> Work:
        return _servers(access, as_json=as_json)

    @mcp.command(help="Whether a server answers, what it is, and the tools that it lists.")
    @asks("ada")
    def test(access: Access, name: Name, as_json: AsJson = False) -> Work:
        return _test(name, access, as_json=as_json)

    @mcp.command(help="Calls, errors and times of a server's tools.")
    @asks("ada")
    def usage(access: Access, name: Name, hours: Hours = 24, as_json: AsJson = False) -> Work:
        return _usage(name, hours, access, as_json=as_json)

    @mcp.command(help="What happened with a server: refused and failed calls, drift, changes. Newest first.")
    @asks("ada")
    def logs(access: Access, name: Name, lines: Lines = 50, as_json: AsJson = False) -> Work:
        return _logs(name, lines, access, as_json=as_json)


async def server_called(switchboard: Switchboard, name: str) -> McpServer:
    """Raises typer.BadParameter with the names that there are; ApiError."""
    found = await switchboard.mcp_servers.find(name)
    if found is not None:
        return found
    names = ", ".join(sorted([one.name async for one in switchboard.mcp_servers.all()])) or "none yet"
    raise typer.BadParameter(f"There is no server {one_line(name)!r}. There are: {names}.")


def print_json(value: Any) -> int:
    print(json.dumps(value, indent=2, ensure_ascii=not sys.stdout.encoding.lower().startswith("utf")))
    return 0


async def _add(name: str, fields: Mapping[str, Any], access: Access, *, replace: bool, as_json: bool) -> int:
    async with connected(access) as switchboard:
        there = await switchboard.mcp_servers.find(name) if replace else None
        if there is not None:
            known = await switchboard.mcp_servers.update(there, **fields)
        else:
            known = await switchboard.mcp_servers.register(name=name, **fields)
        seen = await switchboard.mcp_servers.definitions(known.id)
    if as_json:
        print_json(seen.model_dump(mode="json"))
        return 0 if seen.tested.reachable else NO_ANSWER
    console = Console()
    mcp_shown.tested(console, one_line(name), seen.tested)
    if not seen.tested.reachable:
        console.print(Text(f"It is registered all the same. Try again: switchboard mcp test {name}"))
        return NO_ANSWER
    mcp_shown.tools(console, [one.tool for one in seen.items])
    _notes(console, seen)
    console.print(Text(f"Nobody can call them yet. Read and approve them: switchboard mcp approve {name}"))
    return 0


async def _remove(name: str, data: Path, access: Access) -> int:
    async with connected(access) as switchboard:
        known = await server_called(switchboard, name)
        await switchboard.mcp_servers.delete(known.id)
    print(f"removed {name}")
    try:
        if known.address == f"stdio:{name}" and data.is_dir() and mcp_commands.remove(data, name):
            print(f"removed its command from {data}")
    except mcp_commands.CommandRefused as error:
        print(said(str(error), error.hint), file=sys.stderr)
        return FAILED
    return 0


async def _servers(access: Access, *, as_json: bool) -> int:
    async with connected(access) as switchboard:
        found = [one async for one in switchboard.mcp_servers.all()]
    if as_json:
        return print_json([one.model_dump(mode="json") for one in found])
    if not found:
        print("There are no tool servers yet. Register one: switchboard mcp add --help")
        return 0
    mcp_shown.servers(Console(), found)
    return 0


async def _test(name: str, access: Access, *, as_json: bool) -> int:
    async with connected(access) as switchboard:
        known = await server_called(switchboard, name)
        seen = await switchboard.mcp_servers.definitions(known.id)
    if as_json:
        print_json(seen.model_dump(mode="json"))
        return 0 if seen.tested.reachable else NO_ANSWER
    console = Console()
    mcp_shown.tested(console, one_line(name), seen.tested)
    if seen.items:
        mcp_shown.tools(console, [one.tool for one in seen.items])
    _notes(console, seen)
    return 0 if seen.tested.reachable else NO_ANSWER


def _notes(console: Console, seen: ServerDefinitions) -> None:
    for problem in seen.unusable:
        told = f"Cannot be offered: {one_line(problem.detail)} {one_line(problem.hint)}"
        console.print(Text(told, "yellow"))
    if seen.tested.api is not None:
        mcp_shown.api(console, seen.server, seen.tested.api)


async def _usage(name: str, hours: int, access: Access, *, as_json: bool) -> int:
    async with connected(access) as switchboard:
        known = await server_called(switchboard, name)
        found = await switchboard.mcp_servers.usage(known.id, hours=hours)
    if as_json:
        return print_json(found.model_dump(mode="json"))
    if not found.items:
        print(f"Nobody has called {one_line(name)} in the last {hours} h.")
        return 0
    mcp_shown.usage(Console(), found)
    return 0


async def _logs(name: str, lines: int, access: Access, *, as_json: bool) -> int:
    async with connected(access) as switchboard:
        known = await server_called(switchboard, name)
        found: list[Any] = []
        async for one in switchboard.mcp_servers.logs(known.id):
            found.append(one)
            if len(found) >= lines:
                break
    if as_json:
        return print_json([one.model_dump(mode="json") for one in found])
    if not found:
        print(f"Nothing has happened with {one_line(name)} yet.")
        return 0
    mcp_shown.events(Console(), found)
    return 0


def _document(file: Path) -> dict[str, Any]:
    """JSON or YAML. Raises typer.BadParameter."""
    try:
        found: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        json.dumps(found)
    except (OSError, ValueError, TypeError, yaml.YAMLError, RecursionError) as error:
        raise typer.BadParameter(f"{file} is neither JSON nor YAML that JSON can hold.") from error
    if not isinstance(found, dict) or "openapi" not in found:
        raise typer.BadParameter(f"{file} is no OpenAPI document.")
    return cast(dict[str, Any], found)
