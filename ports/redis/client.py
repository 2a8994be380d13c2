"""The two clients: one that would rather fail than wait, one that waits for events."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from ports.redis.settings import RedisSettings

_CONNECT_WITHIN_S = 1.0
_CONNECTIONS = 200
LONGEST_BLOCK_S = 20.0
"""What XREAD and BLPOP may ask for as `block` on the blocking client."""


def connect(url: str, timeout_s: float | None = None) -> Redis:
    """The client for everything quick: a command fails after `timeout_s` (as set) and is not repeated.

    A hung Redis then costs 50 ms and a Redis error; put a breaker before it and degrade. Answers
    are bytes. Raises redis.exceptions.RedisError (TimeoutError, ConnectionError) from commands.
    """
    return _client(url, RedisSettings().timeout_ms / 1000 if timeout_s is None else timeout_s)


def connect_blocking(url: str) -> Redis:
    """The client for XREAD and BLPOP with `block` up to 20 s; not for the path of an answer."""
    return _client(url, LONGEST_BLOCK_S + 5)


def _client(url: str, timeout_s: float) -> Redis:
    return Redis.from_url(  # pyright: ignore[reportUnknownMemberType] - redis-py leaves **kwargs untyped
        url,
        socket_timeout=timeout_s,
        socket_connect_timeout=min(timeout_s, _CONNECT_WITHIN_S),
        retry=Retry(NoBackoff(), 0),
        max_connections=_CONNECTIONS,
    )
