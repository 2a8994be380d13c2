"""For admins: what the caches keep is thrown away (SPEC 3, 7)."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from kit.errors import Forbidden, NotFound
from kit.wire.caches import Flushed, FlushQuery
from platform_api.edge import UnitOfWork, provided, raises
from platform_api.edge.idempotency import IdempotencyKey, once
from platform_api.identity import CurrentPrincipal
from platform_api.library.service.flushing import Flushing
from ports.redis import CacheUnavailable

router = APIRouter(prefix="/api/v1/admin/cache", tags=["admin"])
_Flushing = Annotated[Flushing, Depends(provided(Flushing))]


@router.post("/flush", summary="Flush the caches", responses=raises(Forbidden, NotFound, CacheUnavailable))
async def flush_caches(
    principal: CurrentPrincipal,
    flushing: _Flushing,
    session: UnitOfWork,
    wanted: Annotated[FlushQuery, Query()],
    key: IdempotencyKey,
) -> Flushed:
    """From now on nothing is answered from before. `scope`: all, documents, or the id of a knowledge base."""
    return await once(
        session,
        principal,
        key,
        f"flush/{wanted.scope}",
        shape=Flushed,
        work=lambda: flushing.flush(session, principal, wanted),
    )
