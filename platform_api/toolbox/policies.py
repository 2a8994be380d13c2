"""What holds for a tool: what it came with, and above it what an organisation's admins set."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, cast

from kit.tool_names import Named, names_on_mcp
from kit.wire.governance import PolicyChange, ToolPolicy
from kit.wire.tools import (
    DRIFT,
    RELEASE,
    Approval,
    BreakerPolicy,
    RegisteredServer,
    RegisteredTool,
    Risk,
    approval_of,
)
from platform_api.toolbox.models import RegisteredToolRow, SeenToolRow, ToolPolicyRow

FIELDS: Final = tuple(name for name in PolicyChange.model_fields if name != "enabled")
"""Of RegisteredTool, what an admin may set."""
_COLUMNS: Final = tuple(name for name in RegisteredTool.model_fields if hasattr(RegisteredToolRow, name))


def as_registered(
    row: RegisteredToolRow, policy: ToolPolicyRow | None = None, server_quarantined: str | None = None
) -> RegisteredTool:
    """The tool on the wire. policy: of the organisation that it is for."""
    changes = policy.changes if policy else {}
    fields = {name: getattr(row, name) for name in _COLUMNS}
    fields |= {name: value for name, value in changes.items() if name in FIELDS}
    reason = server_quarantined or (policy.quarantined if policy else None)
    fields["quarantined"] = reason or (DRIFT if row.drifted else None)
    return RegisteredTool.model_validate(fields)


def is_enabled(policy: ToolPolicyRow | None) -> bool:
    return policy is None or policy.changes.get("enabled") is not False


def shown_policy(tool: RegisteredTool, enabled: bool) -> ToolPolicy:
    fields = tool.model_dump(include={*FIELDS} - {"approval"})
    return ToolPolicy(**fields, approval=approval_of(tool), enabled=enabled)


def changes_of(request: PolicyChange) -> dict[str, Any]:
    """What was named in the request, as JSON; null takes a setting back."""
    return request.model_dump(mode="json", exclude_unset=True, exclude={"version"})


def with_changes(changes: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**changes, **more}.items() if value is not None}


def claimed_risk(definition: Mapping[str, Any]) -> Risk:
    """By its annotations; MCP's own defaults are the worst."""
    told: Any = definition.get("annotations")
    annotations = cast(dict[str, Any], told) if isinstance(told, dict) else {}
    if annotations.get("readOnlyHint") is True:
        return "read"
    return "write" if annotations.get("destructiveHint") is False else "destructive"


def first_policy(definition: Mapping[str, Any], *, trusted: bool) -> dict[str, Any]:
    """With what a tool of somebody else's begins. A stranger's word may make it worse, never harmless."""
    claimed = claimed_risk(definition)
    told: Any = definition.get("annotations")
    risk = claimed if trusted else ("write" if claimed == "read" else "destructive")
    idempotent = (
        trusted and isinstance(told, dict) and (cast(dict[str, Any], told).get("idempotentHint") is True)
    )
    return {
        "category": "other",
        "risk": risk,
        "cost_tier": "free",
        "privacy_compatible": False,
        "roles": [],
        "permission": None,
        "timeout_s": 30.0,
        "idempotent": bool(idempotent or (trusted and risk == "read")),
    }


def called(servers: Iterable[RegisteredServer]) -> dict[tuple[str, str], str]:
    """(server, own name) → name on /mcp. servers: those that one organisation sees."""
    named = names_on_mcp(
        Named(server.name, tool.name, tool.approved_by == RELEASE, server.organisation_id is None)
        for server in servers
        for tool in server.tools
        if not server.disabled
    )
    return {(tool.server, tool.own_name): name for tool, name in named.items()}


def as_json(value: Any) -> Any:
    """Of a column that holds a shape."""
    return value.model_dump(mode="json") if isinstance(value, Approval | BreakerPolicy) else value


def columns(tool: RegisteredTool) -> dict[str, Any]:
    """For RegisteredToolRow; whether it is quarantined is not the release's to say."""
    return {name: as_json(getattr(tool, name)) for name in _COLUMNS if name != "quarantined"}


def by_name(rows: Sequence[SeenToolRow]) -> dict[str, SeenToolRow]:
    return {row.name: row for row in rows}
