"""A person connects an account: our page, the authorization server's pages, and back.

What ties the answer to the person: the ticket in our link was made for them; our page says whose account
will be connected; the browser that answers is the one in which it was begun (cookie); `state` is good once;
the redirect URI is of this authorization server only and the issuer is compared (RFC 9207); PKCE with S256.
"""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import structlog
from pydantic import SecretStr
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.errors import NotFound
from kit.wire.connections import ConnectionStarted, StartConnection
from platform_api import audit
from platform_api.identity.errors import NotThroughAChannel
from platform_api.identity.models import UserRow
from platform_api.toolbox.connections import repository
from platform_api.toolbox.connections.discovery import Found
from platform_api.toolbox.connections.errors import AttemptOver, AuthorizationServerDown, NoSignIn
from platform_api.toolbox.connections.grants import (
    Client,
    Refused,
    TokenRequest,
    Tokens,
    Uncertain,
    Unsent,
    authorization_url,
    exchange,
    new_verifier,
)
from platform_api.toolbox.connections.models import AttemptRow, SignInRow
from platform_api.toolbox.connections.refreshing import stored
from platform_api.toolbox.connections.sign_ins import Addresses, found_of
from platform_api.toolbox.connections.vault import Owner, Vault
from ports.db import Database
from ports.http import Fetcher

LASTS_S = 600
Connected = Callable[[UUID, UUID, str], Awaitable[None]]
"""(organisation, user, server), once the connection is committed."""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Page:
    """What our page says before anything happens."""

    server: str
    person: str
    email: str
    wants_secret: bool
    leads_to: str
    """The authorization endpoint; empty where none is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The callback's parameters. `mark`: of the path it came to."""

    mark: str
    state: str
    code: str
    issuer: str | None
    error: str
    browser: str


