"""Redis (or Valkey): caches, limits, grants, turn events. The one home of its client and its errors."""

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from ports.redis.client import connect, connect_blocking
from ports.redis.settings import RedisSettings

__all__ = ["Redis", "RedisError", "RedisSettings", "ResponseError", "connect", "connect_blocking"]
