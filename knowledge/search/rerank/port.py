"""What search needs of a reranker."""

from collections.abc import Sequence
from typing import Protocol


class Reranker(Protocol):
    """Reads query and passage together; slower and better than comparing vectors (Nogueira and Cho 2019)."""

    version: str

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the query, 0 to 1, in the same order.

        Called in a thread, within search's time limit; raises whatever its engine raises.
        """
        ...
