"""What every child does first: low priority, a ceiling for memory, an end when the parent is gone."""

import logging
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

from knowledge.prepare.child_exit import OUT_OF_MEMORY

NICENESS = 5
_WATCH_EVERY_S = 0.25
_MB = 1 << 20


def limit(memory_mb: int) -> None:
    """Low priority, a ceiling for memory, and an end when the parent is gone."""
    os.nice(NICENESS)
    logging.disable(logging.ERROR)
    if sys.platform == "linux":
        # The ceiling covers what is written to; mapped files such as the model are not counted.
        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb * _MB, memory_mb * _MB))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_watch, args=(memory_mb * _MB, os.getppid()), daemon=True).start()


def own_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Our pipes under new numbers, so that a stray print cannot break a frame."""
    source, sink = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return os.fdopen(source, "rb"), os.fdopen(sink, "wb")


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
