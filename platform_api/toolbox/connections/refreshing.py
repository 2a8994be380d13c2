"""One refresh of one connection: never two with one token, and nothing lost that can be kept.

An authorization server that rotates refresh tokens takes each once, and takes a second use for theft: it
then revokes all (RFC 9700, 4.14). So before a token is sent the row says so (`sent`), and whoever finds a
row that says so waits for the answer or gives up, but does not send. Steps, each a commit of its own:

    idle ─claim─▶ claimed ─send─▶ sent ─answer─▶ idle, generation + 1
                    │               ├─ refused by invalid_grant ─▶ reconnect
                    └─ lapses ─▶    ├─ certainly not sent, or another refusal ─▶ idle
                       claimable    └─ no answer until `claimed_until` ─▶ reconnect (resendable: idle)

`claimed` may be taken over when it lapses, since nothing was sent; `sent` never is. What is left is the
time between the server's answer leaving it and our commit; see decision 40 for what that costs.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID, uuid4

import stamina
import structlog
from pydantic import SecretStr
from sqlalchemy import ColumnElement, CursorResult, and_, func, null, or_, update
from sqlalchemy.ext.asyncio import AsyncSession

from kit.clock import Clock
from kit.errors import Unavailable
from kit.sealing import KeyRing
from platform_api.toolbox.connections.grants import (
    Refused,
    TokenRequest,
    Tokens,
    Uncertain,
    Unsent,
    exchange,
)
from platform_api.toolbox.connections.models import ConnectionRow
from platform_api.toolbox.connections.vault import Owner
from ports.db import Database
from ports.http import Fetcher

CLAIMED_S = 10.0
"""From the claim until the request leaves; a claim that lapses is taken over."""
_MARGIN_S = 15.0
"""Beyond the time limit of the answer: for storing it."""
_STORED_WITHIN_S = 600.0
"""How long an answer is held, and stored again and again, while the database is away."""
Outcome = Literal["renewed", "refused", "unsent", "uncertain", "overtaken", "lost"]
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Refresh:
    """What is needed to carry out a claim. `request` holds the refresh token in its form."""

    connection_id: UUID
    claim: UUID
    owner: Owner
    request: TokenRequest = field(repr=False)
    resendable: bool = False
    held: str | None = None
    """SHA-256 of the refresh token that is sent, to see whether another one comes back."""


@dataclass(frozen=True, slots=True)
class Done:
    """`code`: the error code of a refusal."""

    outcome: Outcome
    code: str = ""


def digest(token: SecretStr) -> str:
    return hashlib.sha256(token.get_secret_value().encode()).hexdigest()


async def claim(session: AsyncSession, row: ConnectionRow) -> UUID | None:
    """Ours alone from the commit on, for CLAIMED_S; None: somebody else's, or it has moved on."""
    now = func.clock_timestamp()
    lapsed = and_(ConnectionRow.phase != "idle", ConnectionRow.claimed_until < now)
    mine = uuid4()
    taken: CursorResult[Any] = await session.execute(  # type: ignore[assignment]  # UPDATE has a cursor
        update(ConnectionRow)
        .where(
            ConnectionRow.id == row.id,
            ConnectionRow.generation == row.generation,
            ConnectionRow.state == "connected",
            or_(
                ConnectionRow.phase == "idle",
                and_(lapsed, or_(ConnectionRow.phase == "claimed", ConnectionRow.resendable)),
            ),
        )
        .values(phase="claimed", claim=mine, claimed_until=now + timedelta(seconds=CLAIMED_S))
    )
    return mine if taken.rowcount == 1 else None


async def give_up_overdue(session: AsyncSession, connection_id: UUID) -> bool:
    """A token that was sent and never answered: the account has to be connected again, unless its
    server takes a token twice. Whether this call found that."""
    return await _change(
        session,
        and_(
            ConnectionRow.id == connection_id,
            ConnectionRow.phase == "sent",
            ConnectionRow.state == "connected",
            ConnectionRow.resendable.is_(False),
            ConnectionRow.claimed_until < func.clock_timestamp(),
        ),
        state="reconnect",
        problem="uncertain",
    )


async def give_up_lost(session: AsyncSession, refresh: Refresh) -> None:
    """Whoever carried it is dead: what it had not sent is free again, what it had is given up now."""
    mine = and_(ConnectionRow.id == refresh.connection_id, ConnectionRow.claim == refresh.claim)
    idle: dict[str, Any] = {"phase": "idle", "claim": None, "claimed_until": None}
    free = or_(ConnectionRow.phase == "claimed", ConnectionRow.resendable)
    if not await _change(session, and_(mine, free), **idle):
        sent = and_(mine, ConnectionRow.phase == "sent")
        await _change(session, sent, state="reconnect", problem="uncertain", **idle)


