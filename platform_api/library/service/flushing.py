"""An admin throws away what the caches keep of the organisation (SPEC 3, 7)."""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.wire.caches import Flushed, FlushQuery
from knowledge.search import DOCUMENTS
from platform_api import audit
from platform_api.library import repository
from ports.redis import CacheScopes

PERMISSION: Final = "manage_org_kb"
_SCOPES: Final = (DOCUMENTS,)
"""Every scope that a cache of ours is kept under; a search spans knowledge bases, so they have none."""


class Flushing:
    def __init__(self, caches: CacheScopes) -> None:
        self._caches = caches

    async def flush(self, session: AsyncSession, principal: Principal, wanted: FlushQuery) -> Flushed:
        """Of the caller's organisation only.

        Raises Forbidden, NotFound for a knowledge base that the caller cannot see, CacheUnavailable.
        """
        principal.require(PERMISSION)
        if isinstance(wanted.scope, UUID):
            await repository.base(session, principal, wanted.scope)
        await self._caches.changed(principal.organisation_id, *_SCOPES)
        await audit.record(session, principal, "cache.flushed", {"scope": str(wanted.scope)})
        return Flushed(scopes=list(_SCOPES))
