"""A channel identity and a user become one: by a code that the person confirms, or by an address that a
trusted workspace has verified (SPEC 6)."""

import hashlib
import secrets
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.clock import Clock
from kit.errors import NotFound
from kit.wire.account import CreateApiKey, CreatedApiKey
from kit.wire.base import Page
from kit.wire.channels import ChannelLink, ConfirmLink, CreateBot, LinkOffer, LinkState, RequestLink
from platform_api.account import repository
from platform_api.account.errors import AdminsOnly, LinkedToSomebodyElse, NoSuchCode, WholeRightsNeeded
from platform_api.audit.service import record
from platform_api.identity.errors import MayNotActAs, NotThroughAChannel
from platform_api.identity.links import ChannelIdentity
from platform_api.identity.models import ChannelLinkRow, LinkCodeRow, UserRow
from platform_api.identity.service import ACT_AS, Identity
from platform_api.identity.settings import IdentitySettings

CODE_MINUTES = 15
ADMIN = "OrgAdmin"
_LETTERS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""None that a person takes for another."""
_LENGTH = 12


class Linking:
    def __init__(self, identity: Identity, settings: IdentitySettings, clock: Clock) -> None:
        self._identity = identity
        self._settings = settings
        self._clock = clock

    async def request(self, db: AsyncSession, bot: Principal, asked: RequestLink) -> LinkState:
        """For the bot of that channel: linked already or by a trusted address, else a code for the person.

        Raises MayNotActAs.
        """
        who = ChannelIdentity.parse(asked.identity)
        if who is None or bot.acting_via is not None or not bot.may(ACT_AS + who.channel):
            raise MayNotActAs
        found = await repository.find_link(db, bot.organisation_id, str(who))
        if found is None and await self._asserted(db, bot, who, asked):
            found = await repository.find_link(db, bot.organisation_id, str(who))
        if found is not None:
            name = await repository.person_named(db, bot.organisation_id, found.user_id)
            return LinkState(identity=str(who), linked=True, user_name=name)
        return await self._offered(db, bot, who, asked.name)

    async def look(self, db: AsyncSession, principal: Principal, code: str) -> LinkOffer:
        """Raises NoSuchCode, NotThroughAChannel."""
        offered = await self._code(db, principal, code)
        return LinkOffer(
            identity=offered.identity,
            channel=offered.identity.partition(":")[0],
            name=offered.name,
            expires_at=offered.expires_at,
        )

    async def confirm(self, db: AsyncSession, principal: Principal, asked: ConfirmLink) -> ChannelLink:
        """The code is used up. Raises NoSuchCode, LinkedToSomebodyElse, NotThroughAChannel,
        WholeRightsNeeded."""
        await self._check_whole(principal)
        offered = await self._code(db, principal, asked.code, used_up=True)
        who = ChannelIdentity.parse(offered.identity)
        if who is None or offered.identity != asked.identity:
            raise NoSuchCode
        await repository.link(
            db, principal.organisation_id, principal.id, who, name=offered.name, how="confirmed"
        )
        made = await repository.find_link(db, principal.organisation_id, offered.identity)
        if made is None or made.user_id != principal.id:
            raise LinkedToSomebodyElse
        await record(db, principal, "account.linked", {"identity": offered.identity, "how": "confirmed"})
        return _shown(made)

    async def mine(self, db: AsyncSession, principal: Principal) -> Page[ChannelLink]:
        return Page(items=[_shown(row) for row in await repository.links_of(db, principal)])

    async def remove(self, db: AsyncSession, principal: Principal, link_id: UUID) -> None:
        """Raises NotFound."""
        identity = await repository.unlink(db, principal, link_id)
        if identity is None:
            raise NotFound
        await record(db, principal, "account.unlinked", {"identity": identity})

    async def create_bot(
        self, db: AsyncSession, principal: Principal, asked: CreateBot, not_after: datetime | None = None
    ) -> CreatedApiKey:
        """A service with a key that may ask for the people of one channel; `not_after` as for any key that is
        made with another one. Raises AdminsOnly."""
        if ADMIN not in principal.roles or principal.acting_via is not None:
            raise AdminsOnly
        bot_id = uuid4()
        permission = ACT_AS + asked.channel
        db.add(
            UserRow(
                id=bot_id,
                organisation_id=principal.organisation_id,
                kind="service",
                name=asked.name or f"{asked.channel} bot",
                email=f"bot:{bot_id.hex}",
                permissions=[permission],
            )
        )
        await db.flush()
        bot = Principal(
            organisation_id=principal.organisation_id,
            id=bot_id,
            kind="service",
            permissions=frozenset({permission}),
        )
        key = CreateApiKey(name=f"{asked.channel} bot", expires_in_days=asked.expires_in_days)
        made = await self._identity.create_api_key(db, bot, key, not_after)
        await record(db, principal, "bot.created", {"bot": str(bot_id), "channel": asked.channel})
        return made

    async def _check_whole(self, principal: Principal) -> None:
        """A linked account has all that the person has, so a key of few scopes must not link one."""
        person = (await self._identity.person(principal.id)).principal
        if not (principal.permissions >= person.permissions and principal.roles >= person.roles):
            raise WholeRightsNeeded

    async def _asserted(
        self, db: AsyncSession, bot: Principal, who: ChannelIdentity, asked: RequestLink
    ) -> bool:
        if asked.email is None or who.place not in self._settings.trusted_workspaces:
            return False
        person = await repository.person_with(db, bot.organisation_id, asked.email)
        if person is None:
            return False
        await repository.link(db, bot.organisation_id, person.id, who, name=asked.name, how="asserted")
        about = {"identity": str(who), "how": "asserted", "user": str(person.id)}
        await record(db, bot, "account.linked", about)
        return True

    async def _offered(self, db: AsyncSession, bot: Principal, who: ChannelIdentity, name: str) -> LinkState:
        code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        expires_at = self._clock.now() + timedelta(minutes=CODE_MINUTES)
        kept = LinkCodeRow(
            code_hash=_hashed(code),
            organisation_id=bot.organisation_id,
            identity=str(who),
            name=name,
            expires_at=expires_at,
        )
        await repository.keep_code(db, kept)
        shown = f"{code[:4]}-{code[4:8]}-{code[8:]}"
        return LinkState(identity=str(who), linked=False, code=shown, expires_at=expires_at)

    async def _code(
        self, db: AsyncSession, principal: Principal, code: str, *, used_up: bool = False
    ) -> LinkCodeRow:
        """Only for people who are signed in themselves: a bot would confirm whatever it likes."""
        if principal.acting_via is not None or principal.kind != "user":
            raise NotThroughAChannel
        now = self._clock.now()
        found = await repository.code(db, principal, _hashed(code), now, used_up=used_up)
        if found is None:
            raise NoSuchCode
        return found


def _hashed(code: str) -> str:
    plain = code.replace("-", "").replace(" ", "").upper()
    return hashlib.sha256(plain.encode()).hexdigest()


def _shown(row: ChannelLinkRow) -> ChannelLink:
    return ChannelLink(
        id=row.id,
        channel=row.channel,
        identity=row.identity,
        name=row.name,
        how="asserted" if row.how == "asserted" else "confirmed",
        linked_at=row.linked_at,
    )
