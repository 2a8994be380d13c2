"""The folder of one engine: files 0700, one owner at a time, a short folder for its socket."""

import fcntl
import hashlib
import json
import os
import secrets
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from launch.engines.errors import DataFolderInUse, EngineError
from launch.engines.run_as import RunAs, choose

_SOCKET_LIMIT = 100
# A unix socket's path may have 107 characters on Linux and 103 on macOS.
_POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class EngineFolder:
    """`<data>/<name>/` and how the engine in it runs. Made by `open`."""

    path: Path
    run_as: RunAs

    @classmethod
    def open(cls, data: Path, name: str, program: Path) -> "EngineFolder":
        """Makes the folder where needed, 0700, and gives it to the engine's user.

        Raises EngineError where no user can run `program` on it.
        """
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.geteuid() == 0:
            # The engine's user must pass through; what lies in it stays 0700.
            data.chmod(data.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)
        folder = cls((data / name).resolve(), choose(program, data))
        folder.path.mkdir(exist_ok=True, mode=0o700)
        folder._take_over()
        folder.path.chmod(0o700)
        return folder

    def _take_over(self) -> None:
        found = self.path.stat()
        if (found.st_uid, found.st_gid) == self.run_as.owner:
            return
        if os.geteuid() != 0:
            if found.st_uid == os.geteuid():
                return
            raise EngineError(
                f"{self.path} belongs to another user.",
                "Run as that user, or choose another data folder.",
            )
        # Below first: a crash half-way leaves the folder itself as the sign that it is not done.
        for top, folders, files in os.walk(self.path):
            for entry in (*folders, *files):
                os.chown(os.path.join(top, entry), *self.run_as.owner, follow_symlinks=False)
        os.chown(self.path, *self.run_as.owner)

    def secret(self) -> str:
        """The generated password of this engine: 0600, the same at every start."""
        file = self.path / "password"
        with suppress(FileNotFoundError):
            return file.read_text().strip()
        return self.write_private("password", secrets.token_urlsafe(24)).read_text()

    def write_private(self, name: str, text: str) -> Path:
        """A file that only the engine's user reads, replaced in one step."""
        file = self.path / name
        fresh = self.path / f"{name}.new"
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            os.fchown(opened.fileno(), *self.run_as.owner)
            opened.write(text)
        return fresh.replace(file)

    def lock(self, patience_s: float = 10.0) -> int:
        """An open file that owns the folder: pass it to the engine, which holds it while it lives.

        Waits for an engine that is just stopping, and ends one whose supervisor is gone.
        Raises DataFolderInUse.
        """
        held = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + patience_s
        while not _try_lock(held):
            if time.monotonic() > until or self._rightly_held():
                os.close(held)
                raise self._in_use()
            time.sleep(_POLL_S)
        os.ftruncate(held, 0)
        return held

    def _rightly_held(self) -> bool:
        """Whether a live parent uses the folder; asks an engine without a supervisor to stop."""
        pids = self.pids()
        supervisor, engine = pids.get("supervisor"), pids.get("engine")
        if supervisor and _alive(supervisor):
            return _alive(pids.get("parent", 0))
        if engine and _is_engine(engine):
            os.kill(engine, signal.SIGINT)
        return False

    def pids(self) -> dict[str, int]:
        """The `parent`, `supervisor` and `engine` that hold the folder; {} where none does."""
        try:
            return cast(dict[str, int], json.loads((self.path / "lock").read_text()))
        except (OSError, ValueError):
            return {}

    def _in_use(self) -> DataFolderInUse:
        owner = self.pids().get("parent")
        by = f" by process {owner}" if owner else ""
        return DataFolderInUse(
            f"The data folder {self.path} is in use{by}.",
            "Stop that Switchboard first, or choose another data folder.",
        )

    def socket_folder(self) -> Path:
        """A short folder for sockets, 0700, always the same for this data folder.

        Raises EngineError where somebody else has put something in its place.
        """
        name = "sb-" + hashlib.sha256(f"{self.path}:{os.geteuid()}".encode()).hexdigest()[:12]
        folder = self._runtime_base() / name
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (os.geteuid(), self.run_as.owner[0]):
            raise EngineError(f"{folder} is not ours.", "Remove it, or set XDG_RUNTIME_DIR to your own.")
        if found.st_uid != self.run_as.owner[0]:
            os.chown(folder, *self.run_as.owner)
        folder.chmod(0o700)
        return folder

    def _runtime_base(self) -> Path:
        candidates = [os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir(), "/tmp"]  # noqa: S108 - made 0700, owner checked
        # Another user's engine cannot pass a runtime folder that is ours alone.
        for candidate in candidates[self.run_as.owner[0] != os.geteuid() :]:
            if candidate and len(candidate) < _SOCKET_LIMIT - 40 and os.access(candidate, os.W_OK | os.X_OK):
                return Path(candidate)
        raise EngineError("There is no short folder for sockets.", "Set XDG_RUNTIME_DIR to a writable one.")


def _try_lock(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return pid > 0


def _is_engine(pid: int) -> bool:
    """Guards against a pid that was given to another program since."""
    shown = _command_line(pid)
    return "postgres" in shown or "valkey" in shown


def _command_line(pid: int) -> str:
    if sys.platform == "linux":
        # Small images have no `ps`.
        try:
            return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        except OSError:
            return ""
    command = ["ps", "-o", "command=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout
