"""A reranker from a local folder: any cross-encoder that was trained to tell relevant from not relevant."""

from collections.abc import Sequence
from pathlib import Path

from knowledge.embed.pairs import PairModel, PairModelUnavailable, shares

_RELEVANT = frozenset({"relevant", "yes", "true", "positive", "1"})
_MOST_LABELS = 2


class RerankerUnavailable(RuntimeError):
    """The reranker that the settings name cannot be used; the message says what to do."""


class CrossEncoder:
    """A Reranker. One label is a score by itself (sigmoid); of two, the share of the relevant one (softmax).

    Raises RerankerUnavailable when made.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        try:
            self._model = PairModel(folder, threads)
        except PairModelUnavailable as error:
            raise RerankerUnavailable(
                f"No reranker (SWITCHBOARD_RERANK__FOLDER): {error} Or leave the setting empty."
            ) from error
        self.version = self._model.version
        self._label = _relevant(self._model)

    def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        if not texts:
            return []
        return shares(self._model.logits([(query, text) for text in texts]))[:, self._label].tolist()


def _relevant(model: PairModel) -> int:
    if len(model.labels) > _MOST_LABELS:
        raise RerankerUnavailable(
            f"The model in {model.folder} (SWITCHBOARD_RERANK__FOLDER) has {len(model.labels)} labels "
            f"({', '.join(model.labels)}), a reranker has one or two. Name another folder."
        )
    named = [at for at, name in enumerate(model.labels) if name.strip().lower() in _RELEVANT]
    return named[0] if len(named) == 1 else len(model.labels) - 1
