"""The real embedding child with a model that misbehaves on demand."""

import argparse
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from knowledge.embed import Vectors
from knowledge.prepare.child_limits import limit
from knowledge.prepare.embedding_child import serve


class CountingEmbedder:
    """Vectors that say how long the text was; a text may name what goes wrong, and a file."""

    version = "counting"
    dimensions = 2

    def embed(self, texts: Sequence[str]) -> Vectors:
        what, _, file = texts[0].partition(" ")
        if what == "dies-once" and not Path(file).exists():
            Path(file).write_text("x")
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "dies-always":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "hangs":
            Path(file).write_text("begun")
            time.sleep(3600)
        if what == "breaks":
            raise KeyError("a bug of ours")
        return np.array([[len(text), 1.0] for text in texts], dtype=np.float32)

    def count_tokens(self, text: str) -> int:
        return len(text.split())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--memory-mb", type=int, required=True)
    limit(parser.parse_args().memory_mb)
    serve(CountingEmbedder)


if __name__ == "__main__":
    main()
