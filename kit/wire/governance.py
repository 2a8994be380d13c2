"""What admins see and decide of tool servers and their tools (SPEC 3, 9)."""

from datetime import datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from kit.wire.base import Request, Wire
from kit.wire.internal import ApiNotes, ProbeProblem
from kit.wire.tools import Approval, BreakerPolicy, CostTier, Credential, Risk

Shared = Literal["prompts", "resources"]
Severity = Literal["note", "warning", "severe"]
ToolState = Literal["approved", "pending", "rejected", "quarantined", "disabled", "not_offered"]
ServerState = Literal["active", "quarantined", "disabled"]
TOOL_STATES: tuple[ToolState, ...] = get_args(ToolState)

_Name = Annotated[str, Field(min_length=1, max_length=200)]


def _apart(names: list[str]) -> list[str]:
    return list(dict.fromkeys(names))


_Names = Annotated[list[_Name], Field(max_length=100), AfterValidator(_apart)]
ServerName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
"""No dot: `<server>.<tool>` is how the gateway tells tools of one name apart."""
Reason = Annotated[str, Field(min_length=1, max_length=500)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class RegisterServer(Request):
    """`address`: http(s)://… or stdio:<name of a command of the gateway's>. Or an OpenAPI `document` with the
    `base_url` that its operations are sent to."""

    name: ServerName
    address: Annotated[str, Field(max_length=2000)] | None = None
    document: dict[str, Any] | None = None
    base_url: Annotated[str, Field(max_length=2000)] | None = None
    description: Annotated[str, Field(max_length=2000)] = ""
    credential: Credential = "none"
    """`switchboard`: it verifies our own tokens; `stored`: people connect their accounts."""
    audience: Annotated[str, Field(pattern=r"^[!-~]{1,120}$")] | None = None
    """Of our own tokens for it; None: made up, and nobody else's."""
    shares: list[Shared] = []
    roles: _Names = []
    permission: str | None = None
    privacy_compatible: bool = False

    @model_validator(mode="after")
    def _one_way_to_reach_it(self) -> "RegisterServer":
        if (self.address is None) == (self.document is None):
            raise ValueError("give either 'address' or 'document'")
        if (self.document is None) != (self.base_url is None):
            raise ValueError("'base_url' belongs to 'document': where its operations are sent")
        return self


class UpdateServer(Request):
    """What is absent stays. `version`: of the server that was read; a change of an older one is refused."""

    version: Version
    address: Annotated[str, Field(max_length=2000)] | None = None
    document: dict[str, Any] | None = None
    base_url: Annotated[str, Field(max_length=2000)] | None = None
    description: Annotated[str, Field(max_length=2000)] | None = None
    credential: Credential | None = None
    disabled: bool | None = None
    shares: list[Shared] | None = None
    roles: _Names | None = None
    permission: str | None = None
    """null: none."""
    privacy_compatible: bool | None = None


class ToolCounts(Wire):
    approved: int = 0
    pending: int = 0
    quarantined: int = 0


class McpServer(Wire):
    id: UUID
    name: str
    address: str
    description: str
    audience: str
    credential: Credential
    ours: bool
    """Part of the release: policies can be set, the server itself cannot be changed."""
    state: ServerState
    quarantined: str | None = None
    """The admin's reason."""
    shares: list[str]
    roles: list[str]
    permission: str | None = None
    privacy_compatible: bool
    tools: ToolCounts
    looked_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    version: int


class TestedServer(Wire):
    """Whether the gateway reaches it, and what it says of itself. The figures are of this one attempt."""

    reachable: bool
    revision: str | None = None
    server_info: dict[str, Any] = {}
    tools: int = 0
    took_ms: float = 0.0
    problem: ProbeProblem | None = None
    api: ApiNotes | None = None
    """Of an API: operations that are no tools, and how it wants to know who calls."""


class Finding(Wire):
    """Something in a definition that an admin should read before approving it."""

    place: str
    """Where: `description`, `inputSchema.properties.path.description`, …"""
    kind: Literal[
        "instruction",
        "other_tool",
        "exfiltration",
        "invisible",
        "look_alike",
        "control",
        "overlong",
        "markup",
        "encoded",
    ]
    severity: Severity
    detail: str
    """One sentence; what is invisible is named by its code points."""


class Words(Wire):
    """A part of a text: in both, only in the approved one, only in the seen one."""

    op: Literal["same", "deleted", "inserted"]
    text: str


class Change(Wire):
    """One difference between the approved and the seen definition."""

    path: str
    """`description`, `inputSchema.properties.path.type`, …"""
    kind: Literal["added", "removed", "changed"]
    before: Any = None
    after: Any = None
    words: list[Words] | None = None
    """Of a text that changed."""


class ToolPolicy(Wire):
    """What holds for the caller's organisation."""

    category: str
    risk: Risk
    cost_tier: CostTier
    privacy_compatible: bool
    roles: list[str] = []
    groups: list[str] = []
    agents: list[str] = []
    channels: list[str] = []
    permission: str | None = None
    requires: list[str] = []
    approval: Approval
    timeout_s: float
    calls_per_min: int | None = None
    breaker: BreakerPolicy | None = None
    retries: int = 0
    idempotent: bool = False
    enabled: bool = True


class PolicyChange(Request):
    """What is absent stays; null takes an admin's own setting back."""

    category: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_ -]{0,59}$")] | None = None
    risk: Risk | None = None
    cost_tier: CostTier | None = None
    privacy_compatible: bool | None = None
    roles: _Names | None = None
    groups: _Names | None = None
    agents: _Names | None = None
    channels: _Names | None = None
    permission: str | None = None
    requires: _Names | None = None
    approval: Approval | None = None
    timeout_s: Annotated[float, Field(gt=0, le=600)] | None = None
    calls_per_min: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    breaker: BreakerPolicy | None = None
    retries: Annotated[int, Field(ge=0, le=5)] | None = None
    idempotent: bool | None = None
    enabled: bool | None = None


