"""The credential for one person at one server, now: kept, renewed, or the way to connect the account."""

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from access.tokens import Minter
from kit.clock import Clock
from kit.errors import Unavailable
from kit.resilience import Breaker
from kit.wire.connections import AskToken, UpstreamToken
from platform_api.toolbox.connections import repository
from platform_api.toolbox.connections.connecting import Connecting, client_of, scopes_of
from platform_api.toolbox.connections.courier import Carrier
from platform_api.toolbox.connections.errors import (
    AuthorizationServerDown,
    AuthorizationServerRefused,
    ConnectAccount,
    NoSignIn,
)
from platform_api.toolbox.connections.grants import JWT, JWT_BEARER, TOKEN_EXCHANGE, TokenRequest
from platform_api.toolbox.connections.models import ConnectionRow, SignInRow
from platform_api.toolbox.connections.refreshing import (
    Done,
    Refresh,
    claim,
    digest,
    give_up_lost,
    give_up_overdue,
)
from platform_api.toolbox.connections.settings import ConnectionsSettings
from platform_api.toolbox.connections.sign_ins import PERMISSION, found_of
from platform_api.toolbox.connections.vault import Owner, Vault
from ports.db import Database

KEPT_S = 60
"""How long a gateway may keep what it was given: a revoked connection opens nothing after that."""
FRESH_S = 60.0
"""A token refused by its server so soon after it was issued is not made anew again."""
_LEFT_S = 10.0
"""A token with less left than this is not handed out."""
_EARLY_S = 300.0
_WAITS_S = 20.0
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Seen:
    """One look: the connection, and the token where it can be used."""

    row: ConnectionRow | None
    sign_in: SignInRow
    token: UpstreamToken | None = None
    due: bool = False


