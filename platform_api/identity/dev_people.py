"""Three people to try things with; the all-in-one shape only (SPEC 6)."""

from dataclasses import dataclass
from uuid import UUID, uuid5

from sqlalchemy.dialects.postgresql import insert

from access.principal import Principal
from access.tokens import Minter
from kit.wire.account import SignedIn
from platform_api.identity.errors import UnknownPerson
from platform_api.identity.models import GroupMemberRow, OrganisationRow, UserRow
from platform_api.identity.principals import AUDIENCE
from platform_api.identity.service import Identity
from ports.db import Database

_NAMESPACE = UUID("5d3a2f6e-4a0b-5c6e-9a51-7a1c1f0e9b42")
SIGNED_IN_S = 30 * 60


@dataclass(frozen=True, slots=True)
class DevPerson:
    name: str
    full_name: str
    role: str
    group: str

    @property
    def id(self) -> UUID:
        return uuid5(_NAMESPACE, f"person/{self.name}")


ORGANISATION_ID = uuid5(_NAMESPACE, "organisation/example")
DEV_PEOPLE = {
    person.name: person
    for person in (
        DevPerson("maya", "Maya", "User", "operations"),
        DevPerson("tom", "Tom", "User", "finance"),
        DevPerson("ada", "Ada", "OrgAdmin", "people"),
    )
}


async def ensure_dev_people(database: Database) -> None:
    """Idempotent: the organisation Example, and maya, tom and ada in it, with fixed ids."""
    people = DEV_PEOPLE.values()
    async with database.begin() as session:
        organisation = insert(OrganisationRow).values(id=ORGANISATION_ID, name="Example")
        await session.execute(organisation.on_conflict_do_nothing())
        await session.execute(insert(UserRow).values([_user(one) for one in people]).on_conflict_do_nothing())
        memberships = [
            {"organisation_id": ORGANISATION_ID, "user_id": one.id, "group": one.group} for one in people
        ]
        await session.execute(insert(GroupMemberRow).values(memberships).on_conflict_do_nothing())


def _user(person: DevPerson) -> dict[str, object]:
    return {
        "id": person.id,
        "organisation_id": ORGANISATION_ID,
        "name": person.full_name,
        "email": f"{person.name}@example.com",
        "roles": [person.role],
    }


async def sign_in(identity: Identity, minter: Minter, person: str) -> SignedIn:
    """A token for 30 minutes. Raises UnknownPerson."""
    known = DEV_PEOPLE.get(person.lower())
    if known is None:
        raise UnknownPerson
    principal: Principal = (await identity.person(known.id)).principal
    token = minter.mint(principal, AUDIENCE, lifetime_s=SIGNED_IN_S)
    return SignedIn(access_token=token, expires_in=SIGNED_IN_S)
