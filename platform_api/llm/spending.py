"""What the model calls of one turn have used so far."""

from dataclasses import dataclass, field
from uuid import UUID

from access.principal import Principal
from kit.wire.chat import Usage

SPENDING = "spending"
"""The client keyword that it travels by."""


@dataclass(slots=True)
class Spending:
    """Handed through the agent framework to every model call of one turn; one turn, one task."""

    principal: Principal
    turn_id: UUID | None = None
    task_type: str = "chat"
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0
    model_ms: float = 0.0
    model: str = ""
    tier: int = 0
    degraded: set[str] = field(default_factory=set[str])

    def usage(self) -> Usage:
        """Tokens and cost of all calls; model and tier of the last one."""
        return Usage(
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cost=round(self.cost, 6),
            model=self.model,
            tier=self.tier,
        )
