"""`python -m tests.bench.booking_bench [N]`: from the last click to the confirmation, all three systems up.

`switchboard up` with its built-in calendar, outbox and local CRM; people press "Book it" over REST, one after
the other. Printed: p50 and p95 in seconds, wall time, until the result can be read (issue 9, must show 5).
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from switchboard_sdk import Switchboard

from kit.wire.interactions import Interaction
from launch.child import running
from tests.tools.contact.booking.offices import FORM

WEEKS = ["next week", "in two weeks", "in three weeks", "in four weeks", "in five weeks", "in six weeks"]


async def answered(them: Switchboard, asked: Interaction, content: dict[str, Any]) -> Interaction:
    await them.interactions.respond(asked.id, "accept", content)
    return await them.interactions.wait(asked.id, longest_s=60)


async def following(them: Switchboard, ended: Interaction) -> Interaction:
    assert ended.result is not None
    assert ended.result.interaction_id is not None, ended.result
    return await them.interactions.get(ended.result.interaction_id)


async def one(them: Switchboard, number: int) -> float:
    """Seconds from the last click."""
    asked = await them.tools.invoke("meetings.book", {})
    assert isinstance(asked, Interaction)
    form = {**FORM, "email": f"p{number}@example.com", "window": WEEKS[number % len(WEEKS)]}
    slots = await following(them, await answered(them, asked, form))
    options = slots.forms[0].requested_schema["properties"]["slot"]["oneOf"]
    confirm = await following(them, await answered(them, slots, {"slot": options[0]["const"]}))
    begun = time.perf_counter()
    ended = await answered(them, confirm, {"decision": "book"})
    took = time.perf_counter() - begun
    assert ended.result is not None
    assert ended.result.structured is not None
    assert ended.result.structured["email"]["sent"], ended.result
    return took


async def measured(number: int) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="sb-bench-") as folder:
        Path(folder).chmod(0o711)
        async with running(Path(folder) / "data") as up, Switchboard(up.base_url) as them:
            await them.sign_in_dev("maya")
            return [await one(them, at) for at in range(number)]


def main() -> None:
    took = asyncio.run(measured(int(sys.argv[1]) if len(sys.argv) > 1 else 40))
    took_sorted = sorted(took)
    p50, p95 = (took_sorted[min(len(took) - 1, int(len(took) * part))] for part in (0.5, 0.95))
    print(f"last click to confirmation, {len(took)} bookings: p50 {p50:.2f} s, p95 {p95:.2f} s")
    print(
        f"first {took[0]:.2f} s (of a fresh process), longest {took_sorted[-1]:.2f} s; to hold: p95 < 1.5 s"
    )


if __name__ == "__main__":
    main()
