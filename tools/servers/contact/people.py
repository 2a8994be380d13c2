"""Whose data it is, and who takes part in a meeting."""

from dataclasses import dataclass
from uuid import UUID

from access.principal import Principal


@dataclass(frozen=True, slots=True)
class Owner:
    """The first argument of everything that touches somebody's data. Never taken from arguments of a tool."""

    organisation_id: UUID
    user_id: UUID

    @staticmethod
    def of(principal: Principal) -> "Owner":
        return Owner(principal.organisation_id, principal.id)


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    name: str = ""

    @property
    def address(self) -> str:
        """The e-mail address in the one form by which people are compared."""
        return address(self.email)


def address(email: str) -> str:
    """Mail systems compare the part before the @ without regard to case, whatever RFC 5321 allows."""
    return email.strip().casefold()
