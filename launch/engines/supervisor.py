"""The small child between us and an engine: it stops the engine when we are gone, however we went.

Run as a script with the standard library only (`python -I -S supervisor.py <order as JSON>`), so that
it starts in some 50 ms and costs some 10 MB. Our end of its standard input is the lifeline: at end of
file it stops the engine, kills it where that takes too long, and ends. An engine that crashes is
started again, later each time; after five ends within seconds we give up, and end too.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

_PR_SET_PDEATHSIG = 1
_PATIENCE_S = 5.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_STEADY_AFTER_S = 10.0
_QUICK_ENDS = 5


class Supervisor:
    """One engine, told by `order`: command, user, group, stop_signal, lock_fd, log, sockets, parent."""

    def __init__(self, order: dict[str, Any]) -> None:
        self._order = order
        self._stop_signal = signal.Signals(order["stop_signal"])
        self._pause_s = _FIRST_PAUSE_S
        self._libc: ctypes.CDLL | None = ctypes.CDLL(None) if sys.platform == "linux" else None
        self._woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._noted)
        self._asked_to_stop = False
        self._quick_ends = 0
        self._engine = self._start()

    def _noted(self, number: int, _frame: object) -> None:
        self._asked_to_stop |= number != signal.SIGCHLD

    def _start(self) -> subprocess.Popen[bytes]:
        order = self._order
        with open(order["log"], "ab") as log:
            os.fchmod(log.fileno(), 0o600)
            engine = subprocess.Popen(
                order["command"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=order["user"],
                group=order["group"],
                extra_groups=[] if order["user"] is not None else None,
                pass_fds=[order["lock_fd"]],
                preexec_fn=self._die_with_me,  # noqa: PLW1509 - this process has one thread
            )
        self._started = time.monotonic()
        self._write_pids(engine.pid)
        return engine

    def _die_with_me(self) -> None:
        # Where the kernel knows how: the engine also goes when this process itself is killed.
        if self._libc is not None:
            self._libc.prctl(_PR_SET_PDEATHSIG, int(self._stop_signal), 0, 0, 0)

    def _write_pids(self, engine: int) -> None:
        pids = {"parent": self._order["parent"], "supervisor": os.getpid(), "engine": engine}
        os.ftruncate(self._order["lock_fd"], 0)
        os.pwrite(self._order["lock_fd"], json.dumps(pids).encode(), 0)

    def run(self) -> None:
        while not self._asked_to_stop:
            ready, _, _ = select.select([0, self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
            if 0 in ready and not os.read(0, 1):
                break
            if not self._asked_to_stop and self._engine.poll() is not None:
                self._start_again()
        self._stop()

    def _start_again(self) -> None:
        if time.monotonic() - self._started > _STEADY_AFTER_S:
            self._quick_ends, self._pause_s = 0, _FIRST_PAUSE_S
        self._quick_ends += 1
        if self._quick_ends >= _QUICK_ENDS:
            self._asked_to_stop = True
            return
        lifeline, _, _ = select.select([0], [], [], self._pause_s)
        if not lifeline:
            self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)
            self._engine = self._start()

    def _stop(self) -> None:
        for number in (self._stop_signal, signal.SIGQUIT, signal.SIGKILL):
            if self._engine.poll() is not None:
                break
            self._engine.send_signal(number)
            self._wait(_PATIENCE_S)
        with suppress(OSError):
            os.rmdir(self._order["sockets"])

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self._engine.poll() is None and time.monotonic() < until:
            select.select([self._woken], [], [], 0.05)


if __name__ == "__main__":
    Supervisor(json.loads(sys.argv[1])).run()
