"""The audit spool: an append-only file of JSON lines between a call and the platform (SPEC 3b).

What holds. `write` returns after the record's bytes are with the kernel, and an answer leaves after
`write`: killing this process (kill -9) loses no record of an answered call. A power cut loses at most
what the last `fsync` (every `spool_fsync_s`) had not covered. A record that was half written when the
process died belongs to a call that was never answered; it is skipped on replay.

Each record is a system call of its own: that costs less than to gather those of one turn of the event
loop, and have each call wait for the next. A segment that the shipper takes is closed and replaced; it is
deleted after the platform has acknowledged all of it.
"""

import fcntl
import os
from pathlib import Path

import structlog
from prometheus_client import Gauge
from ulid import ULID

from kit.errors import Unavailable
from tools.gateway.recording import Record

_log = structlog.get_logger()
_waiting = Gauge("switchboard_gateway_spool_bytes", "Audit records that wait for the platform.")
_SUFFIX = ".jsonl"


class SpoolUnavailable(Unavailable):
    """A call that cannot be recorded is not made."""

    code = "audit_unavailable"
    title = "Calls cannot be recorded at the moment, so none is made"


class Spool:
    """One process per folder. `open` before use; every method belongs to one event loop."""

    def __init__(self, folder: Path, limit_bytes: int) -> None:
        self._folder = folder
        self._limit = limit_bytes
        self._lock_fd = -1
        self._fd = -1
        self._path = folder
        self._size = 0
        self._behind = 0
        self._dirty = False
        self._retired: list[int] = []
        self._broken: OSError | None = None

    def open(self) -> None:
        """Raises Unavailable where another process holds the folder."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock_fd = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock_fd)
            raise Unavailable(
                f"Another gateway writes its audit records to {self._folder}.",
                hint="Give each gateway a folder of its own.",
            ) from error
        self._behind = sum(path.stat().st_size for path in self.segments())
        self._begin()
        _waiting.set_function(lambda: self._behind + self._size)

    def check(self) -> None:
        """Raises SpoolUnavailable where a record would not be kept."""
        if self._broken is not None:
            self._try_again()
        if self._broken is not None or self._behind + self._size > self._limit:
            raise SpoolUnavailable(hint="Ask an admin to look at the gateway's disk.", retry_after=10)

    def write(self, record: Record) -> None:
        """Returns when the kernel has the record. Raises SpoolUnavailable where the disk refuses."""
        data = record.line()
        try:
            _write_all(self._fd, data)
        except OSError as error:
            _log.error("gateway.spool_write_failed", error=error.strerror)
            self._broken = error
            raise SpoolUnavailable() from error
        self._size += len(data)
        self._dirty = True

    def _try_again(self) -> None:
        """In a new segment: the old one may end in half a line."""
        try:
            self._rotate()
            self._broken = None
        except OSError as error:
            self._broken = error

    def closed_segments(self) -> list[Path]:
        """What can be shipped, oldest first; the segment in use is closed first if it holds anything."""
        if self._size:
            self._rotate()
        return [path for path in self.segments() if path != self._path]

    def shipped(self, segment: Path) -> None:
        """The platform has acknowledged all of it."""
        self._behind -= segment.stat().st_size
        segment.unlink()

    def segments(self) -> list[Path]:
        """Oldest first: a segment is named by the ULID of its beginning."""
        return sorted(self._folder.glob(f"*{_SUFFIX}"))

    def sync(self) -> None:
        """Force to disk what is not yet; blocking, so call it in a thread, one at a time."""
        retired = [self._retired.pop() for _ in range(len(self._retired))]
        for fd in retired:
            os.fsync(fd)
            os.close(fd)
        if self._dirty:
            self._dirty = False
            os.fsync(self._fd)

    def close(self) -> None:
        if self._fd >= 0:
            self.sync()
            os.close(self._fd)
            self._fd = -1
            if not self._size:
                self._path.unlink()
            os.close(self._lock_fd)

    def _rotate(self) -> None:
        before, size = self._fd, self._size
        self._begin()
        self._behind += size
        self._retired.append(before)  # forced to disk and closed by `sync`, off the event loop

    def _begin(self) -> None:
        path = self._folder / f"{ULID()}{_SUFFIX}"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._path = path
        self._size = 0


def _write_all(fd: int, data: bytes) -> None:
    written = os.write(fd, data)
    while written < len(data):
        written += os.write(fd, data[written:])