async def carry_out(
    database: Database, ring: KeyRing, fetcher: Fetcher, clock: Clock, refresh: Refresh
) -> Done:
    """Sends what was claimed, once, and stores what comes. Raises Unavailable where nothing was sent
    since the database is away."""
    if not await _mark_sent(database, refresh):
        return Done("overtaken")
    done, values = await _answered(fetcher, ring, clock, refresh)
    await _store(database, refresh, values)
    return done


async def _mark_sent(database: Database, refresh: Refresh) -> bool:
    until = func.clock_timestamp() + timedelta(seconds=refresh.request.within_s + _MARGIN_S)
    mine = and_(
        ConnectionRow.id == refresh.connection_id,
        ConnectionRow.claim == refresh.claim,
        ConnectionRow.phase == "claimed",
        ConnectionRow.claimed_until > func.clock_timestamp(),
    )
    async with database.begin() as session:
        return await _change(session, mine, phase="sent", claimed_until=until)


async def _answered(
    fetcher: Fetcher, ring: KeyRing, clock: Clock, refresh: Refresh
) -> tuple[Done, dict[str, Any]]:
    idle = {"phase": "idle", "claim": None, "claimed_until": None}
    try:
        tokens = await exchange(fetcher, refresh.request)
    except Unsent:
        return Done("unsent"), idle
    except Refused as refusal:
        if refusal.code == "invalid_grant":
            return Done("refused", refusal.code), {**idle, "state": "reconnect", "problem": "refused"}
        return Done("refused", refusal.code), idle
    except Uncertain:
        if refresh.resendable:
            return Done("uncertain"), idle
        return Done("uncertain"), {**idle, "state": "reconnect", "problem": "uncertain"}
    return Done("renewed"), {**idle, **_token_values(ring, refresh, tokens, clock.now())}


def _token_values(ring: KeyRing, refresh: Refresh, tokens: Tokens, now: datetime) -> dict[str, Any]:
    """The columns of a set of tokens."""
    if refresh.held is None:
        # of a kind that asks anew each time: nothing to keep for that
        tokens = replace(tokens, refresh=None)
    values = stored(ring, refresh.owner, tokens, now)
    kept = tokens.refresh is None or digest(tokens.refresh) == refresh.held
    if refresh.held and kept:
        # it gives the same one again, so it takes the same one again
        values["resendable"] = True
    if tokens.refresh is None:
        values.pop("refresh_sealed")
    return values | {"generation": ConnectionRow.generation + 1}


def stored(ring: KeyRing, owner: Owner, tokens: Tokens, now: datetime) -> dict[str, Any]:
    """Sealed, with what may be known of it."""
    life = tokens.expires_in
    values: dict[str, Any] = {
        "state": "connected",
        "problem": None,
        "access_sealed": _sealed(ring, owner, "access", tokens.access),
        "refresh_sealed": _sealed(ring, owner, "refresh", tokens.refresh),
        "access_hash": digest(tokens.access),
        "issued_at": now,
        "expires_at": now + timedelta(seconds=life) if life is not None else null(),
        "updated_at": now,
    }
    return values | ({"scopes": list(tokens.scopes)} if tokens.scopes is not None else {})


def _sealed(
    ring: KeyRing, owner: Owner, what: Literal["access", "refresh"], token: SecretStr | None
) -> str | None:
    return ring.seal(token.get_secret_value().encode(), owner.about(what)) if token else None


async def _store(database: Database, refresh: Refresh, values: dict[str, Any]) -> None:
    """Again and again: what came is nowhere else. Overdue meanwhile does not matter; connected anew does."""
    mine = and_(ConnectionRow.id == refresh.connection_id, ConnectionRow.claim == refresh.claim)
    async for attempt in stamina.retry_context(
        on=Unavailable, attempts=None, timeout=_STORED_WITHIN_S, wait_initial=0.05, wait_max=2.0
    ):
        with attempt:
            async with database.begin() as session:
                if not await _change(session, mine, **values):
                    _log.warning("connections.refresh_overtaken", connection=str(refresh.connection_id))


async def _change(session: AsyncSession, where: ColumnElement[bool], **values: Any) -> bool:
    changed: CursorResult[Any] = await session.execute(  # type: ignore[assignment]  # UPDATE has a cursor
        update(ConnectionRow).where(where).values(**values)
    )
    return changed.rowcount == 1
