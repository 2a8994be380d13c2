"""Where Postgres is."""

from typing import ClassVar

from pydantic import Field

from kit.settings import Settings


class DatabaseSettings(Settings):
    section: ClassVar[str] = "db"

    url: str = Field(
        default="",
        description="Postgres: postgresql+asyncpg://user:password@host/database. Empty: the embedded one.",
    )
    pool_size: int = Field(default=20, ge=1, le=200, description="Connections per process.")
