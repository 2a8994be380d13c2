"""switchboard mcp connect | disconnect | accounts | approvals | forget | sign-in: accounts at tool servers,
and what was agreed to for a whole conversation."""

import os
import sys
import webbrowser
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.console.plain import one_line, said
from launch.cli.connect import Access, Work, asks, connected

Name = Annotated[str, typer.Argument(help="The server.", show_default=False)]
FromEnvironment = Annotated[
    str, typer.Option("--secret-from", help="The variable that holds the key or secret.")
]
Open = Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser of this machine.")]
Kind = Annotated[
    Literal["authorization_code", "client_credentials", "on_behalf_of", "static"],
    typer.Option(help="How one signs in."),
]
ClientId = Annotated[str, typer.Option("--client-id", help="Where we are registered by hand.")]
Issuer = Annotated[str, typer.Option(help="The authorization server; found out without it.")]
Scopes = Annotated[list[str] | None, typer.Option("--scope", help="What is asked for; once or more.")]
Header = Annotated[str, typer.Option(help="static: the header that carries the key.")]
_SHOWN = 12
"""Of an id: enough to tell them apart."""
Prefix = Annotated[str, typer.Option(help="static: what stands before the key.")]


def command(mcp: typer.Typer) -> None:
    _own(mcp)
    _approvals_of(mcp)
    _for_admins(mcp)


def _own(mcp: typer.Typer) -> None:
    @mcp.command(help="Connect your account at a server: a page in your browser, or a key that you have.")
    @asks("maya")
    def connect(
        access: Access, server: Name, secret_from: FromEnvironment = "", open_page: Open = True
    ) -> Work:
        return _connect(server, secret_from, access, open_page=open_page)

    @mcp.command(help="Disconnect your account at a server.")
    @asks("maya")
    def disconnect(access: Access, server: Name) -> Work:
        return _disconnect(server, access)

    @mcp.command(help="Your accounts at tool servers.")
    @asks("maya")
    def accounts(access: Access) -> Work:
        return _accounts(access)


def _approvals_of(mcp: typer.Typer) -> None:
    @mcp.command(help="Calls that you agreed to for a whole conversation.")
    @asks("maya")
    def approvals(access: Access) -> Work:
        return _approvals(access)

    @mcp.command(help="Take back what you agreed to for a whole conversation: the next call asks again.")
    @asks("maya")
    def forget(
        access: Access,
        approval: Annotated[str, typer.Argument(help="Its id, or the beginning of it.", show_default=False)],
    ) -> Work:
        return _forget(approval, access)


def _for_admins(mcp: typer.Typer) -> None:
    @mcp.command("sign-in", help="For admins: how one signs in to a server; the rest is found out.")
    @asks("ada")
    def sign_in(  # noqa: PLR0917 - an option each
        access: Access,
        server: Name,
        kind: Kind = "authorization_code",
        client_id: ClientId = "",
        secret_from: FromEnvironment = "",
        issuer: Issuer = "",
        scope: Scopes = None,
        header: Header = "",
        prefix: Prefix = "",
    ) -> Work:
        given = {
            "client_id": client_id,
            "issuer": issuer,
            "scopes": scope,
            "header": header,
            "prefix": prefix,
        }
        fields: dict[str, Any] = {"kind": kind} | {name: value for name, value in given.items() if value}
        if secret_from:
            fields["secret" if kind == "static" else "client_secret"] = _secret(secret_from)
        return _sign_in(server, fields, access)


def _secret(variable: str) -> str:
    """Never on the command line, where others of this machine could read it. Raises typer.BadParameter."""
    value = os.environ.get(variable, "")
    if not value:
        raise typer.BadParameter(f"The variable {one_line(variable)} is not set.")
    return value


async def _connect(server: str, secret_from: str, access: Access, *, open_page: bool) -> int:
    secret = _secret(secret_from) if secret_from else None
    async with connected(access) as switchboard:
        started = await switchboard.connections.start(server, secret=secret)
    if started.url is None:
        print(f"Your account at {one_line(server)} is connected.")
        return 0
    print(f"Open this page in your browser, signed in as yourself:\n  {one_line(started.url)}")
    if started.expires_in:
        print(f"It is good for {started.expires_in // 60} minutes.")
    if open_page and sys.stdout.isatty():
        webbrowser.open(started.url)
    return 0


async def _disconnect(server: str, access: Access) -> int:
    async with connected(access) as switchboard:
        await switchboard.connections.revoke(server)
    print(f"disconnected {one_line(server)}")
    return 0


async def _accounts(access: Access) -> int:
    async with connected(access) as switchboard:
        found = [one async for one in switchboard.connections.all()]
    if not found:
        print("No accounts are connected. Connect one: switchboard mcp connect SERVER")
        return 0
    table = Table("server", "state", "since", "may", box=None, pad_edge=False)
    for one in found:
        state = one.state if not one.problem else f"{one.state}: {one.problem}"
        told = [one.server, state, f"{one.connected_at:%Y-%m-%d %H:%M}", " ".join(one.scopes)]
        table.add_row(*(Text(one_line(text)) for text in told))
    Console().print(table)
    return 0


async def _approvals(access: Access) -> int:
    async with connected(access) as switchboard:
        found = [one async for one in switchboard.interactions.remembered()]
    if not found:
        print("Every call that needs your yes asks for it.")
        return 0
    table = Table("id", "tool", "server", "where", "until", box=None, pad_edge=False)
    for one in found:
        where = f"conversation {str(one.session_id)[:8]}" if one.session_id else "a session of an MCP client"
        until = f"{one.expires_at.astimezone():%Y-%m-%d %H:%M}"
        told = [one.id[:_SHOWN], one.tool, one.server, where, until]
        table.add_row(*(Text(one_line(text)) for text in told))
    Console().print(table)
    print("Take one back: switchboard mcp forget ID")
    return 0


async def _forget(approval: str, access: Access) -> int:
    async with connected(access) as switchboard:
        known = [one async for one in switchboard.interactions.remembered() if one.id.startswith(approval)]
        if len(known) != 1:
            raise typer.BadParameter(
                "`switchboard mcp approvals` shows what is remembered, each with its id."
            )
        await switchboard.interactions.forget(known[0].id)
    print(f"{one_line(known[0].tool)} asks again")
    return 0


async def _sign_in(server: str, fields: dict[str, Any], access: Access) -> int:
    async with connected(access) as switchboard:
        known = await switchboard.connections.set_sign_in(server, **fields)
    print(f"{one_line(server)}: {known.kind}" + (f" at {one_line(known.issuer)}" if known.issuer else ""))
    if known.kind == "authorization_code" and known.registered == "given":
        print(said(f"Register this redirect URI there: {known.redirect_uri}"))
    if known.kind == "authorization_code":
        print(f"Each person connects with: switchboard mcp connect {one_line(server)}")
    return 0