class Credentials:
    def __init__(
        self,
        database: Database,
        vault: Vault,
        connecting: Connecting,
        carrier: Carrier,
        *,
        minter: Minter,
        clock: Clock,
        settings: ConnectionsSettings,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._vault = vault
        self._connecting = connecting
        self._carrier = carrier
        self._minter = minter
        self._clock = clock
        self._settings = settings
        self._jitter = jitter
        self._breakers: dict[str, Breaker] = {}
        self._ahead: dict[Owner, asyncio.Task[None]] = {}

    async def of(self, server: str, ask: AskToken) -> UpstreamToken:
        """Raises ConnectAccount, NoSignIn, AuthorizationServerDown, AuthorizationServerRefused."""
        owner = await self._owner(server, ask)
        until = time.monotonic() + _WAITS_S
        pause_s, fresh = 0.05, False
        while True:
            seen = await self._look(owner, ask, fresh=fresh)
            if seen.token is not None:
                if seen.due:
                    self._renew_ahead(owner, ask)
                return seen.token
            done = await self._renew(owner, ask)
            # one that lives for seconds is used all the same, else it would be renewed for ever
            fresh = done is not None and done.outcome == "renewed"
            if done is None:  # somebody else is at it
                if time.monotonic() > until:
                    raise AuthorizationServerDown("The server's sign-in is slow.", retry_after=5)
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311
                pause_s = min(pause_s * 1.5, 0.5)

    async def stop(self) -> None:
        await asyncio.gather(*self._ahead.values(), return_exceptions=True)
        await self._carrier.stop()

    async def _owner(self, server: str, ask: AskToken) -> Owner:
        async with self._database.begin() as session:
            row = await self._sign_in(session, Owner(ask.organisation_id, None, server))
            if row.kind == "client_credentials" or (row.kind == "static" and row.secret_sealed):
                return Owner(ask.organisation_id, None, server)
            return Owner(ask.organisation_id, ask.user_id or await self._lender(session, row), server)

    async def _lender(self, session: AsyncSession, row: SignInRow) -> UUID:
        """Nobody in particular asks: an admin lends what is needed to list. Raises ConnectAccount."""
        lender = await repository.lender(session, row, PERMISSION)
        if lender is not None:
            return lender
        if await repository.may_still(session, row.organisation_id, row.set_by, PERMISSION):
            return row.set_by
        # the tokens of somebody who has left, or is no admin any more, list nothing
        detail = f"No admin is connected to '{row.server}': one of them connects an account of their own."
        raise ConnectAccount(detail, server=row.server)

    async def _look(self, owner: Owner, ask: AskToken, *, fresh: bool) -> _Seen:
        """Raises ConnectAccount with the way to do it."""
        async with self._database.begin() as session:
            sign_in = await self._sign_in(session, owner)
            if sign_in.kind == "static" and sign_in.secret_sealed:
                return _Seen(None, sign_in, await self._static(session, sign_in, ask))
            row = await repository.connection(session, owner)
            if row is None or row.address != sign_in.address or row.kind != sign_in.kind:
                if sign_in.kind not in ("client_credentials", "on_behalf_of"):
                    return await self._connect(session, owner, sign_in, "is not connected")
                await self._begun(session, owner, sign_in)
                return _Seen(None, sign_in)
            if (fresh or self._usable(row, ask)) and row.access_sealed:
                return _Seen(row, sign_in, await self._handed(session, owner, sign_in, row), self._due(row))
            if row.kind in ("client_credentials", "on_behalf_of"):
                self._not_too_soon(row, ask)
                return _Seen(row, sign_in)
            if await give_up_overdue(session, row.id) or row.state == "reconnect":
                return await self._connect(session, owner, sign_in, "has to be connected again")
            if row.refresh_sealed is None or self._refused_fresh(row, ask):
                return await self._connect(session, owner, sign_in, "has to be connected again")
            return _Seen(row, sign_in)

    async def _connect(self, session: AsyncSession, owner: Owner, sign_in: SignInRow, what: str) -> _Seen:
        # the link is committed with the rest: the error is raised after it
        url = await self._connecting.link(session, owner, sign_in.address)
        await session.commit()
        detail = f"Your account at '{owner.server}' {what}."
        raise ConnectAccount(detail, server=owner.server, url=url)

    async def _handed(
        self, session: AsyncSession, owner: Owner, sign_in: SignInRow, row: ConnectionRow
    ) -> UpstreamToken:
        token = await self._vault.open(session, owner, "access", row.access_sealed or "", "call")
        row.last_used_at = self._clock.now()
        left = (row.expires_at - self._clock.now()).total_seconds() if row.expires_at else float(KEPT_S)
        prefix = sign_in.prefix if row.kind == "static" else "Bearer "
        header = sign_in.header if row.kind == "static" else "Authorization"
        kept = max(1, min(KEPT_S, int(left - _LEFT_S / 2)))
        return UpstreamToken(header=header, value=prefix + token.get_secret_value(), expires_in=kept)

    async def _static(self, session: AsyncSession, sign_in: SignInRow, ask: AskToken) -> UpstreamToken:
        owner = Owner(sign_in.organisation_id, None, sign_in.server)
        secret = await self._vault.open(session, owner, "header", sign_in.secret_sealed or "", "call")
        if ask.rejected == digest(secret):
            raise AuthorizationServerRefused("The server refuses the key that an admin set.")
        value = sign_in.prefix + secret.get_secret_value()
        return UpstreamToken(header=sign_in.header, value=value, expires_in=KEPT_S)

    async def _begun(self, session: AsyncSession, owner: Owner, sign_in: SignInRow) -> None:
        """The row of a credential that we get by ourselves."""
        await repository.delete_connection(session, owner)
        await repository.begin_connection(
            session,
            {
                "id": uuid4(),
                "organisation_id": owner.organisation_id,
                "user_id": owner.user_id,
                "server": owner.server,
                "address": sign_in.address,
                "kind": sign_in.kind,
                "scopes": sign_in.scopes,
                # asking again for the same is what these kinds are for
                "resendable": True,
            },
        )

    def _usable(self, row: ConnectionRow, ask: AskToken) -> bool:
        if row.access_hash is None or ask.rejected == row.access_hash:
            return False
        return row.expires_at is None or row.expires_at > self._clock.now() + timedelta(seconds=_LEFT_S)

    def _due(self, row: ConnectionRow) -> bool:
        """Before it expires, and not everywhere at the same moment."""
        if row.expires_at is None or row.phase != "idle" or row.state != "connected":
            return False
        if row.refresh_sealed is None and row.kind == "authorization_code":
            return False
        issued = row.issued_at or self._clock.now()
        early = min(_EARLY_S, 0.2 * (row.expires_at - issued).total_seconds())
        return self._clock.now() > row.expires_at - timedelta(seconds=early * (0.5 + self._jitter() / 2))

    def _refused_fresh(self, row: ConnectionRow, ask: AskToken) -> bool:
        return (
            ask.rejected is not None
            and ask.rejected == row.access_hash
            and row.issued_at is not None
            and self._clock.now() - row.issued_at < timedelta(seconds=FRESH_S)
        )

    def _not_too_soon(self, row: ConnectionRow, ask: AskToken) -> None:
        if self._refused_fresh(row, ask):
            raise AuthorizationServerRefused("The server refuses a token that was issued just now.")

    def _renew_ahead(self, owner: Owner, ask: AskToken) -> None:
        if owner in self._ahead:
            return
        task = asyncio.create_task(self._quietly(owner, ask))
        self._ahead[owner] = task
        task.add_done_callback(lambda _: self._ahead.pop(owner, None))

    async def _quietly(self, owner: Owner, ask: AskToken) -> None:
        try:
            await self._renew(owner, ask)
        except Exception as error:
            # The token in use is good for a while; whoever needs the next one hears why there is none.
            _log.info("connections.not_renewed_ahead", server=owner.server, error=type(error).__name__)

    async def _renew(self, owner: Owner, ask: AskToken) -> Done | None:
        """None: another replica is at it, or has just been. Raises as `of`."""
        refresh = await self._claimed(owner, ask)
        if refresh is None:
            return None
        breaker = self._breaker(refresh.request.endpoint)
        try:
            with breaker.guard():
                done = await self._carrier.carry(refresh)
                if done.outcome in ("unsent", "uncertain"):
                    raise AuthorizationServerDown("The server's sign-in gave no answer.", retry_after=10)
        except Unavailable as error:
            return await self._without(owner, refresh, error)
        if done.outcome == "lost":
            _log.warning("connections.carrier_lost", server=owner.server)
            async with self._database.begin() as session:
                await give_up_lost(session, refresh)
        if done.outcome == "refused" and done.code != "invalid_grant":
            raise AuthorizationServerRefused(f"The server's sign-in says '{done.code}'.")
        if done.outcome == "refused" and refresh.held is None:
            raise AuthorizationServerRefused("The server's sign-in does not accept this client's grant.")
        return done

    async def _without(self, owner: Owner, refresh: Refresh, error: Unavailable) -> Done:
        """Nothing came: a claim that was not used is free at once, and a given-up one is told as such."""
        async with self._database.begin() as session:
            row = await repository.connection(session, owner)
            if row is not None and row.phase == "claimed" and row.claim == refresh.claim:
                row.phase, row.claim, row.claimed_until = "idle", None, None
        if row is not None and row.state == "reconnect":
            return Done("uncertain")
        raise error

    async def _claimed(self, owner: Owner, ask: AskToken) -> Refresh | None:
        assertion = None
        async with self._database.begin() as session:
            sign_in = await self._sign_in(session, owner)
        if sign_in.kind == "on_behalf_of":
            # before the claim, since this may itself take a while
            assertion = await self._assertion(owner, sign_in)
        async with self._database.begin() as session:
            row = await repository.connection(session, owner)
            if row is None:
                return None
            if self._usable(row, ask) and not self._due(row):
                return None
            mine = await claim(session, row)
            if mine is None:
                await give_up_overdue(session, row.id)
                return None
            form, held = await self._form(session, owner, sign_in, row, assertion)
            found = found_of(sign_in)
            if found.resource:
                form["resource"] = found.resource
            client = await client_of(session, self._vault, sign_in, "refresh")
            request = TokenRequest(found.token_endpoint, client, form, self._settings.answer_within_s)
            return Refresh(row.id, mine, owner, request, row.resendable, held)

    async def _form(
        self,
        session: AsyncSession,
        owner: Owner,
        sign_in: SignInRow,
        row: ConnectionRow,
        assertion: str | None,
    ) -> tuple[dict[str, str], str | None]:
        found = found_of(sign_in)
        scope = " ".join(scopes_of(sign_in, found))
        if row.kind == "authorization_code":
            token = await self._vault.open(session, owner, "refresh", row.refresh_sealed or "", "refresh")
            form = {"grant_type": "refresh_token", "refresh_token": token.get_secret_value()}
            return form, digest(token)
        if row.kind == "client_credentials":
            form = {"grant_type": "client_credentials", "scope": _without_offline(scope)}
        elif found.entra:
            form = {
                "grant_type": JWT_BEARER,
                "assertion": assertion or "",
                "requested_token_use": "on_behalf_of",
                "scope": _without_offline(scope),
            }
        else:
            form = {
                "grant_type": TOKEN_EXCHANGE,
                "subject_token": assertion or "",
                "subject_token_type": JWT,
                "scope": scope,
            }
        return {name: value for name, value in form.items() if value}, None

    async def _assertion(self, owner: Owner, sign_in: SignInRow) -> str:
        """Who the person is, for the exchange: their token of another connection, or our own word."""
        if sign_in.assertion_from and sign_in.assertion_from != owner.server:
            async with self._database.begin() as session:
                lender = await repository.sign_in(session, owner.organisation_id, sign_in.assertion_from)
            if lender is None or lender.issuer != sign_in.issuer:
                raise NoSignIn("The token to be exchanged is of another authorization server by now.")
            ask = AskToken(organisation_id=owner.organisation_id, user_id=owner.user_id)
            given = await self.of(sign_in.assertion_from, ask)
            return given.value.removeprefix("Bearer ")
        who = Principal(organisation_id=owner.organisation_id, id=owner.user_id or UUID(int=0))
        return self._minter.mint(who, found_of(sign_in).issuer)

    async def _sign_in(self, session: AsyncSession, owner: Owner) -> SignInRow:
        server = await repository.server(session, owner.organisation_id, owner.server)
        row = await repository.sign_in(session, owner.organisation_id, owner.server)
        if server is None or row is None:
            raise NoSignIn
        if row.address != server.address:
            raise NoSignIn("The server has moved since an admin said how one signs in to it.")
        return row

    def _breaker(self, endpoint: str) -> Breaker:
        known = self._breakers.get(endpoint)
        if known is None:
            known = self._breakers[endpoint] = Breaker(
                "the server's sign-in", failures=5, within_s=30, open_s=30, clock=self._clock
            )
        return known


def _without_offline(scope: str) -> str:
    return " ".join(part for part in scope.split() if part != "offline_access")
