"""Sessions of the revisions up to 2025-11-25: the id itself says whose it is, and what was agreed.

An id is revision, the client's capabilities, expiry and randomness under a MAC that also covers the
principal and the endpoint, so it works on every replica that has the same signing key, for nobody else
and nowhere else: a session of one server is none of another, nor of all. What changes
during a session (its end, a log level, subscribed resources) is in Redis, until it would have expired.
"""

import hashlib
import hmac
import secrets
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import structlog

from access.principal import Principal
from access.tokens import SigningKey
from kit.clock import Clock, epoch
from kit.wire.mcp import SESSION_REVISIONS
from ports.redis import Redis
from tools.gateway.bus import Bus

_HEAD = struct.Struct(">BBQ12s")
_MAC_BYTES = 16
_NOTES = "mcp-session:"
_ENDED = "ended"
_LEVEL = "level"
_RESOURCE = "uri:"
_LOOK_AGAIN_S = 30.0
_REMEMBERED = 10_000
RESOURCES = 200
"""Resources that one session may subscribe to."""
_FLAGS: tuple[tuple[str, str | None], ...] = (
    ("elicitation", None),
    ("elicitation", "form"),
    ("elicitation", "url"),
    ("sampling", None),
    ("sampling", "tools"),
    ("sampling", "context"),
    ("roots", None),
)
"""What of a client's capabilities matters to a server, a bit each."""
_log = structlog.get_logger()


class SessionGone(Exception):
    """Unknown, expired, ended, or somebody else's: all alike. The client starts a new one."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What changed during a session."""

    ended: bool = False
    level: str | None = None
    resources: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Session:
    id: str
    revision: str
    capabilities: Mapping[str, Any]
    notes: Notes


@dataclass(frozen=True, slots=True)
class _Held:
    """A session that was checked, for whom and for which endpoint; until its notes are looked at again.
    Afterwards they are still the best known while Redis is away."""

    whose: tuple[UUID, UUID, str | None]
    until: float
    session: Session


