"""What an API key looks like: `sb_<key id hex>_<secret>`."""

import hashlib
import secrets
from dataclasses import dataclass
from uuid import UUID, uuid4

PREFIX = "sb_"
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class ParsedKey:
    id: UUID
    secret_hash: str


def looks_like_api_key(credential: str) -> bool:
    return credential.startswith(PREFIX)


def parse(key: str) -> ParsedKey | None:
    """None for anything that we never issued the like of."""
    parts = key.split("_", 2)
    if len(parts) != 3 or parts[0] != "sb" or len(parts[1]) != 32:
        return None
    try:
        return ParsedKey(UUID(hex=parts[1]), hash_of(parts[2]))
    except ValueError:
        return None


def issue() -> tuple[UUID, str, str]:
    """A new key: its id, the key to show once, and the hash to keep."""
    key_id, secret = uuid4(), secrets.token_urlsafe(_SECRET_BYTES)
    return key_id, f"{PREFIX}{key_id.hex}_{secret}", hash_of(secret)


def hash_of(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
