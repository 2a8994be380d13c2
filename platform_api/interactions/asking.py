"""What goes into an interaction and what comes out of it, between domains."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from access.principal import Principal
from kit.wire.interactions import Interaction


@dataclass(frozen=True, slots=True)
class Suspended:
    """A tool call that waits for a person (MCP's InputRequiredResult).

    input_requests: {key: {method, params}}; expires_s: how long whoever asked will wait; resume: JSON of the
    caller's own, given back unread, sealed at rest.
    """

    tool: str
    arguments: dict[str, Any]
    input_requests: dict[str, Any]
    request_state: str | None
    expires_s: float = 600.0
    resume: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to go on with. `input_responses` is MCP's inputResponses: {key: {action, content?}}.

    principal: the one for whom it was asked, with what it could then and still can, whoever answered;
    turn_id: the id that the continuing turn has to take; None where no conversation waits.
    """

    interaction: Interaction
    principal: Principal
    tool: str
    arguments: dict[str, Any]
    request_state: str | None
    input_responses: dict[str, Any]
    resume: dict[str, Any]
    turn_id: UUID | None
