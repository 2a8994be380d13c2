"""Documents into chunks that are searched, embedded and cited."""

from knowledge.chunk.chunker import STRATEGIES, chunk, strategy_for
from knowledge.chunk.tokens import CountTokens, Embed, estimate_tokens

__all__ = ["STRATEGIES", "CountTokens", "Embed", "chunk", "estimate_tokens", "strategy_for"]
