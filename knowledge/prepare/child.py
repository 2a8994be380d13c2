"""The child process: `python -m knowledge.prepare.child` reads tasks and writes answers until end of file."""

import argparse
import logging
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import BinaryIO

import numpy as np

from knowledge.chunk import chunk
from knowledge.document import LoadedDocument
from knowledge.embed import Embedder, embedding_text, packaged
from knowledge.load import UnreadableDocument, load
from knowledge.prepare.child_exit import OUT_OF_MEMORY
from knowledge.prepare.messages import Answer, Done, Failed, Task, Unreadable, frame, read_task

NICENESS = 5
_WATCH_EVERY_S = 0.25
_MB = 1 << 20
# Chunks that are embedded at once: enough to sort by length, few enough to keep memory flat.
_BATCH = 64

# About ten minutes of embedding on one core, or 900 pages.
MAX_CHUNKS = 6000
# A PDF of 2,000 pages takes about half of it.
# Pages of a PDF take a tenth of a second each; every other kind that takes long is hostile or broken.
LOAD_LIMIT_S = 180
SHORT_LIMIT_S = 60

Load = Callable[[bytes, str], LoadedDocument]


class _TooSlow(BaseException):
    """Not an Exception: parsers catch these."""


def serve(
    make_embedder: Callable[[], Embedder], load_file: Load = load, load_limit_s: float = LOAD_LIMIT_S
) -> None:
    """Answer tasks from standard input, one at a time. The embedder is made when it is first needed."""
    source, sink = _own_pipes()
    signal.signal(signal.SIGALRM, _stop_loading)
    limited = partial(_loaded, load_file, load_limit_s)
    embedder: Embedder | None = None
    while task := read_task(source):
        embedder = embedder or make_embedder()
        sink.write(frame(_answer(task, embedder, limited)))
        sink.flush()


def _own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Our pipes under new numbers, so that a stray print cannot break a frame."""
    source, sink = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return os.fdopen(source, "rb"), os.fdopen(sink, "wb")


def _stop_loading(_signal: int, _frame: FrameType | None) -> None:
    raise _TooSlow


def _loaded(load_file: Load, limit_s: float, data: bytes, name: str) -> LoadedDocument:
    """Some files take a parser quadratic time; embedding is linear and has the longer limit of the parent."""
    limit_s = limit_s if data.startswith(b"%PDF") else min(limit_s, SHORT_LIMIT_S)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        return load_file(data, name)
    except _TooSlow:
        raise UnreadableDocument("too_complex", f"Reading it took longer than {limit_s:g} s.") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(task: Task, embedder: Embedder, load_file: Load) -> Answer:
    try:
        return prepare(task, embedder, load_file)
    except UnreadableDocument as unreadable:
        return Unreadable(unreadable.reason, unreadable.detail, unreadable.hint)
    except MemoryError:
        # The heap may be full of half-built objects: leave, and begin anew with the next file.
        os._exit(OUT_OF_MEMORY)
    except Exception as error:
        return Failed(f"{type(error).__name__}: {error}"[:500])


def prepare(task: Task, embedder: Embedder, load_file: Load = load) -> Done:
    """Load, chunk and embed. Raises UnreadableDocument."""
    loaded = load_file(task.data, task.name)
    document = replace(loaded, title=task.title) if task.title else loaded
    chunks = chunk(document, task.doc_id, task.strategy, count_tokens=embedder.count_tokens)
    if len(chunks) > MAX_CHUNKS:
        raise UnreadableDocument(
            "too_complex", f"It would make {len(chunks):,} passages; the limit is {MAX_CHUNKS:,}."
        )
    known = frozenset(task.known)
    fresh = [piece for piece in chunks if piece.chunk_id not in known]
    texts = [embedding_text(piece) for piece in fresh]
    return Done(document, chunks, [piece.chunk_id for piece in fresh], _vectors(texts, embedder))


def _vectors(texts: list[str], embedder: Embedder) -> bytes:
    batches = (texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH))
    return b"".join(np.ascontiguousarray(embedder.embed(batch), dtype="<f4").tobytes() for batch in batches)


def limit(memory_mb: int) -> None:
    """Low priority, a ceiling for memory, and an end when the parent is gone."""
    os.nice(NICENESS)
    if sys.platform == "linux":
        # The ceiling covers what is written to; mapped files such as the model are not counted.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * _MB, memory_mb * _MB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_watch, args=(memory_mb * _MB, os.getppid()), daemon=True).start()


def _watch(memory: int, parent: int) -> None:
    while True:
        if os.getppid() != parent:
            os._exit(1)
        if _resident() > memory:
            os._exit(OUT_OF_MEMORY)
        time.sleep(_WATCH_EVERY_S)


def _resident() -> int:
    """Bytes in memory now (Linux), or at the highest so far (elsewhere)."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main() -> None:
    parser = argparse.ArgumentParser(description="Prepares documents for a parent process; not for people.")
    parser.add_argument("--memory-mb", type=int, required=True)
    parser.add_argument("--models", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.ERROR)
    limit(options.memory_mb)
    serve(lambda: packaged(options.models, options.threads))


if __name__ == "__main__":
    main()
