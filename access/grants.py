"""Grants: long lists of access keys kept by hash, so that a token stays small (SPEC 6)."""

import json
from collections.abc import Awaitable, Callable
from typing import Protocol, cast

from access.keys import AccessKeys
from access.tokens import INLINE_KEYS, Verified, grant_hash
from kit.errors import Unauthenticated

GRANT_TTL_S = 600


class GrantStore(Protocol):
    """What we need of Redis for grants."""

    async def get(self, name: str) -> bytes | str | None: ...
    async def set(self, name: str, value: str, *, ex: int) -> object: ...


FetchGrant = Callable[[str], Awaitable[list[str] | None]]
"""hash → keys from the platform (`GET /internal/v1/grants/{hash}`), for when Redis has none."""


async def keep_grant(store: GrantStore, keys: AccessKeys) -> None:
    """Store the list before a token that names it is minted; short lists travel inline."""
    listed = list(keys)
    if len(listed) > INLINE_KEYS:
        await store.set(f"grant:{grant_hash(listed)}", json.dumps(listed), ex=GRANT_TTL_S)


async def keys_of(verified: Verified, store: GrantStore, fetch: FetchGrant | None = None) -> AccessKeys:
    """The access keys of a verified token, inline or by grant.

    Raises Unauthenticated where the grant is gone or does not match its hash.
    """
    if verified.grant is None:
        return verified.access_keys()
    raw = await store.get(f"grant:{verified.grant}")
    listed = cast(list[str], json.loads(raw)) if raw else (await fetch(verified.grant) if fetch else None)
    if not listed or grant_hash(listed) != verified.grant:
        raise Unauthenticated("The access of this token has expired.", hint="Get a new token and try again.")
    return AccessKeys(listed)