class Sessions:
    """A change at another replica is noticed at once, or within 30 s where the bus did not carry it."""

    def __init__(self, key: SigningKey, redis: Redis, clock: Clock, lifetime_s: float, bus: Bus) -> None:
        self._secret = hashlib.sha256(b"mcp-session" + key.private.private_bytes_raw()).digest()
        self._redis = redis
        self._now = epoch(clock)
        self._lifetime_s = lifetime_s
        self._bus = bus
        self._held: dict[str, _Held] = {}
        self.changed: list[Any] = []
        """Called with the id of a session whose notes changed."""
        bus.on("session.changed", self._changed_elsewhere)

    def begin(
        self,
        principal: Principal,
        revision: str,
        capabilities: Mapping[str, Any] | None = None,
        server: str | None = None,
    ) -> str:
        """`server`: of the endpoint that it is for; None: of all."""
        expires = int(self._now() + self._lifetime_s)
        head = _HEAD.pack(
            SESSION_REVISIONS.index(revision), _flags(capabilities or {}), expires, secrets.token_bytes(12)
        )
        return urlsafe_b64encode(head + self._mac(head, principal, server)).decode()

    async def find(self, session: str, principal: Principal, server: str | None = None) -> Session:
        """Raises SessionGone."""
        found = self.held(session, principal, server)
        if found is None:
            held, now = self._held.get(session), self._now()
            whose = (principal.organisation_id, principal.id, server)
            index, flags, expires = self._read(session, principal, server)
            if expires <= now:
                raise SessionGone
            notes = await self._noted(session)
            best = notes or (held.session.notes if held is not None else Notes())
            found = Session(session, SESSION_REVISIONS[index], _capabilities(flags), best)
            if notes is not None:
                self._hold(session, _Held(whose, min(expires, now + _LOOK_AGAIN_S), found))
        if found.notes.ended:
            raise SessionGone
        return found

    def held(self, session: str, principal: Principal, server: str | None = None) -> Session | None:
        """One that was checked just now for the same principal and endpoint; None: ask `find`."""
        held = self._held.get(session)
        if held is None or held.whose != (principal.organisation_id, principal.id, server):
            return None
        return held.session if self._now() < held.until else None

    async def end(self, session: str, principal: Principal, server: str | None = None) -> None:
        """Raises SessionGone where there is nothing to end."""
        await self._note(session, principal, server, _ENDED, "1")

    async def set_level(
        self, session: str, principal: Principal, level: str, server: str | None = None
    ) -> None:
        await self._note(session, principal, server, _LEVEL, level)

    async def subscribe(
        self, session: str, principal: Principal, uri: str, server: str | None = None
    ) -> None:
        await self._note(session, principal, server, _RESOURCE + uri, "1")

    async def unsubscribe(
        self, session: str, principal: Principal, uri: str, server: str | None = None
    ) -> None:
        await self._note(session, principal, server, _RESOURCE + uri, None)

    async def _note(
        self, session: str, principal: Principal, server: str | None, field: str, value: str | None
    ) -> None:
        _, _, expires = self._read(session, principal, server)
        left_s = int(expires - self._now())
        if left_s <= 0:
            raise SessionGone
        key = _NOTES + session
        if value is None:
            await cast(Any, self._redis).hdel(key, field)
        else:
            await cast(Any, self._redis).hset(key, field, value)
            await self._redis.expire(key, left_s)
        self._tell(session)
        await self._bus.broadcast("session.changed", session=session)

    def _read(self, session: str, principal: Principal, server: str | None) -> tuple[int, int, int]:
        try:
            whole = urlsafe_b64decode(session.encode("ascii"))
        except (Base64Error, ValueError) as error:
            raise SessionGone from error
        head, mac = whole[: _HEAD.size], whole[_HEAD.size :]
        if len(head) != _HEAD.size or not hmac.compare_digest(mac, self._mac(head, principal, server)):
            raise SessionGone
        index, flags, expires, _ = _HEAD.unpack(head)
        return index, flags, expires

    async def _noted(self, session: str) -> Notes | None:
        """None where Redis does not say."""
        try:
            found: dict[bytes, bytes] = await cast(Any, self._redis).hgetall(_NOTES + session)
        except Exception as error:
            # the token is checked on every call; an ended session is a courtesy, not a guard
            _log.warning("gateway.session_notes_unknown", error=type(error).__name__)
            return None
        return _notes({name.decode(): value.decode() for name, value in found.items()})

    def _hold(self, session: str, held: "_Held") -> None:
        if len(self._held) >= _REMEMBERED:
            self._held.clear()
        self._held[session] = held

    async def _changed_elsewhere(self, told: dict[str, Any]) -> None:
        self._tell(str(told["session"]))

    def _tell(self, session: str) -> None:
        self._held.pop(session, None)
        for changed in list(self.changed):
            changed(session)

    def _mac(self, head: bytes, principal: Principal, server: str | None) -> bytes:
        owner = principal.organisation_id.bytes + principal.id.bytes
        endpoint = b"" if server is None else b"/" + server.encode()
        return hmac.digest(self._secret, head + owner + endpoint, "sha256")[:_MAC_BYTES]


def _notes(found: Mapping[str, str]) -> Notes:
    uris = frozenset(name.removeprefix(_RESOURCE) for name in found if name.startswith(_RESOURCE))
    return Notes(_ENDED in found, found.get(_LEVEL), uris)


def _flags(capabilities: Mapping[str, Any]) -> int:
    flags = 0
    for bit, (name, part) in enumerate(_FLAGS):
        held = capabilities.get(name)
        if isinstance(held, dict) and (part is None or part in held):
            flags |= 1 << bit
    return flags


def _capabilities(flags: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for bit, (name, part) in enumerate(_FLAGS):
        if flags & (1 << bit):
            held = made.setdefault(name, {})
            if part is not None:
                held[part] = {}
    return made
