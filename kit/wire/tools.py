"""Tools as a caller sees them, and the gateway's registry (SPEC 3, 3b, 9)."""

from typing import Annotated, Any, Literal

from pydantic import Field

from kit.wire.base import Request, Wire

Risk = Literal["read", "write", "destructive"]
CostTier = Literal["free", "low", "medium", "high"]


class Tool(Wire):
    """A tool that this caller may use."""

    name: str
    title: str
    description: str
    server: str
    risk: Risk
    input_schema: dict[str, Any]
    output_schema: dict[str, Any] | None = None


class InvokeTool(Request):
    arguments: dict[str, Any] = {}


class ToolOutcome(Wire):
    """`content` are MCP content blocks, `structured` what matches the output schema."""

    is_error: bool
    content: list[dict[str, Any]]
    structured: dict[str, Any] | None = None


class RegisteredTool(Wire):
    """One approved tool: its definition as clients see it, pinned by `definition_hash` (SPEC 9)."""

    name: str
    definition: dict[str, Any]
    """The MCP tool object: name, title, description, inputSchema, outputSchema, annotations."""
    definition_hash: str
    approved_by: str
    category: str
    risk: Risk
    cost_tier: CostTier
    privacy_compatible: bool
    roles: list[str] = []
    """Empty: every role."""
    permission: str | None = None
    """The permission that a caller needs."""
    timeout_s: Annotated[float, Field(gt=0)] = 30.0
    idempotent: bool = False
    calls_per_min: Annotated[int, Field(gt=0)] | None = None
    """From everyone together; None: only its server's limit."""


class RegisteredServer(Wire):
    name: str
    address: str
    """http(s)://…/mcp; `inproc:<name>` where gateway and server share a process; `stdio:<name>` for a
    command of the gateway's own settings."""
    audience: str
    """Who the gateway's own token for it is made out to."""
    tools: list[RegisteredTool]
    shares: list[Literal["prompts", "resources"]] = []
    """What callers may see of it beside its tools; nothing unless an admin said so."""
    roles: list[str] = []
    """Who may use what it shares; empty: every role that may use one of its tools."""
    permission: str | None = None
    privacy_compatible: bool = False
    """Of what it shares; its tools say it themselves."""


class Registry(Wire):
    version: str
    """The ETag: a hash of the content."""
    servers: list[RegisteredServer]
