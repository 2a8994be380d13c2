"""Sessions of the revisions up to 2025-11-25, without state: the id itself says whose it is.

An id is revision, expiry and randomness under a MAC that also covers the principal, so it works on
every replica that has the same signing key and for nobody else. Only an ended session leaves a trace,
in Redis, until it would have expired.
"""

import hashlib
import hmac
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error

import structlog

from access.grants import GrantStore
from access.principal import Principal
from access.tokens import SigningKey
from kit.clock import Clock
from kit.wire.mcp import SESSION_REVISIONS

_HEAD = struct.Struct(">BQ12s")
_MAC_BYTES = 16
_ENDED = "mcp-session-ended:"
_LOOK_AGAIN_S = 30.0
_REMEMBERED = 10_000
_log = structlog.get_logger()


class SessionGone(Exception):
    """Unknown, expired, ended, or somebody else's: all alike. The client starts a new one."""


class Sessions:
    """An end at another replica is noticed within 30 s."""

    def __init__(self, key: SigningKey, redis: GrantStore, clock: Clock, lifetime_s: float) -> None:
        self._secret = hashlib.sha256(b"mcp-session" + key.private.private_bytes_raw()).digest()
        self._redis = redis
        self._clock = clock
        self._lifetime_s = lifetime_s
        self._looked_at: dict[str, float] = {}

    def begin(self, principal: Principal, revision: str) -> str:
        expires = int(self._now() + self._lifetime_s)
        head = _HEAD.pack(SESSION_REVISIONS.index(revision), expires, secrets.token_bytes(12))
        return urlsafe_b64encode(head + self._mac(head, principal)).decode()

    async def revision(self, session: str, principal: Principal) -> str:
        """The revision that was agreed on. Raises SessionGone."""
        index, expires = self._read(session, principal)
        if expires <= self._now() or await self._has_ended(session):
            raise SessionGone
        return SESSION_REVISIONS[index]

    async def end(self, session: str, principal: Principal) -> None:
        """Raises SessionGone where there is nothing to end."""
        _, expires = self._read(session, principal)
        left_s = int(expires - self._now())
        if left_s <= 0:
            raise SessionGone
        self._looked_at.pop(session, None)
        await self._redis.set(_ENDED + session, "1", ex=left_s)

    def _read(self, session: str, principal: Principal) -> tuple[int, int]:
        try:
            whole = urlsafe_b64decode(session.encode("ascii"))
        except (Base64Error, ValueError) as error:
            raise SessionGone from error
        head, mac = whole[: _HEAD.size], whole[_HEAD.size :]
        if len(head) != _HEAD.size or not hmac.compare_digest(mac, self._mac(head, principal)):
            raise SessionGone
        index, expires, _ = _HEAD.unpack(head)
        return index, expires

    async def _has_ended(self, session: str) -> bool:
        now = self._now()
        if now - self._looked_at.get(session, 0.0) < _LOOK_AGAIN_S:
            return False
        try:
            ended = await self._redis.get(_ENDED + session) is not None
        except Exception as error:
            # the token is checked on every call; an ended session is a courtesy, not a guard
            _log.warning("gateway.session_end_unknown", error=type(error).__name__)
            return False
        if not ended:
            self._remember(session, now)
        return ended

    def _remember(self, session: str, now: float) -> None:
        if len(self._looked_at) >= _REMEMBERED:
            self._looked_at.clear()
        self._looked_at[session] = now

    def _mac(self, head: bytes, principal: Principal) -> bytes:
        owner = principal.organisation_id.bytes + principal.id.bytes
        return hmac.digest(self._secret, head + owner, "sha256")[:_MAC_BYTES]

    def _now(self) -> float:
        return self._clock.now().timestamp()
