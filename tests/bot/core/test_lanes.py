"""Work in lanes: in order within one, side by side over several, bounded, nothing lost."""

import asyncio
from functools import partial

from bot.core.lanes import Lanes


async def test_one_lane_keeps_its_order_and_others_do_not_wait_for_it() -> None:
    lanes, done, gate = Lanes(8), list[str](), asyncio.Event()

    async def work(name: str, wait: bool = False) -> None:
        if wait:
            await gate.wait()
        done.append(name)

    lanes.give("a", partial(work, "a1", True))
    lanes.give("a", partial(work, "a2"))
    lanes.give("b", partial(work, "b1"))
    while "b1" not in done:
        await asyncio.sleep(0)
    gate.set()
    await lanes.settled()
    assert done == ["b1", "a1", "a2"]


async def test_never_more_than_so_many_at_once_and_all_get_their_turn() -> None:
    lanes, running, most, done = Lanes(3), 0, 0, 0

    async def work() -> None:
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        done += 1

    for number in range(50):
        lanes.give(f"lane-{number}", work)
    await lanes.settled()
    assert (done, most) == (50, 3)


async def test_work_that_breaks_does_not_stop_its_lane() -> None:
    lanes, done = Lanes(1), list[str]()

    async def broken() -> None:
        raise RuntimeError("broken")

    async def whole() -> None:
        done.append("whole")

    lanes.give("a", broken)
    lanes.give("a", whole)
    await lanes.settled()
    assert done == ["whole"]


async def test_closing_finishes_what_it_can_and_stops_the_rest() -> None:
    lanes, stopped = Lanes(2), asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    lanes.give("a", endless)
    await asyncio.sleep(0)
    await lanes.close(0.0)
    assert stopped.is_set()
