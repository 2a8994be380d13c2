"""The embedder of a model folder, under onnxruntime: batched by length, no padding beyond the batch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.embed.batches import INPUTS, by_length, padded
from knowledge.embed.errors import EmbedderUnavailable
from knowledge.embed.folder import ModelFolder
from knowledge.embed.pooling import pool_of, units_of
from knowledge.embed.port import Embedder, Marked, Vectors
from knowledge.embed.runtime import open_session, open_tokenizer


def open_model(described: ModelFolder, prefix: str, threads: int = 1) -> Embedder:
    """prefix: what the model wants in front of each text. Raises EmbedderUnavailable."""
    model = _MeanModel if described.pooling == "mean" else _FirstTokenModel
    try:
        made = model(described, prefix, threads)
        width = made.embed(["try"]).shape[1]
    except EmbedderUnavailable:
        raise
    except Exception as error:  # the vendors raise nothing more precise
        reason = str(error).splitlines()[0][:300] if str(error) else type(error).__name__
        raise EmbedderUnavailable(
            f"The model {described.model} does not run: {reason}. Export it again."
        ) from error
    if width != described.dimensions:
        raise EmbedderUnavailable(
            f"The model {described.model} gives {width} numbers a text, its config.json says "
            f"{described.dimensions}. Put the files of one model into the folder."
        )
    return made


class _Model:
    def __init__(self, described: ModelFolder, prefix: str, threads: int) -> None:
        self.version = described.version
        self.dimensions = described.dimensions
        self._prefix = prefix
        self._tokenizer = open_tokenizer(described.tokenizer)
        # Longer texts come as windows.
        self._tokenizer.enable_truncation(described.max_length)
        self._session = open_session(described.model, threads)
        self._inputs = [one.name for one in self._session.get_inputs()]
        unknown = set(self._inputs) - INPUTS
        if unknown or "input_ids" not in self._inputs:
            raise EmbedderUnavailable(
                f"The model {described.model} wants {', '.join(sorted(unknown)) or 'no input_ids'}. "
                "Export it as a feature extractor."
            )
        self._output = next((one.name for one in self._session.get_outputs() if len(one.shape) == 3), None)
        if self._output is None:
            raise EmbedderUnavailable(
                f"The model {described.model} gives no vector per token. Export it as a feature extractor."
            )

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def _windows(self, text: str) -> list[Any]:
        whole = self._tokenizer.encode(self._prefix + text)
        return [whole, *whole.overflowing]

    def _hidden(self, windows: Sequence[Any]) -> list[NDArray[np.float32]]:
        """For each window its tokens' vectors."""
        found: list[NDArray[np.float32]] = [np.empty((0, 0), np.float32)] * len(windows)
        for batch in by_length([len(window.ids) for window in windows]):
            rows = self._run([windows[at] for at in batch])
            for at, row in zip(batch, rows, strict=True):
                found[at] = row[: len(windows[at].ids)]
        return found

    def _run(self, batch: Sequence[Any]) -> NDArray[np.float32]:
        fed = padded(batch)
        return self._session.run([self._output], {name: fed[name] for name in self._inputs})[0]


class _MeanModel(_Model):
    """Mean of the tokens; knows its sentences, too."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self.embed_marked([Marked(text, ()) for text in texts])

    def embed_marked(self, texts: Sequence[Marked]) -> Vectors:
        windows = [self._windows(one.text) for one in texts]
        hidden = iter(self._hidden([window for group in windows for window in group]))
        rows = [
            units_of(_total([self._pool(one, window) @ next(hidden) for window in group]))
            for one, group in zip(texts, windows, strict=True)
        ]
        return np.concatenate(rows) if rows else np.empty((0, self.dimensions), np.float32)

    def _pool(self, one: Marked, window: Any) -> Vectors:
        front = len(self._prefix)
        spans = tuple((start + front, end + front) for start, end in one.spans)
        real = [at for at, special in enumerate(window.special_tokens_mask) if not special]
        pool = np.zeros((1 + len(spans), len(window.ids)), np.float32)
        pool[:, real] = pool_of(Marked("", spans), [window.offsets[at] for at in real])
        pool[0] = 1
        return pool


class _FirstTokenModel(_Model):
    """The first token's vector; windows of a long text count by their length."""

    def embed(self, texts: Sequence[str]) -> Vectors:
        windows = [self._windows(text) for text in texts]
        hidden = iter(self._hidden([window for group in windows for window in group]))
        rows = [units_of(_total([_first(next(hidden)) for _ in group])) for group in windows]
        return np.concatenate(rows) if rows else np.empty((0, self.dimensions), np.float32)


def _first(hidden: NDArray[np.float32]) -> NDArray[np.float32]:
    return units_of(hidden[:1]) * np.float32(len(hidden))


def _total(rows: Sequence[Vectors]) -> Vectors:
    return np.stack(rows).sum(axis=0)
