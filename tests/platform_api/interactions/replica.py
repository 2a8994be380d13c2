"""Replicas of the service on one database, without HTTP; people who were there before them."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from access.principal import Principal
from kit.clock import Clock
from kit.sealing import KeyRing
from platform_api.identity import Identity
from platform_api.identity.models import OrganisationRow
from platform_api.interactions import Answered, Interactions
from platform_api.interactions.one_shots import OneShots
from platform_api.interactions.tasks import InteractionTasks
from ports.db import Database
from ports.queue import Queue
from tests.platform_api.people import add_person

KEYS = KeyRing.from_secret(b"the vault of the tests, 32 bytes")


@dataclass
class Effects:
    """What came of answers, over all replicas: a turn is known by its id, so its second beginning is none."""

    begun: list[tuple[UUID, UUID | None]] = field(default_factory=list[tuple[UUID, UUID | None]])

    async def __call__(self, answered: Answered) -> None:
        self.begun.append((answered.interaction.id, answered.turn_id))

    def of(self, interaction_id: UUID) -> list[UUID | None]:
        return [turn for one, turn in self.begun if one == interaction_id]


class Replica:
    """One process. Where nobody hears in it, it stands for one that is killed right after the commit."""

    def __init__(self, database: Database, clock: Clock, effects: Effects | None) -> None:
        self.database = database
        self.identity = Identity(database, clock)
        self.interactions = Interactions(database, Queue(database), KEYS, self.identity, clock)
        self.one_shots = OneShots(self.interactions, clock)
        self.tasks = InteractionTasks(database, Queue(database), clock)
        if effects is not None:
            self.interactions.hears(effects)


async def a_person(
    database: Database, organisation_id: UUID, clock: Clock, roles: tuple[str, ...] = ("User",)
) -> Principal:
    user_id = uuid4()
    await add_person(database, user_id, "Somebody", ("team",), roles, organisation_id)
    return (await Identity(database, clock).person(user_id)).principal


async def an_organisation(database: Database) -> UUID:
    organisation_id = uuid4()
    async with database.begin() as session:
        session.add(OrganisationRow(id=organisation_id, name="Example"))
    return organisation_id
