"""Who asks in the tests, and the ports of a platform under test."""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self
from uuid import UUID, uuid4

from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from redis.asyncio import Redis

from access.jwks import TrustedKeys
from access.principal import Principal
from access.tokens import Minter, SigningKey
from kit.clock import SystemClock
from kit.sealing import KeyRing
from knowledge.embed import Vectoriser
from platform_api.app import PlatformPorts
from platform_api.identity.dev_people import DEV_PEOPLE, ORGANISATION_ID
from platform_api.identity.models import GroupMemberRow, OrganisationRow, UserRow
from platform_api.identity.settings import IdentitySettings
from platform_api.library.service.vector_cache import PostgresVectorCache
from ports.blobs import FolderBlobs
from ports.db import Database
from ports.queue import Queue
from tests.platform_api.reading import EmbedderInProcess, ReaderInProcess


def platform_ports(database: Database, redis: Redis, folder: Path, **others: Any) -> PlatformPorts:
    key = SigningKey.generate()
    defaults: dict[str, Any] = {
        "database": database,
        "redis": redis,
        "redis_blocking": redis,
        "queue": Queue(database),
        "blobs": FolderBlobs(folder / "blobs"),
        "preparer": ReaderInProcess(),
        "vectoriser": Vectoriser(EmbedderInProcess(), PostgresVectorCache(database, SystemClock())),
        "signing_key": key,
        "minter": Minter(key, "platform", SystemClock()),
        "trusted": TrustedKeys(),
        "gateway_url": "http://127.0.0.1:9",
        "shape": "all-in-one",
        "vault": KeyRing.from_secret(b"the vault of the tests, 32 bytes"),
        "identity_settings": IdentitySettings(dev_sign_in=True),
    }
    return PlatformPorts(**defaults | others)


class People:
    """Clients of people by name, over the app in process."""

    def __init__(self, ports: PlatformPorts, app: FastAPI) -> None:
        self.ports = ports
        self._app = app
        self._stack = AsyncExitStack()
        self._clients: dict[UUID, AsyncClient] = {}

    async def __aenter__(self) -> Self:
        for person in DEV_PEOPLE.values():
            setattr(self, person.name, await self.client(person.id))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    maya: AsyncClient
    tom: AsyncClient
    ada: AsyncClient

    async def client(self, user_id: UUID, organisation_id: UUID = ORGANISATION_ID) -> AsyncClient:
        """Signed in as this person."""
        if user_id not in self._clients:
            token = self.token(user_id, organisation_id)
            client = AsyncClient(
                transport=ASGITransport(self._app),
                base_url="http://platform",
                headers={"Authorization": f"Bearer {token}"},
            )
            self._clients[user_id] = await self._stack.enter_async_context(client)
        return self._clients[user_id]

    def token(self, user_id: UUID, organisation_id: UUID = ORGANISATION_ID) -> str:
        principal = Principal(organisation_id=organisation_id, id=user_id)
        return self.ports.minter.mint(principal, "platform", lifetime_s=1800)

    async def add(
        self,
        name: str = "someone",
        *,
        groups: tuple[str, ...] = (),
        roles: tuple[str, ...] = ("User",),
        organisation_id: UUID = ORGANISATION_ID,
    ) -> AsyncClient:
        """A new person, signed in."""
        user_id = uuid4()
        await add_person(self.ports.database, user_id, name, groups, roles, organisation_id)
        return await self.client(user_id, organisation_id)

    async def add_known(
        self,
        *,
        groups: tuple[str, ...] = (),
        roles: tuple[str, ...] = ("User",),
        organisation_id: UUID = ORGANISATION_ID,
    ) -> tuple[AsyncClient, UUID]:
        """The same, with the id."""
        user_id = uuid4()
        await add_person(self.ports.database, user_id, "someone", groups, roles, organisation_id)
        return await self.client(user_id, organisation_id), user_id

    async def forget(self, user_ids: Iterable[UUID]) -> None:
        """Of people who do nothing any more: their clients."""
        for user_id in user_ids:
            await self._clients.pop(user_id).aclose()

    async def add_organisation(self, name: str = "Other") -> UUID:
        organisation_id = uuid4()
        async with self.ports.database.begin() as session:
            session.add(OrganisationRow(id=organisation_id, name=name))
        return organisation_id


async def add_person(
    database: Database,
    user_id: UUID,
    name: str,
    groups: tuple[str, ...],
    roles: tuple[str, ...],
    organisation_id: UUID,
) -> None:
    async with database.begin() as session:
        session.add(
            UserRow(
                id=user_id,
                organisation_id=organisation_id,
                name=name,
                email=f"{user_id.hex}@example.com",
                roles=list(roles),
            )
        )
        await session.flush()
        session.add_all(
            GroupMemberRow(organisation_id=organisation_id, user_id=user_id, group=group) for group in groups
        )
