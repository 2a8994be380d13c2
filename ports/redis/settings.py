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


class CacheSettings(Settings):
    """What is kept in Redis so that it need not be computed again (SPEC 7)."""

    section: ClassVar[str] = "cache"

    search_s: int = Field(
        default=300,
        ge=0,
        le=86_400,
        description="Seconds for which a search (docs.search) is kept; 0: never.",
    )
    quotes_s: int = Field(
        default=1800, ge=0, le=86_400, description="Seconds for which verify.quote is kept; 0: never."
    )
    deadline_ms: int = Field(
        default=50, ge=1, le=10_000, description="Longest wait for the cache; past it the answer is computed."
    )
    largest_kb: int = Field(
        default=256, ge=1, le=16_384, description="An answer larger than this is not kept."
    )
