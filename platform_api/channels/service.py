"""State that a bot keeps with us, sealed; and messages that we start, delivered once (SPEC 3, 6)."""

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.errors import NotFound, TooLarge, Unavailable
from kit.sealing import KeyRing
from kit.wire.base import Page
from kit.wire.channels import (
    STATE_LIMIT,
    AckDelivery,
    ClaimDeliveries,
    Deliveries,
    Delivery,
    PutState,
    StateEntries,
    StateEntry,
    StateStep,
    StateSteps,
)
from platform_api.channels import repository
from platform_api.channels.errors import LeaseLost, NoSuchState, StateChanged
from platform_api.channels.models import ChannelStateRow, DeliveryRow, state_about
from platform_api.identity.errors import MayNotActAs
from platform_api.identity.service import ACT_AS
from ports.db import Database

KEPT = timedelta(days=7)
DELIVERED_WITHIN = timedelta(days=1)
_NO_KEYS = "An admin sets SWITCHBOARD_VAULT__KEYS."
_LOOK_EVERY_S = 0.5
_FIRST_PAUSE_S = 2.0
_LONGEST_PAUSE_S = 600.0
_acknowledged = Counter("switchboard_deliveries_total", "Messages that we start.", ["channel", "outcome"])


def may_serve(bot: Principal, channel: str) -> None:
    """Raises MayNotActAs: only that channel's bot, in its own name."""
    if bot.acting_via is not None or not bot.may(ACT_AS + channel):
        raise MayNotActAs


class ChannelState:
    """Small things that a channel must not lose, such as installations: who reads the database reads none."""

    def __init__(self, keys: KeyRing | None, clock: Clock) -> None:
        self._ring = keys
        self._clock = clock

    async def read(self, db: AsyncSession, bot: Principal, channel: str, key: str) -> StateEntry:
        """Raises MayNotActAs, NoSuchState."""
        may_serve(bot, channel)
        row = await repository.entry(db, bot, channel, key, self._clock.now())
        if row is None:
            raise NoSuchState
        return self._opened(row)

    async def listed(
        self, db: AsyncSession, bot: Principal, channel: str, *, prefix: str, after: str, limit: int
    ) -> Page[StateEntry]:
        """Raises MayNotActAs."""
        may_serve(bot, channel)
        now = self._clock.now()
        rows = await repository.entries(db, bot, channel, now, prefix=prefix, after=after, limit=limit + 1)
        more = rows[limit - 1].key if len(rows) > limit else None
        return Page(items=[self._opened(row) for row in rows[:limit]], next_cursor=more)

    async def put(
        self, db: AsyncSession, bot: Principal, channel: str, key: str, asked: PutState
    ) -> StateEntry:
        """Raises MayNotActAs, TooLarge, StateChanged."""
        may_serve(bot, channel)
        plain = json.dumps(asked.value, ensure_ascii=False, separators=(",", ":")).encode()
        if len(plain) > STATE_LIMIT:
            raise TooLarge(f"This is {len(plain)} bytes; the limit is {STATE_LIMIT}.")
        now = self._clock.now()
        values: dict[str, Any] = {
            "channel": channel,
            "key": key,
            "sealed": self._keys.seal(plain, state_about(bot.organisation_id, channel, key)),
            "expires_at": now + timedelta(seconds=asked.expires_in_s) if asked.expires_in_s else None,
        }
        row = await repository.put(db, bot, values, asked.version, now)
        if row is None:
            raise StateChanged
        return self._opened(row)

    async def remove(self, db: AsyncSession, bot: Principal, channel: str, key: str) -> None:
        """Raises MayNotActAs."""
        may_serve(bot, channel)
        await repository.remove(db, bot, channel, key)

    async def together(
        self, db: AsyncSession, bot: Principal, channel: str, asked: StateSteps
    ) -> StateEntries:
        """Raises MayNotActAs, TooLarge, StateChanged: then none of it is done."""
        may_serve(bot, channel)
        done: dict[str, StateEntry | None] = {}
        # In one order, whoever asks: two that want the same keys wait for each other only once.
        for step in sorted(asked.steps, key=lambda one: one.key):
            done[step.key] = await self._step(db, bot, channel, step)
        return StateEntries(items=[done[step.key] for step in asked.steps])

    async def _step(
        self, db: AsyncSession, bot: Principal, channel: str, step: StateStep
    ) -> StateEntry | None:
        if step.do == "put":
            given = step.model_dump(include={"value", "version", "expires_in_s"})
            return await self.put(db, bot, channel, step.key, PutState.model_validate(given))
        if step.do == "remove":
            await repository.remove(db, bot, channel, step.key)
            return None
        row = await repository.entry(db, bot, channel, step.key, self._clock.now())
        return self._opened(row) if row is not None else None

    @property
    def _keys(self) -> KeyRing:
        if self._ring is None:
            raise Unavailable("This deployment has no keys to seal with.", hint=_NO_KEYS)
        return self._ring

    def _opened(self, row: ChannelStateRow) -> StateEntry:
        plain = self._keys.open(row.sealed, state_about(row.organisation_id, row.channel, row.key))
        return StateEntry(
            key=row.key,
            value=json.loads(plain),
            version=row.version,
            updated_at=row.updated_at,
            expires_at=row.expires_at,
        )


