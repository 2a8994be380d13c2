"""People, sign-in, API keys, roles: the bottom domain (SPEC 6)."""

from platform_api.identity.principals import (
    CurrentPrincipal,
    KeyEnds,
    ReportingPrincipal,
    ServicePrincipal,
    current_principal,
    service_principal,
)
from platform_api.identity.service import Identity

__all__ = [
    "CurrentPrincipal",
    "Identity",
    "KeyEnds",
    "ReportingPrincipal",
    "ServicePrincipal",
    "current_principal",
    "service_principal",
]
