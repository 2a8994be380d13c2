"""How one signs in to a server: what an admin says, what is found out, and as whom we are known there."""

import hashlib
from typing import Any
from uuid import uuid4

import msgspec
from pydantic import SecretStr
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.errors import Invalid, NotFound
from kit.wire.connections import SetSignIn, SignIn
from platform_api import audit
from platform_api.toolbox.connections import repository
from platform_api.toolbox.connections.discovery import Finder, Found
from platform_api.toolbox.connections.errors import NoSignIn, SignInUnusable
from platform_api.toolbox.connections.grants import Client, choose_auth
from platform_api.toolbox.connections.models import SignInRow
from platform_api.toolbox.connections.settings import ConnectionsSettings
from platform_api.toolbox.connections.vault import Owner, Vault
from ports.db import Database
from ports.http import FetchFailed, FetchLimits

PERMISSION = "manage_mcp_servers"
CLIENT_NAME = "Switchboard"
_LIMITS = FetchLimits(max_bytes=64 * 1024, redirects=0, within_s=10.0)
_CALLBACK = "/api/v1/connections/callback/"
_DOCUMENT = "/api/v1/connections/client/"


def mark_of(issuer: str) -> str:
    """Part of the redirect URI: one per authorization server, so that no other's answer is taken for its
    (mix-up, RFC 9700, 4.4.2)."""
    return hashlib.sha256(issuer.encode()).hexdigest()[:16]


def found_of(row: SignInRow) -> Found:
    """Raises NoSignIn where nothing was found out."""
    if row.found is None:
        raise NoSignIn
    return msgspec.convert(row.found, Found)


class Addresses:
    """Our own, as browsers and authorization servers know them."""

    def __init__(self, settings: ConnectionsSettings) -> None:
        self.public_url = settings.public_url.rstrip("/")

    def redirect_uri(self, issuer: str) -> str:
        return f"{self._public()}{_CALLBACK}{mark_of(issuer)}"

    def client_document(self, mark: str) -> dict[str, Any]:
        """Our client metadata (CIMD): its address is the client id."""
        return {
            "client_id": f"{self._public()}{_DOCUMENT}{mark}.json",
            "redirect_uris": [f"{self._public()}{_CALLBACK}{mark}"],
            **_METADATA,
            "token_endpoint_auth_method": "none",
        }

    def begin(self, ticket: object) -> str:
        return f"{self._public()}/api/v1/connections/begin/{ticket}"

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    def _public(self) -> str:
        if not self.public_url:
            raise Invalid(
                "Browsers cannot come back: this deployment does not know its own address.",
                hint="An operator sets SWITCHBOARD_CONNECTIONS__PUBLIC_URL.",
            )
        return self.public_url


_METADATA = {
    "client_name": CLIENT_NAME,
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "application_type": "web",
}