class Outgoing:
    """Claimed under a lease, then acknowledged; what is not, comes again: at least once, and rarely twice."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def claim(self, bot: Principal, asked: ClaimDeliveries) -> Deliveries:
        """Waits up to `wait_s` where nothing is due. Raises MayNotActAs."""
        may_serve(bot, asked.channel)
        until = time.monotonic() + asked.wait_s
        while True:
            found = await self._due(bot, asked)
            left = until - time.monotonic()
            if found or left <= 0:
                return Deliveries(items=found)
            await asyncio.sleep(min(_LOOK_EVERY_S, left))

    async def acknowledge(
        self, db: AsyncSession, bot: Principal, delivery_id: UUID, ack: AckDelivery
    ) -> None:
        """The same again is harmless. Raises NotFound, MayNotActAs, LeaseLost."""
        row = await repository.held(db, bot, delivery_id)
        if row is None:
            raise NotFound
        may_serve(bot, row.channel)
        if row.state == ack.outcome and row.lease == ack.lease:
            return
        if row.state != "waiting" or row.lease != ack.lease:
            raise LeaseLost
        row.detail = ack.detail
        if ack.outcome == "failed":
            pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** (row.attempts - 1))
            row.due_at, row.lease = self._clock.now() + timedelta(seconds=pause), None
        else:
            row.state = ack.outcome
        _acknowledged.labels(row.channel, ack.outcome).inc()

    async def _due(self, bot: Principal, asked: ClaimDeliveries) -> list[Delivery]:
        now = self._clock.now()
        until = now + timedelta(seconds=asked.lease_s)
        async with self._database.begin() as db:
            rows = await repository.claim(db, bot, asked.channel, limit=asked.limit, now=now, until=until)
            return [_shown(row) for row in rows]


async def deliver(
    db: AsyncSession,
    clock: Clock,
    organisation_id: UUID,
    user_id: UUID,
    *,
    kind: str,
    about: str,
    payload: Mapping[str, Any],
    channel: str | None = None,
    within: timedelta = DELIVERED_WITHIN,
) -> int:
    """Tell a person wherever they are linked, or in one channel, in the caller's transaction.

    about: names the occasion; the same again is not delivered again. Returns how many messages are new.
    """
    now = clock.now()
    places = await repository.identities(db, organisation_id, user_id, channel)
    rows = [
        {
            "id": uuid4(),
            "organisation_id": organisation_id,
            "channel": place,
            "identity": identity,
            "user_id": user_id,
            "kind": kind,
            "about": about,
            "payload": dict(payload),
            "due_at": now,
            "created_at": now,
            "expires_at": now + within,
        }
        for place, identity in places
    ]
    return await repository.add(db, rows)


def _shown(row: DeliveryRow) -> Delivery:
    assert row.lease is not None
    return Delivery(
        id=row.id,
        lease=row.lease,
        kind=row.kind,
        to=row.identity,
        payload=row.payload,
        attempt=row.attempts,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
