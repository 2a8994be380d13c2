"""Everything that a booking works with, in one place."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from tools.servers.contact.booking.keeping import Keeping
from tools.servers.contact.effects.ledger import Ledger
from tools.servers.contact.effects.performing import Performing
from tools.servers.contact.effects.settling import Settling
from tools.servers.contact.effects.systems import Systems
from tools.servers.contact.letters import ConsentText
from tools.servers.contact.store.models import EffectRow
from tools.servers.contact.times.desk import Desk


@dataclass(frozen=True, slots=True)
class Office:
    """tz: where the person did not say one. inline_s: how long an answer waits for e-mail and CRM once the
    event is placed; they go on after that."""

    desk: Desk
    systems: Systems
    ledger: Ledger
    keeping: Keeping
    performing: Performing
    settling: Settling
    consent: ConsentText
    tz: str
    inline_s: float

    async def finished(self, booking_id: UUID) -> Sequence[EffectRow]:
        """How it stands after that time: the person is told of exactly this."""
        task = self.performing.begin(booking_id)
        await asyncio.wait({task}, timeout=self.inline_s)
        return await self.settling.told_open(booking_id)
