"""Tools as a caller sees them, and the gateway's registry (SPEC 3, 3b, 9)."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from kit.wire.base import Request, Wire

Risk = Literal["read", "write", "destructive"]
CostTier = Literal["free", "low", "medium", "high"]
Credential = Literal["switchboard", "none", "stored"]
RELEASE = "release"
"""Who approved what ships with us."""
DRIFT = "drift"
"""`RegisteredTool.quarantined` where the server lists another definition than the approved one; any other
text is an admin's reason."""


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


class NeedsInput(Wire):
    """The tool asks the person before it goes on (MCP 2026-07-28, `input_required`).

    input_requests: key → {method, params}. request_state: sealed by whoever asks; the call is repeated
    with it and the answers.
    """

    input_requests: dict[str, dict[str, Any]]
    request_state: str | None = None


class ToolOutcome(Wire):
    """`content` are MCP content blocks, `structured` what matches the output schema.

    needs_input: it is no result yet; nothing has been done that the tool does only after the answer.
    """

    is_error: bool
    content: list[dict[str, Any]]
    structured: dict[str, Any] | None = None
    needs_input: NeedsInput | None = None
    interaction_id: UUID | None = None
    """Of a call that asked, was answered and asks again: the interaction that it waits for now."""


class Approval(Wire):
    """Whether a person has to agree to a call before it is made (SPEC 9)."""

    mode: Literal["never", "ask", "second_person"] = "ask"
    remember: bool = False
    """"This tool in this session" may be offered; never honoured for a destructive tool."""
    approvers: list[str] = []
    """Roles of those who may be the second person; empty: whoever has manage_tools."""
    expires_s: Annotated[int, Field(ge=10, le=604_800)] = 600


class BreakerPolicy(Wire):
    """So many failures within so many seconds stop the calls for so many seconds."""

    failures: Annotated[int, Field(ge=1, le=1000)]
    within_s: Annotated[float, Field(gt=0, le=3600)]
    open_s: Annotated[float, Field(gt=0, le=3600)]


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
    groups: list[str] = []
    """Empty: every group; otherwise the caller is in one of them."""
    agents: list[str] = []
    """Empty: with every agent and with none."""
    channels: list[str] = []
    """Empty: every channel; `api` is the name of none."""
    requires: list[str] = []
    """Names on /mcp: offered only to whom all of these are offered, transitively; in a cycle, none is."""
    approval: Approval | None = None
    """None: by risk, see `approval_of`."""
    breaker: BreakerPolicy | None = None
    """None: the gateway's own."""
    retries: Annotated[int, Field(ge=0, le=5)] = 0
    """Of idempotent tools only."""
    quarantined: str | None = None
    """The reason. It stays in the registry; the gateway neither lists nor calls it."""
    operation: dict[str, Any] | None = None
    """Of a tool made from an OpenAPI document: which operation it is (method, path, …)."""


class RegisteredServer(Wire):
    """`organisation_id` None: everyone's. Another organisation's server is as if it were not there. One with
    an organisation replaces, for it, the one of the same name that is everyone's: see `seen_by`."""

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
    organisation_id: UUID | None = None
    credential: Credential = "switchboard"
    """What a request to it carries: our own signed token; no Authorization at all; or what the platform
    keeps for caller and server."""
    disabled: bool = False
    document: dict[str, Any] | None = None
    """The OpenAPI document of a server whose address is `openapi:<name>`."""


class Registry(Wire):
    version: str
    """The ETag: a hash of the content."""
    servers: list[RegisteredServer]


def approval_of(tool: RegisteredTool) -> Approval:
    """What holds for this tool: its own policy, else by risk. The one place that decides it."""
    own = tool.approval or _by_risk(tool)
    return own.model_copy(update={"remember": False}) if tool.risk == "destructive" else own


def _by_risk(tool: RegisteredTool) -> Approval:
    if tool.risk == "destructive":
        return Approval(mode="ask")
    if tool.risk == "write" and tool.approved_by != RELEASE:
        return Approval(mode="ask", remember=True)
    return Approval(mode="never")


def seen_by(servers: Iterable[RegisteredServer], organisation_id: UUID | None) -> list[RegisteredServer]:
    """The servers that exist for this organisation, in the registry's order: its own, and everyone's that
    it has not replaced by one of the same name."""
    known = [server for server in servers if server.organisation_id in (None, organisation_id)]
    own = {server.name for server in known if server.organisation_id is not None}
    return [server for server in known if server.organisation_id is not None or server.name not in own]
