"""An NLI cross-encoder from a local folder as a judge: `model.onnx`, `tokenizer.json`, `config.json`.

Any export of a sequence-classification model with a label "entailment" in `id2label` fits (Hugging Face
Optimum writes such folders). Nothing is downloaded.
"""

from collections.abc import Sequence
from pathlib import Path

from knowledge.embed.pairs import PairModel, PairModelUnavailable, shares


class NliUnavailable(RuntimeError):
    """The folder holds no NLI model that we can run; the message says what to do."""


class NliJudge:
    """A Judge. Raises NliUnavailable when made."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        try:
            self._model = PairModel(folder, threads)
        except PairModelUnavailable as error:
            raise NliUnavailable(str(error)) from error
        self._label = _entailment(self._model)

    def entailed(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return shares(self._model.logits(pairs))[:, self._label].tolist()


def _entailment(model: PairModel) -> int:
    found = [at for at, name in enumerate(model.labels) if name.lower().startswith("entail")]
    if not found:
        raise NliUnavailable(
            f'{model.folder / "config.json"} names no label "entailment" in id2label. '
            "Use a model trained on NLI."
        )
    return found[0]
