"""Redis (or Valkey): caches, limits, grants, turn events. The one home of its client and its errors."""

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from ports.redis.cache import Cache, CacheDoor, CacheScopes, CacheUnavailable, Kept
from ports.redis.client import connect, connect_blocking
from ports.redis.scripts import RedisIsACluster, refuse_cluster
from ports.redis.settings import CacheSettings, RedisSettings

__all__ = [
    "Cache",
    "CacheDoor",
    "CacheScopes",
    "CacheSettings",
    "CacheUnavailable",
    "Kept",
    "Redis",
    "RedisError",
    "RedisIsACluster",
    "RedisSettings",
    "ResponseError",
    "connect",
    "connect_blocking",
    "refuse_cluster",
]
