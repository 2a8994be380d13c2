"""The services of ours that speak to each other: of no organisation, with ids that never change."""

from dataclasses import replace
from uuid import NAMESPACE_URL, UUID, uuid5

from access.principal import Principal


def _service(name: str) -> Principal:
    return Principal(
        organisation_id=UUID(int=0),
        id=uuid5(NAMESPACE_URL, f"switchboard:{name}"),
        kind="service",
        name=name,
    )


GATEWAY = _service("gateway")
"""Who the gateway is to the platform and to tool servers."""
PLATFORM = _service("platform")
"""Who the platform is to the gateway where it asks for itself and not for somebody."""


def contact_of(organisation_id: UUID) -> Principal:
    """Who the contact server is to the platform: for one organisation, of which alone it may report."""
    return replace(_service("contact"), organisation_id=organisation_id)
