"""Where Redis is."""

from typing import ClassVar

from pydantic import Field

from kit.settings import Settings


class RedisSettings(Settings):
    section: ClassVar[str] = "redis"

    url: str = Field(
        default="",
        description="Redis: redis://:password@host:6379/0 or unix://:password@/socket?db=0. "
        "Empty: the embedded Valkey.",
    )
    timeout_ms: int = Field(
        default=50,
        ge=1,
        le=10_000,
        description="Longest wait for one command. Past it the caller goes on without Redis.",
    )
