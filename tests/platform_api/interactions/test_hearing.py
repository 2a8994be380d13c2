"""An answer that was committed is gone on with, whatever dies in between."""

import asyncio
import signal
import sys
from uuid import UUID, uuid4

import pytest

from access.principal import Principal, TurnLimits
from kit.wire.interactions import Interaction, Respond
from platform_api.interactions import Answered
from platform_api.interactions.hearing import ATTEMPTS, LEASE_S
from platform_api.sessions.models import SessionRow
from ports.db import Database
from tests.clocks import MovedClock
from tests.platform_api.interactions.asks import NOTHING, Heard, elicit, suspended
from tests.platform_api.interactions.replica import Effects, Replica, a_person, an_organisation

ACCEPT = Respond(action="accept")


class House:
    """A person with a session, whom replicas ask."""

    def __init__(self, database: Database, clock: MovedClock, person: Principal) -> None:
        self.database = database
        self.clock = clock
        self.person = person

    def replica(self, heard: Heard | Effects | None) -> Replica:
        replica = Replica(self.database, self.clock, None)
        if heard is not None:
            replica.interactions.hears(heard)
        return replica

    async def ask(self, *, in_session: bool = True, limits: TurnLimits | None = None) -> Interaction:
        session_id = uuid4() if in_session else None
        asker = self.person.limited(limits) if limits else self.person
        async with self.database.begin() as session:
            if session_id is not None:
                session.add(
                    SessionRow(
                        id=session_id,
                        organisation_id=asker.organisation_id,
                        user_id=asker.id,
                        title="One",
                    )
                )
                await session.flush()
            call = suspended(input_requests={"q": elicit(NOTHING)})
            return await self.replica(None).interactions.open(session, asker, call, session_id=session_id)

    async def seen(self, one: Interaction) -> Interaction:
        async with self.database.begin() as session:
            return await self.replica(None).interactions.get(session, self.person, one.id)


@pytest.fixture
async def house(database: Database) -> House:
    clock = MovedClock()
    return House(database, clock, await a_person(database, await an_organisation(database), clock))


@pytest.mark.proves("GOV-310")
@pytest.mark.parametrize("when", ["before", "while"])
async def test_a_replica_killed_before_or_while_it_hears_leaves_the_answer_to_the_next(
    house: House, when: str
) -> None:
    asked = await house.ask()
    printed = await killed(house.database.url, house.person.id, asked.id, when)
    answered = await house.seen(asked)
    assert answered.status == "answered"
    assert printed == ([str(answered.continued_by)] if when == "while" else [])

    heard = Heard()
    later = house.replica(heard)
    if when == "while":
        # the lease of the dead one
        assert await later.interactions.catch_up() == 0
        house.clock.move(seconds=LEASE_S + 1)
    assert await later.interactions.catch_up() == 1
    assert [one.turn_id for one in heard.answers] == [answered.continued_by]
    assert await later.interactions.catch_up() == 0


async def killed(url: str, user_id: UUID, interaction_id: UUID, when: str) -> list[str]:
    """What the child said before its end by kill -9."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.platform_api.interactions.crash_child"),
        *(url, str(user_id), str(interaction_id), when),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await child.communicate()
    assert child.returncode == -signal.SIGKILL
    return out.decode().split()


async def test_many_replicas_that_look_at_once_hear_it_once(house: House) -> None:
    asked = await house.ask()
    await house.replica(None).interactions.respond(house.person, asked.id, ACCEPT)
    heard = Heard()
    await asyncio.gather(*(house.replica(heard).interactions.catch_up() for _ in range(5)))
    assert [one.interaction.id for one in heard.answers] == [asked.id]


async def test_a_hearer_that_fails_is_told_again_later(house: House) -> None:
    asked = await house.ask()
    heard = Heard(fail=2)
    replica = house.replica(heard)
    await replica.interactions.respond(house.person, asked.id, ACCEPT)
    assert heard.answers == []
    assert await replica.interactions.catch_up() == 0
    for _ in range(2):
        house.clock.move(seconds=60)
        await replica.interactions.catch_up()
    assert [one.interaction.id for one in heard.answers] == [asked.id]


async def test_what_fails_every_time_is_given_up_and_says_so(house: House) -> None:
    asked = await house.ask(in_session=False)
    heard = Heard(fail=100)
    replica = house.replica(heard)
    await replica.interactions.respond(house.person, asked.id, ACCEPT)
    assert not (await house.seen(asked)).settled
    for _ in range(ATTEMPTS):
        house.clock.move(seconds=400)
        await replica.interactions.catch_up()
    seen = await house.seen(asked)
    assert heard.fail == 100 - ATTEMPTS
    assert seen.settled
    assert seen.result is not None
    assert seen.result.is_error


async def test_a_replica_that_stops_in_the_middle_gives_the_answer_back_at_once(house: House) -> None:
    asked = await house.ask()
    begun = asyncio.Event()

    async def never_ends(_: Answered) -> None:
        begun.set()
        await asyncio.Event().wait()

    stopping = house.replica(None)
    stopping.interactions.hears(never_ends)
    responding = asyncio.create_task(stopping.interactions.respond(house.person, asked.id, ACCEPT))
    await begun.wait()
    await stopping.interactions.stop()
    assert (await responding).status == "answered"
    heard = Heard()
    house.clock.move(seconds=1)
    await house.replica(heard).interactions.catch_up()
    assert len(heard.answers) == 1


async def test_an_answer_from_a_shared_place_keeps_the_turn_there(house: House) -> None:
    bases = [uuid4() for _ in range(3)]
    asked = await house.ask(limits=TurnLimits(knowledge_base_ids=frozenset(bases[:2])))
    answering = house.person.limited(
        TurnLimits(knowledge_base_ids=frozenset(bases[1:]), privacy=True, audience="everyone_here")
    )
    heard = Heard()
    await house.replica(heard).interactions.respond(answering, asked.id, ACCEPT)
    limits = heard.answers[0].principal.limits
    assert limits.knowledge_base_ids == frozenset(bases[1:2])
    assert (limits.privacy, limits.audience) == (True, "everyone_here")


async def test_background_looking_finds_what_was_left_behind(house: House) -> None:
    asked = await house.ask()
    await house.replica(None).interactions.respond(house.person, asked.id, ACCEPT)
    heard = asyncio.Event()

    async def hear(_: Answered) -> None:
        heard.set()

    replica = house.replica(None)
    replica.interactions.hears(hear)
    replica.interactions.start()
    await heard.wait()
    await replica.interactions.stop()
