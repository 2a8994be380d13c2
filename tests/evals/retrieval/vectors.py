"""Vectors that are made once per text and machine."""

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from hashlib import sha256
from pathlib import Path

import numpy as np

from knowledge.embed import Embedder, Vectors, packaged
from knowledge.embed.weights import VERSION, WIDTH

_PROCESSORS = os.cpu_count() or 1
_BATCH = 64 * _PROCESSORS
Progress = Callable[[int, int], None]


class RememberingEmbedder:
    """The packaged embedder; what it has embedded before, in any run, is read from `folder`."""

    version = VERSION
    dimensions = WIDTH

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = folder / f"vectors-{VERSION}.sqlite"
        self._known: dict[str, Vectors] = {}
        # The model lets go of the GIL while it computes, and takes one text at a time.
        self._threads = ThreadPoolExecutor(_PROCESSORS, thread_name_prefix="embed")
        with closing(self._open()) as database, database:
            database.execute(
                "create table if not exists vectors (text text primary key, row blob) without rowid"
            )

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.prepare(texts)
        return np.stack([self._known[text] for text in texts]) if texts else np.empty((0, WIDTH), np.float32)

    def count_tokens(self, text: str) -> int:
        return _model().count_tokens(text)

    def prepare(self, texts: Iterable[str], progress: Progress | None = None) -> None:
        """Embed what is not known yet; `progress(done, total)` counts that. What is done is kept."""
        wanted = list(dict.fromkeys(text for text in texts if text not in self._known))
        if not wanted:
            return
        with closing(self._open()) as database:
            missing = [text for text in wanted if not self._recalled(database, text)]
            for at in range(0, len(missing), _BATCH):
                with database:
                    database.executemany(
                        "insert or replace into vectors values (?, ?)", self._rows(missing[at : at + _BATCH])
                    )
                if progress:
                    progress(min(at + _BATCH, len(missing)), len(missing))

    def _rows(self, texts: Sequence[str]) -> list[tuple[str, bytes]]:
        rows = np.concatenate(list(self._threads.map(_model().embed, _shares(texts))))
        self._known |= dict(zip(texts, rows, strict=True))
        return [(_key(text), row.tobytes()) for text, row in zip(texts, rows, strict=True)]

    def _recalled(self, database: sqlite3.Connection, text: str) -> bool:
        found = database.execute("select row from vectors where text = ?", (_key(text),)).fetchone()
        if found:
            self._known[text] = np.frombuffer(found[0], np.float32)
        return bool(found)

    def _open(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._file, timeout=60)
        # Two measurements may run at once.
        database.execute("pragma journal_mode = wal")
        return database


def _shares(texts: Sequence[str]) -> list[Sequence[str]]:
    """Small enough that no processor waits long for another."""
    return [texts[at : at + 4] for at in range(0, len(texts), 4)]


@cache
def _model() -> Embedder:
    return packaged()


def _key(text: str) -> str:
    return sha256(text.encode("utf-8", "replace")).hexdigest()
