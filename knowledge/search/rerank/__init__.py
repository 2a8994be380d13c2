"""An optional second look at what was found, by a model that reads query and passage together."""

from knowledge.search.rerank.port import Reranker

__all__ = ["Reranker"]
