"""Servers, tools, differences and findings as text for a terminal.

Everything that a server wrote is data: made neutral, shown between our own words, never markup. What does
not show is named by its code points, since that is what an admin must see.
"""

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any, cast

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.console.plain import neutral, one_line
from kit.wire.governance import (
    AdminTool,
    Change,
    Finding,
    McpServer,
    ServerEvent,
    ServerUsage,
    TestedServer,
    ToolDefinition,
    Words,
)
from kit.wire.internal import ApiNotes, ApiSignIn

_LONG = 600
_WIDE, _TALL = 90, 60
"""Columns and lines of one schema."""
_STATE = {
    "approved": "green",
    "active": "green",
    "pending": "yellow",
    "quarantined": "red",
    "rejected": "red",
    "disabled": "dim",
    "not_offered": "dim",
}
_SEVERITY = {"severe": "bold red", "warning": "yellow", "note": "dim"}
_WORD = {"same": "", "deleted": "red strike", "inserted": "green underline"}
_WAYS = {
    "bearer": "a token in the header Authorization",
    "basic": "name and password in the header Authorization",
    "oauth2": "OAuth 2",
    "oidc": "OpenID Connect",
}
_MARK = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}


def servers(console: Console, found: Sequence[McpServer]) -> None:
    table = _table("server", "reached at", "state", "approved", "pending", "quarantined")
    for one in found:
        counts = [str(one.tools.approved), str(one.tools.pending), str(one.tools.quarantined)]
        at = one_line(one.address) + (" (ours)" if one.ours else "")
        table.add_row(_plain(one.name), _plain(at), _state(one.state), *counts)
    console.print(table)
    for one in found:
        if one.quarantined:
            console.print(Text(f"{one_line(one.name)} is quarantined: {one_line(one.quarantined)}"))


def tested(console: Console, name: str, result: TestedServer) -> None:
    if result.reachable:
        about = one_line(str(result.server_info.get("name") or ""))
        era = f"MCP {result.revision}" if result.revision else ""
        tools = f"{result.tools} tool{'' if result.tools == 1 else 's'}"
        told = ", ".join(part for part in (about, era, tools, f"{result.took_ms:.0f} ms") if part)
        line = f"{name} answers: {told}."
        console.print(Text(line, "green"))
    elif result.problem is not None:
        console.print(Text(f"{name} does not answer: {one_line(result.problem.detail)}", "red"))
        console.print(Text(one_line(result.problem.hint)))
    else:
        console.print(Text(f"{name} does not answer.", "red"))


def api(console: Console, server: McpServer, notes: ApiNotes) -> None:
    """What an API's document left out, and how it wants to know who calls."""
    for operation, reason in notes.left_out.items():
        told = f"Left out: {one_line(visible(operation))}: {one_line(visible(reason))}"
        console.print(Text(told, "yellow"))
    if not notes.sign_in:
        return
    console.print(Text("Its document says that it wants to know who calls, in one of these ways:"))
    for one in notes.sign_in:
        console.print(Text(f"  {one_line(visible(one.name))}: {_way(one)}"))
    if server.credential != "stored":
        console.print(
            Text("Nothing is sent to it now: add it again with --credential stored --replace, then")
        )
    console.print(Text(f"Set that: switchboard mcp sign-in {one_line(server.name)}{_how(notes.sign_in[0])}"))


def _how(one: ApiSignIn) -> str:
    if one.kind in ("oauth2", "oidc"):
        return ""
    header = f" --header {one_line(visible(one.header))}" if one.header != "Authorization" else ""
    return f" --kind static{header} --secret-from VARIABLE"


def _way(one: ApiSignIn) -> str:
    known = _WAYS.get(one.kind)
    if known is not None:
        return known
    where = f"{one_line(visible(one.place))} {one_line(visible(one.header))}"
    return f"a key in the {where}" if one.kind == "api_key" else one_line(visible(one.kind))


def tools(console: Console, found: Iterable[AdminTool]) -> None:
    table = _table("tool", "state", "risk", "asks", "what it does")
    for one in found:
        risk = one.policy.risk if one.policy else f"{one.claimed_risk}?"
        asks = _asks(one)
        about = one_line(one.description or one.title)[:100]
        table.add_row(_plain(one.called), _state(one.state), risk, asks, _plain(about))
    console.print(table)


def _asks(tool: AdminTool) -> str:
    if tool.policy is None:
        return ""
    mode = tool.policy.approval.mode.replace("_", " ")
    return f"{mode}, once a session" if tool.policy.approval.remember else mode


def definition(console: Console, one: ToolDefinition) -> None:
    """What an admin reads before approving: how it differs, or what it says, and what was found in it."""
    head = Text(one_line(one.tool.called), "bold")
    head.append(f"  {one.tool.state}", _STATE.get(one.tool.state, ""))
    if one.tool.reason:
        head.append(f"  {one_line(one.tool.reason)}")
    console.print(head)
    if one.approved is None and one.seen is not None:
        _whole(console, one.seen)
    elif one.changes:
        for change in one.changes:
            _change(console, change)
    elif one.seen is None and one.tool.state == "quarantined" and one.seen_hash is None:
        console.print(Text("  Its server lists what was approved, or does not list it.", "dim"))
    else:
        console.print(Text("  As approved.", "dim"))
    for finding in one.findings:
        _finding(console, finding)


