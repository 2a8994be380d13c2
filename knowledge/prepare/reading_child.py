"""The child that reads files: `python -m knowledge.prepare.reading_child` answers tasks until end of file."""

import argparse
import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import BinaryIO

import numpy as np

from knowledge.chunk import CountTokens, chunk
from knowledge.document import LoadedDocument
from knowledge.embed import piece_counter
from knowledge.embed.port import Marked, Vectors
from knowledge.load import UnreadableDocument, load
from knowledge.prepare.child_exit import OUT_OF_MEMORY
from knowledge.prepare.child_limits import limit, own_pipes
from knowledge.prepare.messages import (
    CutTask,
    Done,
    Failed,
    FromChild,
    ReadTask,
    Rows,
    Texts,
    Unreadable,
    frame,
    read_message,
    vectors_of,
)

# About ten minutes of embedding on one core, or 900 pages.
MAX_CHUNKS = 6000
# A PDF of 2,000 pages takes about half of it.
# Pages of a PDF take a tenth of a second each; every other kind that takes long is hostile or broken.
LOAD_LIMIT_S = 180
SHORT_LIMIT_S = 60

# About half a second: others' batches come in between.
_ASKED_AT_ONCE = 64

Load = Callable[[bytes, str], LoadedDocument]
Embed = Callable[[Sequence[str]], Vectors]


class _TooSlow(BaseException):
    """Not an Exception: parsers catch these."""


def serve(load_file: Load = load, load_limit_s: float = LOAD_LIMIT_S) -> None:
    """Answer tasks from standard input, one at a time."""
    source, sink = own_pipes()
    signal.signal(signal.SIGALRM, _stop_loading)
    limited = partial(_loaded, load_file, load_limit_s)
    embed = partial(_asked, source, sink)
    count = piece_counter()
    while task := read_message(source):
        _say(sink, _answer(task, limited, count, embed))


def _say(sink: BinaryIO, message: FromChild) -> None:
    sink.write(frame(message))
    sink.flush()


def _asked(source: BinaryIO, sink: BinaryIO, texts: Sequence[str]) -> Vectors:
    """The parent has them embedded: the model is not in this process."""
    rows: list[Vectors] = []
    for start in range(0, len(texts), _ASKED_AT_ONCE):
        _say(sink, Texts([Marked(text, ()) for text in texts[start : start + _ASKED_AT_ONCE]]))
        answer = read_message(source)
        if not isinstance(answer, Rows):
            os._exit(1)  # The parent is gone or confused.
        rows.append(vectors_of(answer))
    return np.concatenate(rows) if rows else np.empty((0, 0), np.float32)


def _stop_loading(_signal: int, _frame: FrameType | None) -> None:
    raise _TooSlow


def _loaded(load_file: Load, limit_s: float, data: bytes, name: str) -> LoadedDocument:
    """Some files take a parser quadratic time."""
    limit_s = limit_s if data.startswith(b"%PDF") else min(limit_s, SHORT_LIMIT_S)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        return load_file(data, name)
    except _TooSlow:
        raise UnreadableDocument("too_complex", f"Reading it took longer than {limit_s:g} s.") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(task: object, load_file: Load, count: CountTokens, embed: Embed) -> FromChild:
    try:
        if isinstance(task, ReadTask):
            return read(task, load_file, count, embed)
        if isinstance(task, CutTask):
            return cut(task, count, embed)
        return Failed(f"not a task for this child: {type(task).__name__}")
    except UnreadableDocument as unreadable:
        return Unreadable(unreadable.reason, unreadable.detail, unreadable.hint)
    except MemoryError:
        # The heap may be full of half-built objects: leave, and begin anew with the next file.
        os._exit(OUT_OF_MEMORY)
    except Exception as error:
        return Failed(f"{type(error).__name__}: {error}"[:500])


def read(task: ReadTask, load_file: Load, count: CountTokens, embed: Embed) -> Done:
    """Load and cut. Raises UnreadableDocument."""
    loaded = load_file(task.data, task.name)
    return cut(CutTask(loaded, task.doc_id, task.title, task.strategy), count, embed)


def cut(task: CutTask, count: CountTokens, embed: Embed) -> Done:
    """Raises UnreadableDocument."""
    document = replace(task.document, title=task.title) if task.title else task.document
    chunks = chunk(document, task.doc_id, task.strategy, count_tokens=count, embed=embed)
    if len(chunks) > MAX_CHUNKS:
        raise UnreadableDocument(
            "too_complex", f"It would make {len(chunks):,} passages; the limit is {MAX_CHUNKS:,}."
        )
    return Done(document, chunks)


def main() -> None:
    parser = argparse.ArgumentParser(description="Reads documents for a parent process; not for people.")
    parser.add_argument("--memory-mb", type=int, required=True)
    limit(parser.parse_args().memory_mb)
    serve()


if __name__ == "__main__":
    main()
