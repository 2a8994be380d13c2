"""The child that embeds: `python -m knowledge.prepare.embedding_child` answers batches until end of file."""

import argparse
import os
from collections.abc import Callable

import msgspec

from knowledge.embed import Embedder, Marked, Vectors
from knowledge.embed.port import ReadsParts
from knowledge.embed.spec import EmbedderSpec, local_embedder
from knowledge.prepare.child_exit import OUT_OF_MEMORY
from knowledge.prepare.child_limits import limit, own_pipes
from knowledge.prepare.messages import Failed, FromChild, Texts, frame, read_message, rows_of


def serve(make_embedder: Callable[[], Embedder]) -> None:
    """Answer batches from standard input in order. The embedder is made when the first one comes."""
    source, sink = own_pipes()
    embedder: Embedder | None = None
    while task := read_message(source):
        embedder = embedder or make_embedder()
        sink.write(frame(_answer(task, embedder)))
        sink.flush()


def _answer(task: object, embedder: Embedder) -> FromChild:
    try:
        if not isinstance(task, Texts):
            return Failed(f"not a task for this child: {type(task).__name__}")
        return rows_of(_embedded(task.texts, embedder))
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    except Exception as error:
        return Failed(f"{type(error).__name__}: {error}"[:500])


def _embedded(texts: list[Marked], embedder: Embedder) -> Vectors:
    if isinstance(embedder, ReadsParts):
        return embedder.embed_marked(texts)
    if any(one.spans for one in texts):
        raise TypeError("this model tells no parts of a text apart")
    return embedder.embed([one.text for one in texts])


def main() -> None:
    parser = argparse.ArgumentParser(description="Embeds texts for a parent process; not for people.")
    parser.add_argument("--memory-mb", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--spec", required=True)
    options = parser.parse_args()
    spec = msgspec.json.decode(options.spec, type=EmbedderSpec)
    limit(options.memory_mb)
    serve(lambda: local_embedder(spec, "passage", options.threads))


if __name__ == "__main__":
    main()
