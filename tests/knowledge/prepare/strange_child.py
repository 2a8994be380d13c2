"""The real reading child with a reader that misbehaves on demand."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path

from knowledge.document import LoadedDocument
from knowledge.load import load
from knowledge.prepare.child_limits import limit
from knowledge.prepare.reading_child import serve


def strange_load(data: bytes, name: str) -> LoadedDocument:
    """The name says what goes wrong; `data` may name a file that counts the attempts."""
    if name == "hangs":
        Path(data.decode()).write_text("begun")
        time.sleep(3600)
    if name == "waits":
        # The file ends when the test has written to it.
        return load(Path(data.decode()).read_bytes(), "x.md")
    if name == "dawdles":
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        time.sleep(3600)
    if name == "hoards":
        hoard = [bytearray(b"x") * (32 << 20) for _ in range(200)]
        raise AssertionError(f"{len(hoard)} blocks fitted")
    if name.startswith("dies"):
        attempts = Path(data.decode())
        attempts.write_text(attempts.read_text() + "x" if attempts.exists() else "x")
        if name == "dies-always" or attempts.read_text() == "x":
            os.kill(os.getpid(), signal.SIGKILL)
        return load(b"# Survived\n\nThe second time.\n", "x.md")
    if name == "prints":
        print("a stray line from a parser")
        sys.stdout.flush()
    if name == "breaks":
        raise KeyError("a bug of ours: /srv/secret/path")
    return load(data, name)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--memory-mb", type=int, required=True)
    limit(parser.parse_args().memory_mb)
    serve(strange_load, load_limit_s=60)


if __name__ == "__main__":
    main()
