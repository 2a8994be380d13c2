"""What hosted embedders cost."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EmbedUsage:
    """What one request cost; for whoever keeps accounts. purpose: ingest or query."""

    model: str
    tokens: int
    cost: float
    purpose: str


OnUsage = Callable[[EmbedUsage], None]
