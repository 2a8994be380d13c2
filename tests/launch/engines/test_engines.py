"""The embedded engines through every way to go: stopped, killed, crashed, started twice, interrupted."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psutil
import psycopg
import pytest
import redis
from sqlalchemy import make_url

from launch.engines import (
    DataFolderInUse,
    EngineError,
    EngineFailed,
    RunningEngine,
    start_postgres,
    start_valkey,
)
from launch.engines.folder import EngineFolder
from ports.db import libpq_url
from tests.engines import engine_folder

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.timeout(120)
Started = Generator[RunningEngine]


@pytest.fixture(scope="session")
def prepared() -> Generator[Path]:
    """A data folder after its first start, for copying: that start takes a second."""
    with engine_folder() as folder:
        start_postgres(folder).stop()
        yield folder


@pytest.fixture
def empty() -> Generator[Path]:
    with engine_folder() as folder:
        yield folder


@pytest.fixture
def data(prepared: Path, empty: Path) -> Path:
    return shutil.copytree(prepared, empty)


def connected(url: str) -> Any:
    """A Redis client; untyped, as redis-py's commands are."""
    return cast(Any, redis.Redis).from_url(url)


@contextmanager
def postgres(data: Path) -> Started:
    engine = start_postgres(data)
    try:
        yield engine
    finally:
        engine.stop()