class UpdateTool(PolicyChange):
    """`version`: of the tool that was read; a change of an older one is refused."""

    version: Version


class AdminTool(Wire):
    id: UUID
    name: str
    """As its server calls it."""
    called: str
    """As callers do on /mcp: the server's name stands before it where the name alone is another's."""
    title: str
    description: str
    server: str
    server_id: UUID
    ours: bool
    state: ToolState
    reason: str | None = None
    """Why it is not offered, or quarantined."""
    claimed_risk: Risk
    """What its annotations say, which is the server's word only."""
    policy: ToolPolicy | None = None
    """None: not approved yet."""
    approved_by: str | None = None
    approved_at: datetime | None = None
    definition_hash: str
    """Of the approved definition, or of the pending one."""
    seen_hash: str | None = None
    """Of what the server lists instead."""
    changed_by_admin: list[str] = []
    """The fields of the policy that an admin set; the others follow the release or the approval."""
    severe_findings: int = 0
    """In what would be approved next."""
    version: int


class ToolDefinition(Wire):
    """Approved beside seen, and how they differ."""

    tool: AdminTool
    approved: dict[str, Any] | None = None
    approved_hash: str | None = None
    seen: dict[str, Any] | None = None
    """None: as approved, or not listed at all."""
    seen_hash: str | None = None
    seen_at: datetime | None = None
    changes: list[Change] = []
    findings: list[Finding] = []
    """In the seen definition; in the approved one where nothing else was seen."""


class ServerDefinitions(Wire):
    """What the server lists now beside what is approved. Not reachable: what was seen last."""

    server: McpServer
    tested: TestedServer
    items: list[ToolDefinition]
    unusable: list[ProbeProblem] = []
    """Listed, but can never be approved, each with the reason."""


class ApproveTool(Request):
    """`definition_hash`: of the definition that the admin read; another one meanwhile is refused."""

    name: _Name
    definition_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    policy: PolicyChange = PolicyChange()


class ApproveServer(Request):
    """All or nothing. `tools` None: everything that is pending; a drifted one must be named with its hash."""

    tools: Annotated[list[ApproveTool], Field(min_length=1, max_length=500)] | None = None
    policy: PolicyChange = PolicyChange()
    """For each of them, below its own."""
    accept_findings: Reason | None = None
    """Why severe findings are no reason against it; recorded."""
    trust_annotations: bool = False
    """Take the server's word for which of its tools only read."""


class ApproveDefinition(Request):
    """`definition_hash`: of the definition that the admin read."""

    definition_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    policy: PolicyChange = PolicyChange()
    accept_findings: Reason | None = None
    trust_annotations: bool = False


class Approved(Wire):
    items: list[AdminTool]


class Quarantine(Request):
    reason: Reason


class ServerEvent(Wire):
    """Of the audit: a call that was refused or failed, drift, an admin's change. No arguments."""

    at: datetime
    type: str
    tool: str | None = None
    outcome: str | None = None
    actor: str | None = None
    """For readers who may view audit logs."""
    latency_ms: float | None = None
    detail: dict[str, Any] = {}


class ToolUsage(Wire):
    tool: str
    calls: int
    errors: int
    """The tool said so, or it did not answer."""
    refused: int
    """By policy, limits or approval: the tool was not asked."""
    p50_ms: float | None = None
    p95_ms: float | None = None


class ServerUsage(Wire):
    """Of the caller's organisation alone."""

    since: datetime
    until: datetime
    items: list[ToolUsage]
