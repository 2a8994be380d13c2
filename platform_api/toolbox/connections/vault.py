"""The vault: what opens anything is stored sealed only, and every opening is on record (SPEC 9, 13)."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from access.principal import Principal
from kit.errors import SwitchboardError, Unavailable
from kit.sealing import KeyRing, SealBroken
from platform_api import audit

What = Literal["access", "refresh", "client_secret", "header", "verifier"]


class VaultMissing(Unavailable):
    code = "vault_missing"
    title = "This deployment has no key to keep credentials with"
    default_hint = "An operator sets SWITCHBOARD_VAULT__KEYS; 'switchboard keys new' prints a key."
    retryable = False


class CredentialUnreadable(SwitchboardError):
    """Its key has left the ring too early, or the row was changed."""

    code = "credential_unreadable"
    title = "The stored credential cannot be opened"
    default_hint = "Connect the account again. An operator finds the key that is missing in the log."


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose credential for what. `user_id` None: the organisation's."""

    organisation_id: UUID
    user_id: UUID | None
    server: str

    def about(self, what: What) -> bytes:
        # lengths are fixed up to the name, so two owners never read alike
        person = self.user_id.hex if self.user_id else "-" * 32
        return f"connection|{self.organisation_id.hex}|{person}|{what}|{self.server}".encode()

    def principal(self) -> Principal:
        """For whom it is opened."""
        if self.user_id is None:
            return Principal(organisation_id=self.organisation_id, id=UUID(int=0), kind="service")
        return Principal(organisation_id=self.organisation_id, id=self.user_id)


class Vault:
    """`ring` None: this deployment keeps no credentials."""

    def __init__(self, ring: KeyRing | None) -> None:
        self._ring = ring

    @property
    def ring(self) -> KeyRing:
        """Raises VaultMissing."""
        if self._ring is None:
            raise VaultMissing
        return self._ring

    def seal(self, owner: Owner, what: What, secret: SecretStr) -> str:
        """Raises VaultMissing."""
        return self.ring.seal(secret.get_secret_value().encode(), owner.about(what))

    async def open(self, session: AsyncSession, owner: Owner, what: What, sealed: str, why: str) -> SecretStr:
        """Recorded in the session's transaction: `credential.opened` {server, what, why, key}.

        Raises VaultMissing, CredentialUnreadable.
        """
        try:
            plain = self.ring.open(sealed, owner.about(what))
        except SealBroken as error:
            raise CredentialUnreadable from error
        data = {"server": owner.server, "what": what, "why": why}
        await audit.record(session, owner.principal(), "credential.opened", data)
        return SecretStr(plain.decode())
