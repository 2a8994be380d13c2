"""Events by what has come meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_api.chat.gathering import gathered


class Source:
    """Gives its steps: numbers, pauses (None) and an error at the end."""

    def __init__(self, *steps: int | None, error: Exception | None = None) -> None:
        self.steps, self.error, self.closed = steps, error, False

    async def __aiter__(self) -> AsyncIterator[int]:
        try:
            for step in self.steps:
                if step is None:
                    await asyncio.sleep(0)
                else:
                    yield step
            if self.error:
                raise self.error
        finally:
            self.closed = True


@given(st.lists(st.one_of(st.none(), st.integers(0, 9)), max_size=20))
async def test_all_events_come_in_order_and_no_list_is_empty(steps: list[int | None]) -> None:
    batches = [batch async for batch in gathered(aiter(Source(*steps)))]
    assert [one for batch in batches for one in batch] == [one for one in steps if one is not None]
    assert all(batches)


async def test_who_takes_long_finds_the_next_ones_together() -> None:
    batches: list[list[int]] = []
    async for batch in gathered(aiter(Source(1, None, None, 2, 3, None, 4))):
        batches.append(batch)
        for _ in range(20):
            await asyncio.sleep(0)
    assert batches == [[1], [2, 3, 4]]


async def test_what_came_before_an_error_comes_before_it() -> None:
    batches = gathered(aiter(Source(1, 2, error=ValueError("broken"))))
    assert await anext(batches) == [1, 2]
    with pytest.raises(ValueError, match="broken"):
        await anext(batches)


async def test_closing_it_stops_the_source() -> None:
    source = Source(1, *[None] * 1000, 2)
    async with aclosing(gathered(aiter(source))) as batches:
        async for batch in batches:
            assert batch == [1]
            break
    assert source.closed
