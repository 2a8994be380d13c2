"""Fifty people at once on one bot process: every one is answered, once (issue 9). Times are printed."""

import asyncio
import time

import pytest

from tests.teams.office import QUESTION, Office
from tests.teams.simulator import Person, Said

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]
PEOPLE = 50


async def test_fifty_people_at_once_are_answered_once_each(here: Office) -> None:
    people = [Person(f"person{n}", email=f"p{n}@nowhere.example") for n in range(PEOPLE)]
    taken: list[float] = []

    async def ask(person: Person) -> Said:
        chat = here.teams.chat("personal", person)
        began = time.perf_counter()
        said = await here.teams.say(person, chat, QUESTION)
        taken.append(time.perf_counter() - began)
        return said

    began = time.perf_counter()
    asked = await asyncio.gather(*map(ask, people))
    await here.teams.until(lambda: all(here.finals(said) for said in asked), within_s=120)
    took = time.perf_counter() - began
    await here.bot.idle()
    for said in asked:
        (answer,) = here.teams.answers(said)
        assert "20 days" in answer.text
    taken.sort()
    print(f"\n{PEOPLE} at once: POST answered p50 {taken[PEOPLE // 2] * 1000:.0f} ms, ", end="")
    print(f"p98 {taken[-2] * 1000:.0f} ms; the last answer after {took:.1f} s")
