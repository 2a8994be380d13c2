"""Our side of a supervised engine: start, wait until it answers, stop."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from launch.engines.errors import EngineFailed
from launch.engines.folder import EngineFolder

_READY_WITHIN_S = 60.0
_POLL_S = 0.005
_STOP_WITHIN_S = 20.0
_LOG_LIMIT = 5_000_000


@dataclass(slots=True)
class RunningEngine:
    """An engine that answers at `url`. It ends with `stop`, and with this process, however that ends."""

    url: str
    folder: EngineFolder
    supervisor: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The engine's own process; another one after a crash."""
        return self.folder.pids()["engine"]

    @property
    def running(self) -> bool:
        """Whether the engine is looked after; it may be starting again after a crash."""
        return self.supervisor.poll() is None

    def stop(self) -> None:
        """Ask the engine to stop and wait until it is gone. Safe to call twice."""
        assert self.supervisor.stdin is not None
        with suppress(BrokenPipeError):
            self.supervisor.stdin.close()
        try:
            self.supervisor.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.supervisor.kill()
            self.supervisor.wait()


def start_supervised(
    folder: EngineFolder,
    command: Sequence[str],
    *,
    stop_signal: int,
    lock: int,
    answers: Callable[[], bool],
    url: str,
) -> RunningEngine:
    """Start `command` below a supervisor and wait until `answers`. Takes over `lock`.

    Raises EngineFailed, with the last line of the engine's log.
    """
    order = {
        "command": [*folder.run_as.prefix, *command],
        "user": folder.run_as.uid,
        "group": folder.run_as.gid,
        "stop_signal": int(stop_signal),
        "lock_fd": lock,
        "log": str(fresh_log(folder)),
        "sockets": str(folder.socket_folder()),
        "parent": os.getpid(),
    }
    script = Path(__file__).with_name("supervisor.py")
    # Its own session: Ctrl-C in the terminal is for us, and we stop the engines last.
    supervisor = subprocess.Popen(
        [sys.executable, "-I", "-S", str(script), json.dumps(order)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=[lock],
        start_new_session=True,
        cwd="/",
    )
    os.close(lock)
    engine = RunningEngine(url, folder, supervisor)
    _wait_ready(engine, answers)
    return engine


def fresh_log(folder: EngineFolder) -> Path:
    """The engine's log; a large one makes room by becoming `log.1`."""
    log = folder.path / "log"
    if log.exists() and log.stat().st_size > _LOG_LIMIT:
        log.replace(folder.path / "log.1")
    return log


def _wait_ready(engine: RunningEngine, answers: Callable[[], bool]) -> None:
    until = time.monotonic() + _READY_WITHIN_S
    while engine.running and time.monotonic() < until:
        if answers():
            return
        time.sleep(_POLL_S)
    engine.stop()
    raise engine_failed(engine.folder)


def engine_failed(folder: EngineFolder) -> EngineFailed:
    """The error for an engine that does not come up."""
    log = folder.path / "log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    said = f" It said: {lines[-1][:300]}" if lines else ""
    return EngineFailed(f"The engine in {folder.path} did not start.{said}", f"Read {log}.")
