"""An optional second look at what was found, by a model that reads query and passage together."""

from pathlib import Path

from knowledge.search.rerank.cross_encoder import CrossEncoder, RerankerUnavailable
from knowledge.search.rerank.port import Reranker
from knowledge.search.rerank.settings import RerankSettings

__all__ = ["CrossEncoder", "RerankSettings", "Reranker", "RerankerUnavailable", "make_reranker"]


def make_reranker(settings: RerankSettings) -> Reranker | None:
    """None where the settings want none. Takes a second: call it in a thread. Raises RerankerUnavailable."""
    return CrossEncoder(Path(settings.folder), settings.threads) if settings.folder else None
