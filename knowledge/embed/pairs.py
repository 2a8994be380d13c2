"""A model that reads two texts together (a cross-encoder), from a folder with an ONNX export.

Any export of a sequence-classification model fits, as Hugging Face Optimum writes it: the model,
`tokenizer.json`, `config.json`. Nothing is downloaded.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.embed.batches import BATCH_TEXTS, INPUTS, by_length, padded
from knowledge.embed.errors import EmbedderUnavailable
from knowledge.embed.folder import MODELS, json_of, length_in, model_in, version_of
from knowledge.embed.runtime import open_session, open_tokenizer

Logits = NDArray[np.float64]
_TRIED = (("try", "this"), ("try", "this as well"))


class PairModelUnavailable(RuntimeError):
    """The folder holds no such model that we can run; the message says what to do."""


class PairModel:
    """version: by content. labels: what each logit speaks for, as the export names it.

    Raises PairModelUnavailable when made.
    """

    def __init__(self, folder: Path, threads: int = 1) -> None:
        model = _complete_model(folder)
        tokenizer = folder / "tokenizer.json"
        self.folder = folder
        self.version = version_of(folder, (model, tokenizer))
        try:
            config = json_of(folder / "config.json")
            self._tokenizer = open_tokenizer(tokenizer)
            # Token by token from the longer of the two, as these models were trained.
            self._tokenizer.enable_truncation(length_in(folder, config), strategy="longest_first")
            self._session = open_session(model, threads)
            self._inputs = [each.name for each in self._session.get_inputs()]
            self._most = _batch_of(self._session)
            self._check_inputs(model)
            made = self._run([self._tokenizer.encode(*pair) for pair in _TRIED[: self._most]])
        except (PairModelUnavailable, EmbedderUnavailable) as error:
            raise PairModelUnavailable(str(error)) from error
        except Exception as error:  # the vendors raise nothing more precise
            reason = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
            raise PairModelUnavailable(f"{model} does not run: {reason}. Export it again.") from error
        self.labels = _labels(model, config, made)

    def logits(self, pairs: Sequence[tuple[str, str]]) -> Logits:
        """One row a pair, in order; one column a label."""
        encoded = self._tokenizer.encode_batch(list(pairs))
        found = np.empty((len(encoded), len(self.labels)), np.float64)
        for batch in by_length([len(each.ids) for each in encoded], self._most):
            found[batch] = self._run([encoded[at] for at in batch])
        return found

    def _run(self, batch: Sequence[Any]) -> NDArray[np.float32]:
        fed = padded(batch)
        return self._session.run(None, {name: fed[name] for name in self._inputs})[0]

    def _check_inputs(self, model: Path) -> None:
        unknown = set(self._inputs) - INPUTS
        if unknown or "input_ids" not in self._inputs:
            wants = ", ".join(sorted(unknown)) or "no input_ids"
            raise PairModelUnavailable(f"{model} wants {wants}. Export it for sequence classification.")


def shares(logits: Logits) -> Logits:
    """Each row's labels as shares of 1 (softmax); a single label by itself (sigmoid)."""
    if logits.shape[1] == 1:
        return 1 / (1 + np.exp(-np.clip(logits, -500, 500)))
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def _complete_model(folder: Path) -> Path:
    """Of a folder in which nothing is missing."""
    if not folder.is_dir():
        raise PairModelUnavailable(f"The folder {folder} does not exist. Name one with an ONNX export.")
    model = model_in(folder)
    missing = [] if model else [MODELS[0]]
    missing += [name for name in ("tokenizer.json", "config.json") if not (folder / name).is_file()]
    if model is None or missing:
        raise PairModelUnavailable(
            f"{folder} has no {', '.join(missing)}. Export the model to ONNX into it, tokenizer included."
        )
    return model


def _batch_of(session: Any) -> int:
    """Some exports take one pair at a time."""
    first: Any = session.get_inputs()[0].shape[0]
    return first if isinstance(first, int) and first > 0 else BATCH_TEXTS


def _labels(model: Path, config: dict[str, Any], made: NDArray[np.float32]) -> tuple[str, ...]:
    """By the config's id2label; a model gives one number for each, and nothing else."""
    if made.ndim != 2:
        raise PairModelUnavailable(
            f"{model} gives no number a pair, but {made.ndim} dimensions. "
            "Export it for sequence classification."
        )
    names: dict[str, Any] = config.get("id2label") or {}
    return tuple(str(names.get(str(at), f"LABEL_{at}")) for at in range(made.shape[1]))
