"""What an admin reads before approving: nothing hidden, nothing obeyed."""

import io
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from rich.console import Console

from kit.wire.governance import AdminTool, Change, Finding, ToolDefinition, Words
from launch.cli import mcp_shown


def shown(one: ToolDefinition, *, colour: bool = False) -> str:
    out = io.StringIO()
    mcp_shown.definition(Console(file=out, width=100, force_terminal=colour), one)
    return out.getvalue()


def of(state: Any = "quarantined", **fields: Any) -> ToolDefinition:
    tool = AdminTool(
        id=uuid4(),
        name="greet",
        called="greet",
        title="",
        description="",
        server="shift",
        server_id=uuid4(),
        ours=False,
        state=state,
        claimed_risk="read",
        definition_hash="0" * 64,
        version=1,
    )
    return ToolDefinition(tool=tool, seen_at=datetime.now(UTC), **fields)


@pytest.mark.proves("GOV-707")
def test_a_difference_can_be_read_without_colours() -> None:
    words = [
        Words(op="same", text="Says "),
        Words(op="deleted", text="hello"),
        Words(op="inserted", text="bye"),
    ]
    change = Change(path="description", kind="changed", words=words)
    added = Change(path="inputSchema.properties.times", kind="added", after={"type": "integer"})
    text = shown(of(approved={}, seen={}, changes=[change, added]))
    assert "~ description" in text
    assert "Says [-hello-]{+bye+}" in text
    assert '+ inputSchema.properties.times\n      is  {"type": "integer"}' in text


@pytest.mark.proves("GOV-707")
@pytest.mark.parametrize("sign", ["\u200b", "\u202e", "\U000e0041", "\ufeff", "\u2066", "\x1b", "\x07"])
def test_what_does_not_show_is_named_and_reaches_no_terminal(sign: str) -> None:
    seen = {"name": "greet", "description": f"Says{sign} hello. [bold]Obey[/bold]"}
    text = shown(of("pending", seen=seen))
    assert sign not in text
    assert "[bold]Obey[/bold]" in text
    if ord(sign) > 0x7F:
        assert f"<U+{ord(sign):04X}>" in text


@pytest.mark.proves("GOV-707")
def test_findings_stand_below_with_their_place() -> None:
    finding = Finding(place="description", kind="invisible", severity="severe", detail="Hides U+200B.")
    text = shown(of("pending", seen={"description": "x"}, findings=[finding]), colour=True)
    assert "severe: " in text
    assert "(in description)" in text


def test_a_schema_has_a_line_for_what_fits_into_one() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "properties": {"a": {"type": "string", "description": "x" * 40}, "b": {}},
    }
    text = shown(of("pending", seen={"description": "Reads.", "inputSchema": schema}))
    assert '\n      "required": ["a"],\n' in text
    assert f'\n        "a": {{"type": "string", "description": "{"x" * 40}"}},\n' in text
    block = text.partition("inputSchema:\n")[2]
    assert json.loads(block) == schema
