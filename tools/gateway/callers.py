"""Who calls: service tokens and API keys become a `Caller` (SPEC 6, 9)."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field, replace

from access.grants import GrantStore, keep_grant, keys_of
from access.jwks import TrustedKeys
from access.keys import AccessKeys, groups_in
from access.principal import Principal
from access.services import PLATFORM
from access.tokens import Verified, Verifier, principal_of
from kit.clock import Clock, epoch
from kit.errors import SwitchboardError, Unauthenticated, Unavailable
from kit.wire.internal import ResolvedPrincipal
from ports.redis import RedisError
from tools.gateway.platform import PlatformLink

AUDIENCE = "gateway"
ISSUER = "platform"
API_KEY = "sb_"
CREDENTIAL_LIMIT = 8192
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Caller:
    """The principal and the access keys that came with it; good until `expires_at` (epoch seconds).

    organisation_id, actor: the principal's ids as records hold them.
    """

    principal: Principal
    keys: AccessKeys
    expires_at: float
    organisation_id: str
    actor: str
    tokens: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])
    """Our own tokens about it, by audience, each with the monotonic time until which it is used."""


class CannotTellWho(Unavailable):
    """The credential may be good, but the one who knows is away."""

    code = "sign_in_unavailable"
    title = "Your credential cannot be checked at the moment"


class Presented(str):
    """An Authorization header that comes again over the same connection: its digest is made once."""

    digest: bytes = b""


def _digest(authorization: str) -> bytes:
    """Of the whole header: only one that was good is ever remembered by it."""
    if isinstance(authorization, Presented) and authorization.digest:
        return authorization.digest
    digest = hashlib.sha256(authorization.encode("utf-8", "surrogatepass")).digest()
    if isinstance(authorization, Presented):
        authorization.digest = digest
    return digest


class Callers:
    """Checks a credential once and remembers it, by hash, for as long as it holds."""

    def __init__(
        self,
        platform: PlatformLink,
        trusted: TrustedKeys,
        redis: GrantStore,
        clock: Clock,
        key_cache_s: float,
    ) -> None:
        self._platform = platform
        self._redis = redis
        self._clock = clock
        self._now = epoch(clock)
        self._key_cache_s = key_cache_s
        self._verifier = Verifier(
            lambda issuer, kid: trusted.find(issuer, kid) if issuer == ISSUER else None, AUDIENCE, clock
        )
        self._known: OrderedDict[bytes, Caller] = OrderedDict()
        self._asking: dict[bytes, asyncio.Task[Caller]] = {}

    async def of(self, authorization: str) -> Caller:
        """From an Authorization header. Raises Unauthenticated or CannotTellWho."""
        known = self.known(authorization)
        if known is not None:
            return known
        scheme, _, credential = authorization.partition(" ")
        if scheme.lower() != "bearer" or not credential or len(credential) > CREDENTIAL_LIMIT:
            raise Unauthenticated("Nobody is signed in.")
        return await self._once(_digest(authorization), credential)

    def known(self, authorization: str) -> Caller | None:
        """Whose header was checked before and still holds; None: ask `of`."""
        if len(authorization) > CREDENTIAL_LIMIT:
            return None
        known = self._known.get(_digest(authorization))
        if known is None or known.expires_at <= self._now():
            return None
        return known

    def platform(self, authorization: str) -> None:
        """Raises Unauthenticated for everyone but the platform itself, asking for itself."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > CREDENTIAL_LIMIT:
            raise Unauthenticated("Nobody is signed in.")
        if self._verifier.verify(token).principal != PLATFORM:
            raise Unauthenticated("This is between the platform and the gateway.")

    async def _once(self, digest: bytes, credential: str) -> Caller:
        """Callers with the same credential at the same time wait for one answer."""
        task = self._asking.get(digest)
        if task is None:
            task = asyncio.create_task(self._look_up(digest, credential))
            self._asking[digest] = task
            task.add_done_callback(lambda done: self._finished(digest, done))
        return await asyncio.shield(task)

    def _finished(self, digest: bytes, done: asyncio.Task[Caller]) -> None:
        self._asking.pop(digest, None)
        if not done.cancelled():
            done.exception()  # retrieved, also where every waiter has gone away

    async def _look_up(self, digest: bytes, credential: str) -> Caller:
        is_key = credential.startswith(API_KEY)
        caller = await (self._by_key(credential) if is_key else self._by_token(credential))
        self._known[digest] = caller
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return caller

    async def _by_token(self, token: str) -> Caller:
        return await self._caller(self._verifier.verify(token))

    async def _by_key(self, api_key: str) -> Caller:
        try:
            resolved = await self._platform.resolve(api_key)
        except Unauthenticated:
            raise
        except SwitchboardError as error:
            raise CannotTellWho(retry_after=2) from error
        return await self._caller(self._resolved(resolved))

    async def _caller(self, verified: Verified) -> Caller:
        who = verified.principal
        keys = await self._keys(verified)
        if verified.grant is not None:
            # a token with a long list of keys does not name the groups, and tools may be for some
            who = replace(who, groups=groups_in(keys, who.organisation_id))
        return Caller(who, keys, verified.expires_at, str(who.organisation_id), str(who.id))

    def _resolved(self, resolved: ResolvedPrincipal) -> Verified:
        claims = resolved.claims
        held_for = min(float(resolved.cache_s), self._key_cache_s)
        return Verified(
            principal=principal_of(claims),
            keys=tuple(claims.get("keys", ())),
            grant=claims.get("grant"),
            audience=AUDIENCE,
            issuer=ISSUER,
            expires_at=self._clock.now().timestamp() + held_for,
        )

    async def _keys(self, verified: Verified) -> AccessKeys:
        """Also kept as a grant again, since our own token to the server will name it."""
        try:
            keys = await keys_of(verified, self._redis, self._platform.grant)
            await keep_grant(self._redis, keys)
        except RedisError as error:
            # only long lists are kept there; what a token opens is never guessed
            raise CannotTellWho(retry_after=2) from error
        return keys
