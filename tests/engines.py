"""Real engines for tests: one Postgres and one Valkey per test process, a fresh database per test."""

import contextlib
import importlib
import importlib.util
import itertools
import os
import shutil
import tempfile
from collections.abc import Generator
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import create_engine, make_url

from launch.engines import RunningEngine, start_postgres, start_valkey
from ports.db import Base, libpq_url, sync_url
from ports.queue import apply_schema

_TEMPLATE = "template_migrated"
_numbers = itertools.count(1)


@contextlib.contextmanager
def engine_folder() -> Generator[Path]:
    """A short-lived data folder that the engines' user can pass through, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="sb-test-", dir=memory_folder()))
    folder.chmod(0o711)
    try:
        yield folder / "data"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def memory_folder() -> Path | None:
    """Where files stay in memory: a copy of a database takes 12 ms instead of up to 400, an index 0.1 s
    instead of up to 1. None where the machine has no such place, or not enough of it."""
    shared = Path("/dev/shm")
    if not (shared.is_dir() and os.access(shared, os.W_OK)):
        return None
    runs_programs = not os.statvfs(shared).f_flag & os.ST_NOEXEC
    return shared if runs_programs and shutil.disk_usage(shared).free > 2_000_000_000 else None


class PostgresForTests:
    """A Postgres with a migrated template, from which each test gets a copy (some 12 ms)."""

    def __init__(self, engine: RunningEngine) -> None:
        self._engine = engine
        self._made: set[str] = set()
        self._admin = psycopg.connect(libpq_url(engine.url), autocommit=True, connect_timeout=10)
        self._create(_TEMPLATE, "template1")
        migrate(self.url_of(_TEMPLATE))

    def url_of(self, name: str) -> str:
        return make_url(self._engine.url).set(database=name).render_as_string(hide_password=False)

    @contextlib.contextmanager
    def database(self, template: str = _TEMPLATE) -> Generator[str]:
        """The address of a fresh database, dropped afterwards whoever is still connected."""
        name = f"test_{next(_numbers)}"
        self._create(name, template)
        try:
            yield self.url_of(name)
        finally:
            self._admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _create(self, name: str, template: str) -> None:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        self._admin.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def close(self) -> None:
        self._admin.close()


def migrate(url: str) -> None:
    """All tables: by the product's migrations."""
    if importlib.util.find_spec("platform_api.migrations"):
        importlib.import_module("platform_api.migrations").upgrade(url)
        importlib.import_module("tools.servers.contact.migrations").upgrade(url)
        return
    engine = create_engine(sync_url(url))
    Base.metadata.create_all(engine)
    engine.dispose()
    apply_schema(url)


@contextlib.contextmanager
def running_postgres() -> Generator[PostgresForTests]:
    with engine_folder() as data:
        engine = start_postgres(data, durable=False)
        try:
            postgres = PostgresForTests(engine)
            yield postgres
            postgres.close()
        finally:
            engine.stop()


@contextlib.contextmanager
def running_valkey() -> Generator[RunningEngine]:
    with engine_folder() as data:
        engine = start_valkey(data, durable=False)
        try:
            yield engine
        finally:
            engine.stop()


def full_run() -> bool:
    """Whether the long tests were asked for (`make test-full`)."""
    return os.environ.get("SWITCHBOARD_TEST_FULL") == "1"
