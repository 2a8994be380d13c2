"""Documents into chunks that are searched, embedded and cited."""

from knowledge.chunk.chunker import STRATEGIES, chunk
from knowledge.chunk.tokens import CountTokens, estimate_tokens

__all__ = ["STRATEGIES", "CountTokens", "chunk", "estimate_tokens"]
