"""Publishing and the switch to another generation of the index exclude each other.

Two workers may publish at once; a switch waits for those that publish, and they wait for it. Without it a
document published into the old generation while the new one takes over would be missing in the new one.
"""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_KEY = int.from_bytes(b"swindex")
_SHARED = text("SELECT pg_advisory_xact_lock_shared(:key)")
_ALONE = text("SELECT pg_advisory_xact_lock(:key)")


async def hold_generation(session: AsyncSession) -> None:
    """The current generation stays the current one until this transaction ends.

    Before any lock on a document: the switch takes its lock first and documents' locks after it.
    """
    await session.execute(_SHARED, {"key": _KEY})


async def stop_publishing(session: AsyncSession) -> None:
    """Until this transaction ends nobody publishes. Raises TimeoutError where somebody does for too long."""
    await session.execute(_ALONE, {"key": _KEY})