def _whole(console: Console, seen: dict[str, Any]) -> None:
    console.print(_text("  ", visible(str(seen.get("description") or "(no description)"))))
    for place in ("inputSchema", "outputSchema", "annotations"):
        if seen.get(place):
            lines = visible(_compact(seen[place], _WIDE)).split("\n")
            cut = lines[:_TALL] + (
                [f"… {len(lines) - _TALL} more lines: see --json"] if len(lines) > _TALL else []
            )
            console.print(Text(f"  {place}:", "dim"))
            console.print(_text("    ", "\n".join(cut)))


def _compact(value: Any, width: int, indent: str = "") -> str:
    """JSON in which whatever fits into a line has one, so that a schema can be read without scrolling."""
    flat = _flat(value)
    if len(indent) + len(flat) <= width or not value or not isinstance(value, dict | list):
        return flat
    inner = indent + "  "
    if isinstance(value, dict):
        pairs = cast(dict[str, Any], value).items()
        parts = [f"{_flat(key)}: {_compact(each, width, inner)}" for key, each in pairs]
        first, last = "{}"
    else:
        parts = [_compact(one, width, inner) for one in cast(list[Any], value)]
        first, last = "[]"
    return f"{first}\n{inner}" + f",\n{inner}".join(parts) + f"\n{indent}{last}"


def _flat(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _change(console: Console, change: Change) -> None:
    mark, style = _MARK[change.kind]
    console.print(Text(f"  {mark} {one_line(change.path)}", style))
    if change.words:
        console.print(_words(change.words))
        return
    if change.kind != "added":
        console.print(_text("      was ", _value(change.before), "red"))
    if change.kind != "removed":
        console.print(_text("      is  ", _value(change.after), "green"))


def _words(words: Sequence[Words]) -> Text:
    """Without colours, too, it can be told what went and what came."""
    shown = Text("      ")
    for one in words:
        text = visible(one.text)
        if one.op == "same":
            shown.append(text if len(text) <= _LONG else f"{text[:200]} … {text[-200:]}")
        else:
            before, after = ("[-", "-]") if one.op == "deleted" else ("{+", "+}")
            shown.append(f"{before}{text}{after}", _WORD[one.op])
    return shown


def _finding(console: Console, finding: Finding) -> None:
    line = Text(f"  {finding.severity}: ", _SEVERITY[finding.severity])
    line.append(f"{visible(one_line(finding.detail))} (in {one_line(finding.place)})")
    console.print(line)


def usage(console: Console, found: ServerUsage) -> None:
    table = _table("tool", "calls", "errors", "refused", "p50 ms", "p95 ms")
    for one in found.items:
        errors = f"{one.errors} ({one.errors / one.calls:.0%})" if one.calls else str(one.errors)
        row = [str(one.calls), errors, str(one.refused), _ms(one.p50_ms), _ms(one.p95_ms)]
        table.add_row(_plain(one.tool), *row)
    console.print(table)
    console.print(Text(f"From {found.since:%Y-%m-%d %H:%M} to {found.until:%Y-%m-%d %H:%M} UTC.", "dim"))


def events(console: Console, found: Iterable[ServerEvent]) -> None:
    table = _table("when", "what", "tool", "outcome", "who", "ms")
    for one in found:
        what: list[str] = [one.type, one.tool or "", one.outcome or "", _who(one.actor)]
        table.add_row(f"{one.at:%m-%d %H:%M:%S}", *map(_plain, what), _ms(one.latency_ms))
    console.print(table)


def _who(actor: str | None) -> str:
    """Enough of an id to tell people apart; the whole stands in --json."""
    if actor is None:
        return ""
    kind, colon, id = actor.rpartition(":")
    return f"{kind}{colon}{id[:8]}" if len(id) == 36 else actor


def visible(text: str) -> str:
    """Neutral, and what would not show or reads both ways is named: `<U+200B>`."""
    return neutral("".join(_named(sign) for sign in text))


def _named(sign: str) -> str:
    hidden = unicodedata.category(sign) in ("Cf", "Co", "Cn", "Cs") or sign in "\u115f\u1160\u3164\uffa0"
    return f"<U+{ord(sign):04X}>" if hidden else sign


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return visible(text if len(text) <= _LONG else text[:_LONG] + " …")


def _text(indent: str, text: str, style: str = "") -> Text:
    first, *rest = text.split("\n")
    return Text("\n".join([indent + first, *(" " * len(indent) + line for line in rest)]), style)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _state(state: str) -> Text:
    return Text(state.replace("_", " "), _STATE.get(state, ""))


def _plain(text: str) -> Text:
    return Text(one_line(text))


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"
