"""Who is asking: principals from credentials, fresh from the database with each request."""

import hmac
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Kind, Principal, permissions_of
from kit.clock import Clock
from kit.errors import NotFound, Unauthenticated
from kit.wire.account import ApiKey, CreateApiKey, CreatedApiKey, Me
from kit.wire.base import Page
from platform_api.edge import PageRequest, page_of
from platform_api.identity import api_key, links, repository
from platform_api.identity.errors import LinkNeeded, MayNotActAs, NotThroughAChannel, ScopeTooWide
from platform_api.identity.links import ChannelIdentity
from platform_api.identity.models import ApiKeyRow, UserRow
from platform_api.identity.settings import IdentitySettings
from ports.db import Database

KEPT_S: Final = 30
ACT_AS = "act_as:"
"""With a channel's name behind it: the permission of its bots, granted one by one and in no role."""
_CACHE_LIMIT = 10_000
_KINDS: Final[dict[str, Kind]] = {"person": "user", "guest": "guest", "service": "service"}


@dataclass(frozen=True, slots=True)
class Person:
    """A principal, and what only the person's own page shows."""

    principal: Principal
    email: str


@dataclass(frozen=True, slots=True)
class _KnownKey:
    user_id: UUID
    secret_hash: str
    scopes: frozenset[str]
    expires_at: datetime


class Identity:
    """Who somebody is, and their groups, are read with every request: who leaves a group, or is disabled,
    has lost what it opened at once. A key that is deleted here is refused at once, elsewhere within 30 s."""

    def __init__(self, database: Database, clock: Clock, settings: IdentitySettings | None = None) -> None:
        self._database = database
        self._clock = clock
        self._settings = settings or IdentitySettings()
        self._keys: dict[UUID, tuple[_KnownKey, datetime]] = {}

    async def person(self, user_id: UUID) -> Person:
        """Raises Unauthenticated where there is no such person, or no longer."""
        async with self._database.begin() as session:
            return await _read(session, user_id)

    async def by_api_key(self, key: str) -> tuple[Principal, datetime]:
        """The owner, narrowed to the key's scopes, and when the key expires. Raises Unauthenticated."""
        parsed = api_key.parse(key)
        known = await self._known_key(parsed.id) if parsed else None
        if parsed is None or known is None:
            raise Unauthenticated
        if not hmac.compare_digest(known.secret_hash, parsed.secret_hash):
            raise Unauthenticated
        if known.expires_at <= self._clock.now():
            raise Unauthenticated(hint="This API key has expired: create a new one.")
        person = await self.person(known.user_id)
        return _narrowed(person.principal, known.scopes), known.expires_at

    async def acted_for(self, bot: Principal, named: str) -> Principal:
        """The person whom a bot names, as a principal of their own; `acting_via` says how they came.

        Raises MayNotActAs where the bot is not of that channel, LinkNeeded where guests are not answered.
        """
        who = ChannelIdentity.parse(named)
        if who is None or not bot.may(ACT_AS + who.channel):
            raise MayNotActAs
        async with self._database.begin() as session:
            user_id = await links.linked_user(session, bot.organisation_id, who)
            if user_id is None:
                if self._settings.unlinked == "ask_to_link":
                    raise LinkNeeded
                user_id = await links.guest(session, bot.organisation_id, who)
            person = await _read(session, user_id)
        return replace(person.principal, acting_via=who.channel)

    async def _known_key(self, key_id: UUID) -> _KnownKey | None:
        now = self._clock.now()
        kept = self._keys.get(key_id)
        if kept and now < kept[1]:
            return kept[0]
        async with self._database.begin() as session:
            row = await repository.api_key(session, key_id)
            if row is None:
                return None
            # Once per KEPT_S and process at most, since this runs on a cache miss only.
            await repository.mark_used(session, key_id, now)
            known = _KnownKey(row.user_id, row.secret_hash, frozenset(row.scopes), row.expires_at)
        _keep(self._keys, key_id, known, now)
        return known

    async def me(self, principal: Principal) -> Me:
        person = await self.person(principal.id)
        return Me(
            id=principal.id,
            organisation_id=principal.organisation_id,
            name=principal.name,
            email=person.email,
            groups=sorted(principal.groups),
            roles=sorted(principal.roles),
            permissions=sorted(principal.permissions),
        )

    async def create_api_key(
        self,
        session: AsyncSession,
        principal: Principal,
        request: CreateApiKey,
        not_after: datetime | None = None,
    ) -> CreatedApiKey:
        """`not_after`: when the key expires with which this one is made; else a leaked one would live on.

        Raises ScopeTooWide for a scope that the principal does not have, NotThroughAChannel where a bot
        asks for somebody: what lasts is made by the person alone.
        """
        if principal.acting_via is not None:
            raise NotThroughAChannel
        scopes = principal.permissions if request.scopes is None else frozenset(request.scopes)
        beyond = sorted(scopes - principal.permissions)
        if beyond:
            raise ScopeTooWide(f"You do not have: {', '.join(beyond)}.")
        key_id, shown, kept_hash = api_key.issue()
        now = self._clock.now()
        expires_at = now + timedelta(days=request.expires_in_days)
        row = ApiKeyRow(
            id=key_id,
            organisation_id=principal.organisation_id,
            user_id=principal.id,
            name=request.name,
            secret_hash=kept_hash,
            scopes=sorted(scopes),
            created_at=now,
            expires_at=min(expires_at, not_after or expires_at),
        )
        session.add(row)
        return CreatedApiKey(**_shown(row).model_dump(), key=shown)

    async def list_api_keys(
        self, session: AsyncSession, principal: Principal, page: PageRequest
    ) -> Page[ApiKey]:
        rows = await repository.api_keys_of(session, principal, page)
        return page_of(rows, page, lambda row: (row.created_at, row.id), _shown)

    async def delete_api_key(self, session: AsyncSession, principal: Principal, key_id: UUID) -> None:
        """Raises NotFound where it is not the principal's own."""
        if not await repository.delete_api_key(session, principal, key_id):
            raise NotFound
        self._keys.pop(key_id, None)


async def _read(session: AsyncSession, user_id: UUID) -> Person:
    """Raises Unauthenticated where there is no such person, or no longer."""
    found = await repository.user_with_groups(session, user_id)
    if found is None:
        raise Unauthenticated
    return _person(*found)


def _person(user: UserRow, groups: frozenset[str]) -> Person:
    principal = Principal(
        organisation_id=user.organisation_id,
        id=user.id,
        kind=_KINDS[user.kind],
        name=user.name,
        groups=groups,
        roles=frozenset(user.roles),
        permissions=permissions_of(user.roles) | frozenset(user.permissions),
    )
    return Person(principal, user.email)


def _narrowed(owner: Principal, scopes: frozenset[str]) -> Principal:
    """Roles open tools by name, so a key that carries less than its owner carries no role."""
    if scopes >= owner.permissions:
        return owner
    return Principal(
        organisation_id=owner.organisation_id,
        id=owner.id,
        kind=owner.kind,
        name=owner.name,
        groups=owner.groups,
        permissions=owner.permissions & scopes,
    )


def _shown(row: ApiKeyRow) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        scopes=row.scopes,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
    )


def _keep(cache: dict[UUID, tuple[_KnownKey, datetime]], key: UUID, value: _KnownKey, now: datetime) -> None:
    if len(cache) >= _CACHE_LIMIT:
        cache.clear()
    cache[key] = (value, now + timedelta(seconds=KEPT_S))
