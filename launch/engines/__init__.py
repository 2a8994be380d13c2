"""The embedded engines: real Postgres and Valkey from wheels, as children that end with us.

Each has a folder of its own (0700, passwords generated), listens on a unix socket only and is looked
after by a small supervisor process. An address in the settings replaces any of them.
"""

from launch.engines.errors import DataFolderInUse, EngineError, EngineFailed
from launch.engines.folder import EngineFolder
from launch.engines.postgres import start_postgres
from launch.engines.running import RunningEngine
from launch.engines.valkey import start_valkey

__all__ = [
    "DataFolderInUse",
    "EngineError",
    "EngineFailed",
    "EngineFolder",
    "RunningEngine",
    "start_postgres",
    "start_valkey",
]