class Connecting:
    def __init__(
        self,
        database: Database,
        vault: Vault,
        fetcher: Fetcher,
        *,
        addresses: Addresses,
        clock: Clock,
        answer_within_s: float,
    ) -> None:
        self._database = database
        self._vault = vault
        self._fetcher = fetcher
        self._addresses = addresses
        self._clock = clock
        self._within_s = answer_within_s
        self._hearers: list[Connected] = []

    def hears(self, callback: Connected) -> None:
        """Told after each new connection, after its commit."""
        self._hearers.append(callback)

    async def start(self, principal: Principal, request: StartConnection) -> ConnectionStarted:
        """Where the person goes; with a secret of their own, nowhere. Raises NotFound, NoSignIn,
        NotThroughAChannel."""
        if request.secret is not None and principal.acting_via is not None:
            # whose account is used from now on is said by the person, in their own browser
            raise NotThroughAChannel
        owner = Owner(principal.organisation_id, principal.id, request.server)
        async with self._database.begin() as session:
            row = await self._sign_in(session, owner)
            personal = row.kind == "authorization_code" or (row.kind == "static" and not row.secret_sealed)
            if not personal:
                return ConnectionStarted(server=owner.server)
            if request.secret is None or row.kind != "static":
                url = await self.link(session, owner, row.address)
                return ConnectionStarted(server=owner.server, url=url, expires_in=LASTS_S)
            await self._store(session, owner, row, Tokens(request.secret))
        await self._tell(owner)
        return ConnectionStarted(server=owner.server)

    async def link(self, session: AsyncSession, owner: Owner, address: str) -> str:
        """Our page for this person; the same one for a while."""
        attempt = await repository.open_attempt(session, owner, address)
        if attempt is None:
            if owner.user_id is None:
                raise NoSignIn
            attempt = AttemptRow(
                id=uuid4(),
                organisation_id=owner.organisation_id,
                user_id=owner.user_id,
                server=owner.server,
                address=address,
                expires_at=func.now() + timedelta(seconds=LASTS_S),
            )
            session.add(attempt)
            await session.flush()
        return self._addresses.begin(attempt.id)

    async def page(self, ticket: UUID) -> Page:
        """Raises AttemptOver."""
        async with self._database.begin() as session:
            attempt, row = await self._attempt(session, ticket)
            user = await session.scalar(
                select(UserRow).where(
                    UserRow.id == attempt.user_id, UserRow.organisation_id == attempt.organisation_id
                )
            )
            if user is None or user.disabled_at is not None:
                raise AttemptOver
            leads_to = found_of(row).authorization_endpoint if row.kind != "static" else ""
            return Page(row.server, user.name, user.email, row.kind == "static", leads_to)

    async def begin(self, ticket: UUID, browser: str) -> str:
        """Where the browser goes now. A second time replaces the first. Raises AttemptOver, NoSignIn."""
        state, verifier = secrets.token_urlsafe(32), new_verifier()
        async with self._database.begin() as session:
            attempt, row = await self._attempt(session, ticket)
            if row.kind != "authorization_code" or not row.client_id:
                raise NoSignIn
            found, owner = found_of(row), _owner(attempt)
            attempt.state_hash = _hash(state)
            attempt.browser_hash = _hash(browser)
            attempt.verifier_sealed = self._vault.seal(owner, "verifier", SecretStr(verifier))
            attempt.issuer = found.issuer
            attempt.redirect_uri = self._addresses.redirect_uri(found.issuer)
            attempt.scopes = scopes_of(row, found)
            return authorization_url(
                found.authorization_endpoint,
                row.client_id,
                verifier,
                redirect_uri=attempt.redirect_uri,
                scope=" ".join(attempt.scopes) or None,
                state=state,
                resource=found.resource or None,
            )

    async def give(self, ticket: UUID, secret: SecretStr) -> str:
        """The person's own key for a server of kind static; the server's name. Raises AttemptOver."""
        async with self._database.begin() as session:
            attempt, row = await self._attempt(session, ticket)
            if row.kind != "static" or not secret.get_secret_value():
                raise AttemptOver
            attempt.ended_at = func.now()
            owner = _owner(attempt)
            await self._store(session, owner, row, Tokens(secret))
        await self._tell(owner)
        return owner.server

    async def complete(self, answer: Answer) -> str:
        """The server's name. Raises AttemptOver, AuthorizationServerDown."""
        owner, asked, row = await self._consumed(answer)
        try:
            tokens = await exchange(self._fetcher, asked)
        except Refused as refusal:
            _log.warning("connections.code_refused", server=owner.server, code=refusal.code)
            raise AttemptOver from refusal
        except (Unsent, Uncertain) as error:
            raise AuthorizationServerDown("The server's sign-in gave no answer.", retry_after=10) from error
        async with self._database.begin() as session:
            await self._store(session, owner, row, tokens)
        await self._tell(owner)
        return owner.server

    async def _consumed(self, answer: Answer) -> tuple[Owner, TokenRequest, SignInRow]:
        """From here on the state is used up, whatever is wrong with the rest. Raises AttemptOver."""
        async with self._database.begin() as session:
            attempt = await session.scalar(
                update(AttemptRow)
                .where(
                    AttemptRow.state_hash == _hash(answer.state),
                    AttemptRow.ended_at.is_(None),
                    AttemptRow.expires_at > func.now(),
                )
                .values(ended_at=func.now())
                .returning(AttemptRow)
            )
        if attempt is None:
            raise _over("state")
        async with self._database.begin() as session:
            row = await self._sign_in(session, _owner(attempt))
            found = found_of(row)
            _check(answer, attempt, row, found, self._addresses)
            return _owner(attempt), await self._request(session, answer, attempt, row, found), row

    async def _request(
        self, session: AsyncSession, answer: Answer, attempt: AttemptRow, row: SignInRow, found: Found
    ) -> TokenRequest:
        owner, sealed = _owner(attempt), attempt.verifier_sealed or ""
        verifier = await self._vault.open(session, owner, "verifier", sealed, "connect")
        form = {
            "grant_type": "authorization_code",
            "code": answer.code,
            "redirect_uri": attempt.redirect_uri or "",
            "code_verifier": verifier.get_secret_value(),
        }
        if found.resource:
            form["resource"] = found.resource
        client = await client_of(session, self._vault, row, "connect")
        return TokenRequest(found.token_endpoint, client, form, self._within_s)

    async def _store(self, session: AsyncSession, owner: Owner, row: SignInRow, tokens: Tokens) -> None:
        now = await repository.sign_in(session, owner.organisation_id, owner.server, held=True)
        if now is None or (now.issuer, now.address, now.kind) != (row.issuer, row.address, row.kind):
            # an admin has set another one while the server answered
            raise _over("another sign-in now")
        values: dict[str, Any] = {
            "id": uuid4(),
            "organisation_id": owner.organisation_id,
            "user_id": owner.user_id,
            "server": owner.server,
            "address": row.address,
            "kind": row.kind,
            "scopes": row.scopes,
            "resendable": row.found is not None and found_of(row).entra,
            **stored(self._vault.ring, owner, tokens, self._clock.now()),
        }
        await repository.replace_connection(session, owner, values)
        await audit.record(session, owner.principal(), "connection.made", {"server": owner.server})

    async def _attempt(self, session: AsyncSession, ticket: UUID) -> tuple[AttemptRow, SignInRow]:
        statement = select(AttemptRow).where(
            AttemptRow.id == ticket, AttemptRow.ended_at.is_(None), AttemptRow.expires_at > func.now()
        )
        attempt = (await session.scalars(statement.with_for_update())).first()
        if attempt is None:
            raise _over("ticket")
        row = await self._sign_in(session, _owner(attempt))
        if row.address != attempt.address:
            raise _over("address")
        return attempt, row

    async def _sign_in(self, session: AsyncSession, owner: Owner) -> SignInRow:
        """Raises NotFound, NoSignIn."""
        server = await repository.server(session, owner.organisation_id, owner.server)
        if server is None:
            raise NotFound
        row = await repository.sign_in(session, owner.organisation_id, owner.server)
        if row is None or row.address != server.address:
            raise NoSignIn
        return row

    async def _tell(self, owner: Owner) -> None:
        for hearer in self._hearers:
            try:
                await hearer(owner.organisation_id, owner.user_id or UUID(int=0), owner.server)
            except Exception:
                # The account is connected all the same; the question is answered by hand.
                _log.exception("connections.hearer_failed")


