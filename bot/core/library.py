"""What a channel looks up for a person: their own knowledge base, what waits for them (SPEC 1, 5)."""

from collections.abc import AsyncIterator
from typing import Final, TypeVar
from uuid import UUID

from switchboard_sdk import Switchboard

from kit.wire.interactions import Interaction

Item = TypeVar("Item")
PERSONAL: Final = "My documents"


async def personal_base(them: Switchboard) -> UUID:
    """The person's first own one, made where there is none. Raises ApiError."""
    me = await them.me()
    async for base in them.knowledge_bases.all():
        if base.owner_type == "user" and base.owner_id == str(me.id):
            return base.id
    return (await them.knowledge_bases.create(PERSONAL)).id


async def open_questions(them: Switchboard, most: int) -> list[Interaction]:
    """What waits for the person, then what others ask them to decide. Raises ApiError."""
    found = await first(them.interactions.all(status="open"), most)
    others = await first(them.interactions.all(status="open", asked_of="second_person"), most - len(found))
    return list({one.id: one for one in [*found, *others]}.values())


async def first(items: AsyncIterator[Item], most: int) -> list[Item]:
    found: list[Item] = []
    if most <= 0:
        return found
    async for item in items:
        found.append(item)
        if len(found) >= most:
            break
    return found
