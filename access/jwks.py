"""Whose signature counts: trusted issuers and their published keys (RFC 7517)."""

from collections.abc import Mapping
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class TrustedKeys:
    """Public keys by issuer and `kid`. `replace` takes a freshly fetched JWK set of one issuer."""

    def __init__(self) -> None:
        self._keys: dict[str, dict[str, Ed25519PublicKey]] = {}

    def replace(self, issuer: str, jwks: Mapping[str, Any]) -> None:
        """Raises ValueError where a key is not Ed25519."""
        self._keys[issuer] = {str(entry["kid"]): _public(entry) for entry in jwks["keys"]}

    def find(self, issuer: str, kid: str) -> Ed25519PublicKey | None:
        return self._keys.get(issuer, {}).get(kid)


def _public(entry: Mapping[str, Any]) -> Ed25519PublicKey:
    key = jwt.PyJWK(dict(entry)).key
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("Service tokens are signed with Ed25519 keys only.")
    return key
