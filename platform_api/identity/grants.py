"""Long lists of access keys, kept before a token names them by hash (SPEC 6)."""

from datetime import datetime, timedelta

import structlog
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from access.grants import GRANT_TTL_S, GrantStore, keep_grant
from access.principal import Principal
from access.tokens import INLINE_KEYS, grant_hash
from kit.clock import Clock
from kit.errors import NotFound
from platform_api.identity.models import GrantRow
from ports.db import Database

log = structlog.get_logger()


class Grants:
    """Redis answers; Postgres remembers for when Redis has lost it."""

    def __init__(self, database: Database, store: GrantStore, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock
        self._kept: dict[str, float] = {}

    async def keep(self, principal: Principal) -> None:
        """Call before minting; free for up to 64 keys, and once per five minutes for more."""
        listed = list(principal.access_keys)
        if len(listed) <= INLINE_KEYS:
            return
        name, now = grant_hash(listed), self._clock.now().timestamp()
        if now - self._kept.get(name, 0) < GRANT_TTL_S / 2:
            return
        await self._remember(principal, name, listed)
        try:
            await keep_grant(self._store, principal.access_keys)
        except Exception as error:  # Redis down: the gateway asks us instead
            log.warning("identity.grant_not_in_redis", error=type(error).__name__)
        self._kept[name] = now

    async def fetch(self, name: str) -> list[str]:
        """Raises NotFound where it was never kept, or too long ago."""
        async with self._database.begin() as session:
            row = await session.get(GrantRow, name)
        if row is None or row.kept_at < self._clock.now() - timedelta(seconds=GRANT_TTL_S):
            raise NotFound
        return row.keys

    async def _remember(self, principal: Principal, name: str, listed: list[str]) -> None:
        now = self._clock.now()
        row = insert(GrantRow).values(
            hash=name, organisation_id=principal.organisation_id, keys=listed, kept_at=now
        )
        async with self._database.begin() as session:
            await session.execute(
                row.on_conflict_do_update(index_elements=[GrantRow.hash], set_={"kept_at": now})
            )


async def purge_grants(session: AsyncSession, now: datetime) -> None:
    """Periodically: what no living token can name."""
    before = now - timedelta(seconds=GRANT_TTL_S)
    await session.execute(delete(GrantRow).where(GrantRow.kept_at < before))