class SignIns:
    """An admin's side."""

    def __init__(
        self, database: Database, vault: Vault, finder: Finder, addresses: Addresses, clock: Clock
    ) -> None:
        self._database = database
        self._vault = vault
        self._finder = finder
        self._addresses = addresses
        self._clock = clock

    async def set(self, principal: Principal, name: str, asked: SetSignIn) -> SignIn:
        """Looks at the server, registers us where that is offered, and keeps it. What is connected already
        stays while the issuer is the same; with another one it is forgotten, since the new one would be sent
        the tokens of the old.

        Raises Forbidden, NotFound, SignInUnusable, AddressRefused, VaultMissing.
        """
        principal.require(PERMISSION)
        async with self._database.begin() as session:
            server = await repository.server(session, principal.organisation_id, name)
        if server is None:
            raise NotFound
        owner = Owner(principal.organisation_id, None, name)
        values: dict[str, Any] = {"address": server.address, "kind": asked.kind, "scopes": asked.scopes}
        values |= await self._said(owner, server.address, asked)
        async with self._database.begin() as session:
            dropped = await self._forget_others(session, owner, values["issuer"])
            row = await _keep(
                session, owner, values | {"set_by": principal.id, "updated_at": self._clock.now()}
            )
            told = {"server": name, "kind": asked.kind, "issuer": row.issuer, "disconnected": dropped}
            await audit.record(session, principal, "sign_in.set", told)
            return self._shown(row)

    async def shown(self, session: AsyncSession, principal: Principal, name: str) -> SignIn:
        """Raises Forbidden, NoSignIn."""
        principal.require(PERMISSION)
        row = await repository.sign_in(session, principal.organisation_id, name)
        if row is None:
            raise NoSignIn
        return self._shown(row)

    async def _forget_others(self, session: AsyncSession, owner: Owner, issuer: str | None) -> int:
        """What was connected at another authorization server than this one."""
        before = await repository.sign_in(session, owner.organisation_id, owner.server, held=True)
        if before is None or before.issuer == issuer:
            return 0
        return await repository.drop_connections(session, owner.organisation_id, owner.server)

    async def _check_lender(self, owner: Owner, name: str, found: Found) -> None:
        """A person's token of another server is shown to the one who issued it and to nobody else.

        Raises SignInUnusable.
        """
        async with self._database.begin() as session:
            lender = await repository.sign_in(session, owner.organisation_id, name)
        if lender is None or lender.issuer != found.issuer:
            raise SignInUnusable(
                f"'{name}' has its tokens from another authorization server than this one.",
                hint="Only a token of the same issuer is exchanged there.",
            )

    async def _said(self, owner: Owner, address: str, asked: SetSignIn) -> dict[str, Any]:
        if asked.kind == "static":
            sealed = self._vault.seal(owner, "header", asked.secret) if asked.secret else None
            return _FRESH | {"header": asked.header, "prefix": asked.prefix, "secret_sealed": sealed}
        found = await self._finder.find(address, asked.issuer, asked.entra)
        if asked.assertion_from is not None:
            await self._check_lender(owner, asked.assertion_from, found)
        client, how = await self._client(found, asked)
        secret = self._vault.seal(owner, "client_secret", client.secret) if client.secret else None
        return _FRESH | {
            "issuer": found.issuer,
            "found": msgspec.to_builtins(found),
            "client_id": client.id,
            "client_auth": client.auth,
            "registered": how,
            "secret_sealed": secret,
            "assertion_from": asked.assertion_from,
        }

    async def _client(self, found: Found, asked: SetSignIn) -> tuple[Client, str]:
        """Given by the admin, else our own document, else registered now (RFC 7591)."""
        if asked.client_id:
            auth = asked.client_auth or choose_auth(found.auth_methods, asked.client_secret is not None)
            return Client(asked.client_id, auth, asked.client_secret), "given"
        if asked.kind != "authorization_code":
            raise SignInUnusable("This kind needs a client id that is registered by hand.")
        if found.takes_documents and self._addresses.is_https:
            return Client(self._addresses.client_document(mark_of(found.issuer))["client_id"]), "document"
        if found.registration_endpoint:
            return await self._register(found), "dynamic"
        raise SignInUnusable(
            "The authorization server registers nobody by itself.",
            hint="Register a client there by hand, with the redirect URI "
            f"{self._addresses.redirect_uri(found.issuer)}, and give client_id (and client_secret).",
        )

    async def _register(self, found: Found) -> Client:
        public = "none" in found.auth_methods
        method = "none" if public else choose_auth(found.auth_methods, True)
        body = {
            "redirect_uris": [self._addresses.redirect_uri(found.issuer)],
            **_METADATA,
            "token_endpoint_auth_method": method,
        }
        if found.scopes:
            body["scope"] = " ".join(found.scopes)
        headers = {"content-type": "application/json", "accept": "application/json"}
        try:
            answer = await self._finder.fetcher.fetch(
                found.registration_endpoint,
                headers=headers,
                data=msgspec.json.encode(body),
                wants=_registered,
                limits=_LIMITS,
            )
            said = msgspec.json.decode(answer.body, type=_Registered)
        except (FetchFailed, msgspec.MsgspecError) as error:
            raise SignInUnusable("The authorization server did not register us.") from error
        secret = SecretStr(said.client_secret) if said.client_secret else None
        auth = said.token_endpoint_auth_method or method
        return Client(said.client_id, auth if secret else "none", secret)

    def _shown(self, row: SignInRow) -> SignIn:
        return SignIn(
            server=row.server,
            address=row.address,
            kind=row.kind,  # pyright: ignore[reportArgumentType]  # one of them, by the table's check
            issuer=row.issuer,
            client_id=row.client_id,
            client_auth=row.client_auth,
            registered=row.registered,  # pyright: ignore[reportArgumentType]  # written above
            has_secret=row.secret_sealed is not None,
            scopes=row.scopes,
            redirect_uri=self._addresses.redirect_uri(row.issuer) if row.issuer else "",
            updated_at=row.updated_at,
        )


_FRESH: dict[str, Any] = {
    "issuer": None,
    "found": None,
    "client_id": None,
    "client_auth": "none",
    "registered": "given",
    "secret_sealed": None,
    "header": "Authorization",
    "prefix": "Bearer ",
    "assertion_from": None,
}


class _Registered(msgspec.Struct):
    client_id: str
    client_secret: str | None = None
    token_endpoint_auth_method: str | None = None


def _registered(status: int, headers: object) -> bool:
    return status in (200, 201)


async def _keep(session: AsyncSession, owner: Owner, values: dict[str, Any]) -> SignInRow:
    row = {"id": uuid4(), "organisation_id": owner.organisation_id, "server": owner.server, **values}
    statement = (
        insert(SignInRow)
        .values(row)
        .on_conflict_do_update(index_elements=["organisation_id", "server"], set_=values)
    )
    kept = await session.scalars(
        statement.returning(SignInRow), execution_options={"populate_existing": True}
    )
    return kept.one()
