"""One request, one commit: everything that an endpoint writes is saved together, before it answers."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.edge.provide import provided
from ports.db import Database


async def unit_of_work(
    database: Annotated[Database, Depends(provided(Database))],
) -> AsyncIterator[AsyncSession]:
    async with database.begin() as session:
        yield session


# scope="function": the commit happens before the response leaves, so a client that has an answer
# can rely on it, and a failed commit becomes a problem instead of a lie.
UnitOfWork = Annotated[AsyncSession, Depends(unit_of_work, scope="function")]