@contextmanager
def valkey(data: Path) -> Started:
    engine = start_valkey(data)
    try:
        yield engine
    finally:
        engine.stop()


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(libpq_url(url), connect_timeout=10) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def remember(postgres_url: str, valkey_url: str) -> None:
    ask(postgres_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    with connected(valkey_url) as client:
        client.set("answer", 42)
        client.waitaof(1, 0, 5000)


def assert_remembered(data: Path) -> None:
    with postgres(data) as first, valkey(data) as second, connected(second.url) as client:
        assert ask(first.url, "SELECT answer FROM kept") == [(42,)]
        assert client.get("answer") == b"42"


@dataclass
class Parent:
    """A process with both engines: [Postgres, Valkey]."""

    process: "subprocess.Popen[str]"
    urls: list[str]
    supervisors: list[int]
    engines: list[int]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def kill_everything(self) -> None:
        backends = [each.pid for each in psutil.Process(self.engines[0]).children()]
        for pid in [*backends, *self.engines, *self.supervisors, self.process.pid]:
            # Some go by themselves with those that were killed before them.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def parent(data: Path, *prefix: str) -> Generator[Parent]:
    command = [*prefix, sys.executable, "-m", "tests.launch.engines.parent", str(data)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout
    assert process.stdin
    try:
        urls, supervisors, engines = zip(*json.loads(process.stdout.readline()), strict=True)
        yield Parent(process, list(urls), list(supervisors), list(engines))
    finally:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


def wait_until_gone(pids: list[int]) -> None:
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in pids):
        time.sleep(0.01)


@pytest.mark.proves("ENGINE-001")
def test_after_a_stop_everything_is_there_again(data: Path) -> None:
    with postgres(data) as first, valkey(data) as second:
        remember(first.url, second.url)
        pids = [first.pid, second.pid]
    wait_until_gone(pids)
    assert_remembered(data)


@pytest.mark.proves("ENGINE-001")
def test_engines_end_with_a_parent_that_was_killed_and_lose_nothing(data: Path) -> None:
    with parent(data) as started:
        remember(*started.urls)
        started.kill()
        wait_until_gone([*started.supervisors, *started.engines])
    assert_remembered(data)


@pytest.mark.proves("ENGINE-001")
def test_after_a_kill_of_everything_they_start_again(data: Path) -> None:
    with parent(data) as started:
        remember(*started.urls)
        started.kill_everything()
        assert (data / "postgres/cluster/postmaster.pid").exists()
        assert_remembered(data)


def test_a_start_right_after_a_kill_waits_for_the_old_engine_to_go(data: Path) -> None:
    with parent(data) as started:
        remember(*started.urls)
        started.kill()
        assert_remembered(data)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_an_engine_ends_with_its_supervisor(data: Path) -> None:
    with parent(data) as started:
        for pid in started.supervisors:
            os.kill(pid, signal.SIGKILL)
        wait_until_gone(started.engines)


def test_an_engine_whose_supervisor_is_gone_is_asked_to_go_at_the_next_start(data: Path) -> None:
    with valkey(data) as engine:
        folder = engine.folder
    gone = subprocess.Popen(["true"])
    gone.wait()
    # As on macOS, where an engine does not hear that its supervisor died: somebody holds the lock.
    lock = folder.lock()
    left = subprocess.Popen(["bash", "-c", "exec -a valkey-server sleep 600"], pass_fds=[lock])
    os.pwrite(lock, json.dumps({"supervisor": gone.pid, "engine": left.pid, "parent": gone.pid}).encode(), 0)
    os.close(lock)
    with valkey(data) as engine:
        assert answers(engine.url)
    assert left.wait() == -signal.SIGINT


@pytest.mark.proves("ENGINE-002")
def test_a_second_start_on_the_same_folder_is_refused_and_harms_nobody(data: Path) -> None:
    with postgres(data) as first:
        with pytest.raises(DataFolderInUse) as refused:
            start_postgres(data)
        assert str(os.getpid()) in refused.value.detail
        assert "another data folder" in refused.value.hint
        assert ask(first.url, "SELECT 1") == [(1,)]


def test_two_folders_run_side_by_side(data: Path) -> None:
    with postgres(data) as first, postgres(data / "other") as second:
        ask(first.url, "CREATE TABLE mine ()")
        assert ask(second.url, "SELECT to_regclass('mine')") == [(None,)]


def test_an_engine_that_crashes_is_started_again(data: Path) -> None:
    with valkey(data) as engine:
        crashed = engine.pid
        os.kill(crashed, signal.SIGKILL)
        while not answers(engine.url):
            time.sleep(0.01)
        assert engine.pid != crashed


def answers(url: str) -> bool:
    try:
        with connected(url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.mark.proves("ENGINE-003")
def test_folders_and_secrets_are_for_their_user_only(data: Path) -> None:
    with postgres(data) as first, valkey(data) as second:
        sockets = Path(str(make_url(first.url).query["host"]))
        for folder in (data / "postgres", data / "valkey", data / "postgres/cluster", sockets):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        for name in ("postgres/password", "postgres/log", "valkey/password", "valkey/valkey.conf"):
            assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
        secrets = [(data / name / "password").read_text() for name in ("postgres", "valkey")]
        for pid in (first.pid, second.pid, first.supervisor.pid, second.supervisor.pid):
            shown = " ".join(psutil.Process(pid).cmdline())
            assert not any(secret in shown for secret in secrets)


@pytest.mark.proves("ENGINE-003")
def test_nobody_gets_in_without_the_password(data: Path) -> None:
    with postgres(data) as first, valkey(data) as second:
        guessed = make_url(first.url).set(password="postgres").render_as_string(hide_password=False)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            ask(guessed, "SELECT 1")
        path = second.url.partition("@")[2].partition("?")[0]
        with connected(f"unix://{path}") as client, pytest.raises(redis.AuthenticationError):
            client.ping()


def test_an_interrupted_first_start_is_done_again(empty: Path) -> None:
    (empty / "postgres/cluster.new/base").mkdir(parents=True)
    with postgres(empty) as engine:
        assert ask(engine.url, "SELECT 1") == [(1,)]


def test_a_left_over_pid_that_is_somebody_elses_by_now_does_not_matter(data: Path) -> None:
    with postgres(data) as engine:
        owner = engine.folder.run_as.owner[0]
    cluster = data / "postgres/cluster"
    sleeper = subprocess.Popen(["sleep", "600"], user=owner)
    try:
        (cluster / "postmaster.pid").write_text(f"{sleeper.pid}\n{cluster}\n1\n5432\n\n\n1 1\nready\n")
        with postgres(data) as engine:
            assert ask(engine.url, "SELECT 1") == [(1,)]
        assert sleeper.poll() is None
    finally:
        sleeper.kill()
        sleeper.wait()


def test_an_engine_that_cannot_start_says_why_and_where_to_look(data: Path) -> None:
    (data / "postgres/cluster/global/pg_control").unlink()
    with pytest.raises(EngineFailed) as failed:
        start_postgres(data)
    assert "pg_control" in failed.value.detail
    assert str(data / "postgres/log") in failed.value.hint


def test_a_cluster_of_another_version_is_not_touched(data: Path) -> None:
    (data / "postgres/cluster/PG_VERSION").write_text("17\n")
    with pytest.raises(EngineError, match="PostgreSQL 17"):
        start_postgres(data)


def test_something_in_the_place_of_the_socket_folder_is_refused(data: Path) -> None:
    with valkey(data) as engine:
        sockets = engine.folder.socket_folder()
    sockets.symlink_to(data)
    try:
        with pytest.raises(EngineError, match="is not ours"):
            start_valkey(data)
    finally:
        sockets.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_gives_way_to_an_account_without_rights(data: Path) -> None:
    with postgres(data) as engine:
        assert psutil.Process(engine.pid).uids().effective != 0
        assert engine.folder.run_as.prefix == ()


def namespaces_allowed() -> bool:
    tried = subprocess.run(["unshare", "--user", "--map-user=1000", "true"], capture_output=True, check=False)
    return os.geteuid() == 0 and sys.platform == "linux" and tried.returncode == 0


@pytest.mark.skipif(not namespaces_allowed(), reason="needs root and user namespaces")
def test_root_below_a_closed_home_runs_them_in_a_user_namespace(data: Path) -> None:
    data.parent.chmod(0o700)
    with parent(data) as started:
        remember(*started.urls)
        started.kill()
        wait_until_gone(started.engines)
    assert_remembered(data)
    with postgres(data) as engine:
        assert engine.folder.run_as.prefix
        assert (data / "postgres").stat().st_uid == 0


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv (Linux)"
)
def test_root_below_a_closed_home_without_namespaces_starts_them_too(data: Path, tmp_path: Path) -> None:
    data.parent.chmod(0o700)
    (tmp_path / "setpriv").symlink_to(str(shutil.which("setpriv")))
    with parent(data, "env", f"PATH={tmp_path}") as started:
        remember(*started.urls)
        assert psutil.Process(started.engines[0]).uids().effective != 0
        started.kill()
        wait_until_gone(started.engines)


@pytest.mark.skipif(not namespaces_allowed(), reason="needs root and user namespaces")
def test_data_moves_between_users_when_the_home_is_opened(data: Path) -> None:
    data.parent.chmod(0o700)
    with postgres(data) as first, valkey(data) as second:
        remember(first.url, second.url)
    data.parent.chmod(0o711)
    assert_remembered(data)
    assert (data / "postgres").stat().st_uid != 0


@pytest.mark.skipif(not namespaces_allowed(), reason="needs root and user namespaces")
def test_a_normal_user_needs_none_of_this(data: Path) -> None:
    data.parent.chmod(0o700)
    with parent(data, "unshare", "--user", "--map-user=1000", "--map-group=1000") as started:
        remember(*started.urls)
        started.kill()
        wait_until_gone(started.engines)


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.proves("ENGINE-001")
def test_twenty_kills_in_the_middle_of_writing_lose_nothing_that_was_committed(data: Path) -> None:
    for round_number in range(20):
        with parent(data) as started:
            url = started.urls[0]
            ask(url, "CREATE TABLE IF NOT EXISTS written (n int)")
            with psycopg.connect(libpq_url(url), autocommit=True) as connection:
                for _ in range(round_number):
                    connection.execute("INSERT INTO written VALUES (1)")
                started.kill_everything()
    with postgres(data) as engine:
        assert ask(engine.url, "SELECT count(*) FROM written") == [(sum(range(20)),)]


def test_the_lock_tells_who_holds_a_folder(data: Path) -> None:
    with valkey(data) as engine:
        folder = EngineFolder(data / "valkey", engine.folder.run_as)
        assert folder.pids() == {
            "parent": os.getpid(),
            "supervisor": engine.supervisor.pid,
            "engine": engine.pid,
        }
