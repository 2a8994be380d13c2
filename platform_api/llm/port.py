"""One model as the router sees it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from agent_framework import BaseChatClient

from kit.errors import SwitchboardError
from kit.resilience import Breaker


@dataclass(frozen=True, slots=True)
class Prices:
    """Per million tokens, in the organisation's currency."""

    input: float = 0.0
    output: float = 0.0

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        return (input_tokens * self.input + output_tokens * self.output) / 1_000_000


def as_is(error: Exception) -> SwitchboardError:
    """The `explain` of a model that runs in this process: nothing of it is foreseen."""
    return error if isinstance(error, SwitchboardError) else SwitchboardError()


@dataclass(frozen=True, slots=True)
class Model:
    """A chat client with what routing needs to know of it.

    `explain` turns whatever the client raises into one of our errors. A `local` model is always
    there: it has neither breaker nor retry.
    """

    name: str
    tier: int
    client: BaseChatClient[Any]
    explain: Callable[[Exception], SwitchboardError] = as_is
    prices: Prices = field(default_factory=Prices)
    local: bool = False
    breaker: Breaker | None = None
    close: Callable[[], Awaitable[None]] | None = None
