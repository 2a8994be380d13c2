"""Redis (or Valkey): caches, limits, grants, turn events."""

from ports.redis.client import connect, connect_blocking
from ports.redis.settings import RedisSettings

__all__ = ["RedisSettings", "connect", "connect_blocking"]
