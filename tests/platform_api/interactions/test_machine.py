"""The state machine of an interaction, walked at random on two replicas over one Postgres."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from access.principal import Principal
from kit.errors import SwitchboardError
from kit.wire.interactions import Respond, Responded
from platform_api.sessions.models import SessionRow
from ports.db import Database
from tests.clocks import MovedClock
from tests.engines import full_run
from tests.platform_api.interactions.asks import NOTHING, elicit, suspended
from tests.platform_api.interactions.replica import Effects, Replica, a_person, an_organisation

Got = TypeVar("Got")
LIFE_S = 600
REPLICAS = st.integers(0, 1)
ACTIONS = st.sampled_from(["accept", "decline", "cancel"])
PICK = st.integers(0, 3)


class Machine(RuleBasedStateMachine):
    """Every interaction has one terminal state for ever, and one effect at most, whatever happens."""

    url = ""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.clock = MovedClock()
        self.effects = Effects()
        self.asked: list[UUID] = []
        self.accepted: dict[UUID, tuple[str, Responded]] = {}
        self.ended: dict[UUID, str] = {}
        self.run(self._begin())

    async def _begin(self) -> None:
        self.databases = [Database(self.url, pool_size=3) for _ in range(2)]
        organisation_id = await an_organisation(self.databases[0])
        self.person: Principal = await a_person(self.databases[0], organisation_id, self.clock)
        self.session_id = uuid4()
        async with self.databases[0].begin() as session:
            session.add(
                SessionRow(
                    id=self.session_id,
                    organisation_id=organisation_id,
                    user_id=self.person.id,
                    title="One",
                )
            )
        self.replicas = [Replica(one, self.clock, self.effects) for one in self.databases]

    def run(self, work: Awaitable[Got]) -> Got:
        async def waited() -> Got:
            return await work

        return self.runner.run(waited())

    def teardown(self) -> None:
        async def end() -> None:
            # Whoever is left goes on with what was answered: an effect may be late, but it comes.
            self.clock.move(seconds=400)
            while await self.replicas[0].interactions.catch_up():
                pass
            for one in self.asked:
                answered = self.ended.get(one) == "answered"
                assert len(set(self.effects.of(one))) == (1 if answered else 0)
            for database in self.databases:
                await database.close()

        self.run(end())
        self.runner.close()

    @precondition(lambda self: len(self.asked) < 4)
    @rule(replica=REPLICAS)
    def ask(self, replica: int) -> None:
        async def asking() -> UUID:
            here = self.replicas[replica]
            async with here.database.begin() as session:
                call = suspended(input_requests={"q": elicit(NOTHING)}, expires_s=LIFE_S)
                turn = {"session_id": self.session_id, "turn_id": uuid4()}
                return (await here.interactions.open(session, self.person, call, **turn)).id

        self.asked.append(self.run(asking()))

    @precondition(lambda self: self.asked)
    @rule(replica=REPLICAS, pick=PICK, action=ACTIONS)
    def answer(self, replica: int, pick: int, action: Any) -> None:
        one = self.asked[pick % len(self.asked)]
        self._took(one, [(action, self.run(self._respond(self.replicas[replica], one, action)))])

    @precondition(lambda self: self.asked)
    @rule(pick=PICK, first=ACTIONS, second=ACTIONS)
    def two_answers_at_once_on_two_replicas(self, pick: int, first: Any, second: Any) -> None:
        one = self.asked[pick % len(self.asked)]

        async def both() -> tuple[Responded | str, Responded | str]:
            here, there = self.replicas
            return await asyncio.gather(self._respond(here, one, first), self._respond(there, one, second))

        got = self.run(both())
        taken = [each for each in got if isinstance(each, Responded)]
        assert len(taken) <= 1 or first == second
        self._took(one, list(zip((first, second), got, strict=True)))

    @precondition(lambda self: self.asked)
    @rule(pick=PICK, action=ACTIONS)
    def answer_and_die_before_anybody_hears(self, pick: int, action: Any) -> None:
        one = self.asked[pick % len(self.asked)]
        dying = Replica(self.databases[0], self.clock, effects=None)
        self._took(one, [(action, self.run(self._respond(dying, one, action)))])

    @precondition(lambda self: self.asked)
    @rule(pick=PICK)
    def answer_and_expire_at_once(self, pick: int) -> None:
        one = self.asked[pick % len(self.asked)]

        async def both() -> tuple[Responded | str, None]:
            here, there = self.replicas
            return await asyncio.gather(self._respond(here, one, "accept"), there.tasks.sweep({}))

        got, _ = self.run(both())
        self._took(one, [("accept", got)])

    @precondition(lambda self: self.asked)
    @rule(replica=REPLICAS, pick=PICK)
    def withdraw(self, replica: int, pick: int) -> None:
        async def withdrawing() -> None:
            here = self.replicas[replica]
            async with here.database.begin() as session:
                await here.interactions.cancel(session, self.person, self.asked[pick % len(self.asked)])

        self.run(withdrawing())

    @rule(seconds=st.sampled_from([31, LIFE_S // 2, LIFE_S + 1]))
    def time_passes(self, seconds: int) -> None:
        self.clock.move(seconds=seconds)

    @rule(replica=REPLICAS)
    def sweep(self, replica: int) -> None:
        self.run(self.replicas[replica].tasks.sweep({}))

    @rule(replica=REPLICAS)
    def restart(self, replica: int) -> None:
        self.replicas[replica] = Replica(self.databases[replica], self.clock, self.effects)

    @rule(replica=REPLICAS)
    def catch_up(self, replica: int) -> None:
        self.run(self.replicas[replica].interactions.catch_up())

    @invariant()
    def what_has_ended_stays_as_it_is(self) -> None:
        for one in self.asked:
            status = self.run(self._status(one))
            if one in self.ended:
                assert status == self.ended[one]
            elif status != "open":
                self.ended[one] = status
            begun = set(self.effects.of(one))
            assert len(begun) <= (1 if status == "answered" else 0)
            if one in self.accepted:
                assert begun <= {self.accepted[one][1].turn_id}

    async def _status(self, one: UUID) -> str:
        async with self.databases[0].begin() as session:
            return (await self.replicas[0].interactions.get(session, self.person, one)).status

    async def _respond(self, replica: Replica, one: UUID, action: Any) -> Responded | str:
        try:
            return await replica.interactions.respond(self.person, one, Respond(action=action))
        except SwitchboardError as refused:
            return refused.code

    def _took(self, one: UUID, attempts: list[tuple[str, Responded | str]]) -> None:
        """The first answer that was taken counts: the same again is answered the same, another is refused."""
        for action, got in attempts:
            if isinstance(got, str):
                assert got in ("interaction_answered", "interaction_expired", "interaction_cancelled")
                assert self.accepted.get(one, ("", None))[0] != action
            else:
                assert self.accepted.setdefault(one, (action, got)) == (action, got)


@pytest.mark.proves("GOV-307")
@pytest.mark.timeout(1800)
def test_one_effect_at_most_and_one_terminal_state(database_url: str) -> None:
    class OnThisDatabase(Machine):
        url = database_url

    run_state_machine_as_test(
        OnThisDatabase,
        settings=settings(
            max_examples=150 if full_run() else 6,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