def scopes_of(row: SignInRow, found: Found) -> list[str]:
    """As set, else as the server asks. Entra: everything of the resource, and a refresh token."""
    asked = list(row.scopes or found.scopes)
    if not found.entra:
        return asked
    asked = asked or [f"api://{row.client_id}/.default"]
    return asked if "offline_access" in asked else [*asked, "offline_access"]


async def client_of(session: AsyncSession, vault: Vault, row: SignInRow, why: str) -> Client:
    """We, at this server's authorization server."""
    owner = Owner(row.organisation_id, None, row.server)
    secret = None
    if row.secret_sealed:
        secret = await vault.open(session, owner, "client_secret", row.secret_sealed, why)
    return Client(row.client_id or "", row.client_auth, secret)


def _owner(attempt: AttemptRow) -> Owner:
    return Owner(attempt.organisation_id, attempt.user_id, attempt.server)


def _check(answer: Answer, attempt: AttemptRow, row: SignInRow, found: Found, addresses: Addresses) -> None:
    """Raises AttemptOver."""
    checks: Mapping[str, bool] = {
        "browser": hmac.compare_digest(_hash(answer.browser), attempt.browser_hash or ""),
        "address": attempt.address == row.address,
        "another issuer now": attempt.issuer == found.issuer,
        "redirect uri": (attempt.redirect_uri or "").endswith(f"/callback/{answer.mark}"),
        "issuer": answer.issuer == found.issuer or (answer.issuer is None and not found.says_issuer),
        "refused there": not answer.error,
        "code": bool(answer.code),
    }
    for what, fine in checks.items():
        if not fine:
            raise _over(what)


def _over(what: str) -> AttemptOver:
    _log.info("connections.attempt_refused", check=what)
    return AttemptOver()


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
