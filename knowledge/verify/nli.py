"""An NLI cross-encoder from a local folder as a judge: `model.onnx`, `tokenizer.json`, `config.json`.

Any export of a sequence-classification model with a label "entailment" in `id2label` fits (Hugging Face
Optimum writes such folders). Nothing is downloaded.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knowledge.embed.runtime import open_session, open_tokenizer

_LONGEST = 512
_FILES = ("model.onnx", "tokenizer.json", "config.json")


class NliUnavailable(RuntimeError):
    """The folder holds no NLI model that we can run; the message says what to do."""


class NliJudge:
    """A Judge. Raises NliUnavailable when made."""

    def __init__(self, folder: Path, threads: int = 1) -> None:
        missing = [name for name in _FILES if not (folder / name).is_file()]
        if missing:
            raise NliUnavailable(f"{folder} has no {', '.join(missing)}. Export the model to ONNX into it.")
        self._label = _entailment(folder / "config.json")
        self._tokenizer = open_tokenizer(folder / "tokenizer.json")
        self._tokenizer.enable_truncation(_LONGEST)
        self._session = open_session(folder / "model.onnx", threads)
        self._inputs = {each.name for each in self._session.get_inputs()}

    def entailed(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return [self._one(passage, sentence) for passage, sentence in pairs]

    def _one(self, passage: str, sentence: str) -> float:
        encoded = self._tokenizer.encode(passage, sentence)
        rows = {
            "input_ids": encoded.ids,
            "attention_mask": encoded.attention_mask,
            "token_type_ids": encoded.type_ids,
        }
        feed = {name: np.array([row], np.int64) for name, row in rows.items() if name in self._inputs}
        logits = np.asarray(self._session.run(None, feed)[0][0], np.float64)
        shares = np.exp(logits - logits.max())
        return float(shares[self._label] / shares.sum())


def _entailment(config: Path) -> int:
    labels: dict[str, str] = json.loads(config.read_text(encoding="utf-8")).get("id2label", {})
    found = [int(at) for at, name in labels.items() if name.lower().startswith("entail")]
    if not found:
        raise NliUnavailable(f'{config} names no label "entailment" in id2label. Use a model trained on NLI.')
    return found[0]
