from redis.asyncio import Redis


async def test_set_get(redis: Redis) -> None:
    await redis.set("a", "1")
    assert await redis.get("a") == b"1"
