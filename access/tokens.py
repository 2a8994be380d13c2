"""Service tokens: minted for 60 s, EdDSA, audience-bound; reused for 30 s; verified once (SPEC 6).

Claims: iss, aud, iat, exp, jti (RFC 7519); `org`, `sub`, `knd`, `nam`, `rol`, `prm`, `grp`, `via` describe
the principal, `keys` its access keys (at most 64) or `grant` the hash of a longer list, and `kbs`, `prv`,
`abd`, `sid`, `tid`, `agt` the limits of the turn.
"""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from jwt.types import Options

from access.keys import AccessKeys
from access.principal import Principal, TurnLimits
from kit.clock import Clock
from kit.errors import Unauthenticated

LIFETIME_S = 60
REUSE_S = 30
INLINE_KEYS = 64
_CACHE_LIMIT = 10_000
_LEEWAY_S = 5
# Time is checked against our own clock, below.
_CHECKS: Options = {"require": ["iss", "aud", "exp", "iat", "sub"], "verify_exp": False, "verify_iat": False}


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verified token says."""

    principal: Principal
    keys: tuple[str, ...]
    """Inline access keys; empty where `grant` names them."""
    grant: str | None
    audience: str
    issuer: str
    expires_at: float

    def access_keys(self) -> AccessKeys:
        """The inline keys. Raises Unauthenticated where they have to be fetched by `grant`."""
        if not self.keys:
            raise Unauthenticated("This token names its access keys by a grant.")
        return AccessKeys(self.keys)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key and the `kid` under which its public half is published."""

    private: Ed25519PrivateKey
    kid: str

    @classmethod
    def generate(cls) -> "SigningKey":
        return cls.of(Ed25519PrivateKey.generate())

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> "SigningKey":
        return cls(private, hashlib.sha256(private.public_key().public_bytes_raw()).hexdigest()[:16])

    def jwks(self) -> dict[str, Any]:
        """The public key as a JWK set (RFC 7517, RFC 8037)."""
        x = urlsafe_b64encode(self.private.public_key().public_bytes_raw()).rstrip(b"=").decode()
        key = {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": self.kid, "alg": "EdDSA", "use": "sig"}
        return {"keys": [key]}


def grant_hash(keys: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()


def claims_of(principal: Principal, keys: AccessKeys) -> dict[str, Any]:
    """The principal's part of the claims: JSON values only."""
    limits = principal.limits
    listed = list(keys)
    bases = limits.knowledge_base_ids
    claims: dict[str, Any] = {
        "sub": str(principal.id),
        "org": str(principal.organisation_id),
        "knd": principal.kind,
        "nam": principal.name,
        "rol": sorted(principal.roles),
        "prm": sorted(principal.permissions),
        "grp": sorted(principal.groups) if len(listed) <= INLINE_KEYS else None,
        "via": principal.acting_via,
        "keys": listed if len(listed) <= INLINE_KEYS else None,
        "grant": grant_hash(listed) if len(listed) > INLINE_KEYS else None,
        "kbs": sorted(map(str, bases)) if bases is not None else None,
        "prv": limits.privacy or None,
        "abd": limits.audience if limits.audience != "private" else None,
        "sid": str(limits.session_id) if limits.session_id else None,
        "tid": str(limits.turn_id) if limits.turn_id else None,
        "agt": limits.agent,
    }
    return {name: value for name, value in claims.items() if value is not None}


def principal_of(claims: Mapping[str, Any]) -> Principal:
    """The other way round. Raises KeyError or ValueError for claims that are not ours."""
    bases = claims.get("kbs")
    limits = TurnLimits(
        knowledge_base_ids=frozenset(map(UUID, bases)) if bases is not None else None,
        privacy=bool(claims.get("prv")),
        audience=claims.get("abd", "private"),
        session_id=_uuid(claims.get("sid")),
        turn_id=_uuid(claims.get("tid")),
        agent=claims.get("agt"),
    )
    return Principal(
        organisation_id=UUID(claims["org"]),
        id=UUID(claims["sub"]),
        kind=claims["knd"],
        name=claims.get("nam", ""),
        groups=frozenset(claims.get("grp", ())),
        roles=frozenset(claims.get("rol", ())),
        permissions=frozenset(claims.get("prm", ())),
        acting_via=claims.get("via"),
        limits=limits,
    )


def _uuid(value: str | None) -> UUID | None:
    return UUID(value) if value else None


class Minter:
    """Signs tokens; one for the same principal, limits and audience is reused for 30 s."""

    def __init__(self, key: SigningKey, issuer: str, clock: Clock) -> None:
        self._key = key
        self._issuer = issuer
        self._clock = clock
        self._recent: dict[tuple[Principal, AccessKeys, str], tuple[str, float]] = {}

    def mint(
        self,
        principal: Principal,
        audience: str,
        *,
        keys: AccessKeys | None = None,
        lifetime_s: int = LIFETIME_S,
    ) -> str:
        """A token for `audience` that expires in 60 s.

        `keys` replaces the principal's own (a gateway passes on what it was given). More than 64
        must have been stored as a grant first (`access.grants`). Another `lifetime_s` is for sign-in,
        where the token only says who; such a token is always a new one.
        """
        held = keys or principal.access_keys
        if lifetime_s != LIFETIME_S:
            return self._sign(principal, held, audience, int(self._clock.now().timestamp()), lifetime_s)
        cached = self._recent.get((principal, held, audience))
        now = self._clock.now().timestamp()
        if cached and now - cached[1] < REUSE_S:
            return cached[0]
        token = self._sign(principal, held, audience, int(now), LIFETIME_S)
        if len(self._recent) >= _CACHE_LIMIT:
            self._recent.clear()
        self._recent[principal, held, audience] = (token, now)
        return token

    def _sign(self, principal: Principal, keys: AccessKeys, audience: str, now: int, lifetime_s: int) -> str:
        claims = claims_of(principal, keys) | {
            "iss": self._issuer,
            "aud": audience,
            "iat": now,
            "exp": now + lifetime_s,
            "jti": secrets.token_urlsafe(9),
        }
        return jwt.encode(claims, self._key.private, algorithm="EdDSA", headers={"kid": self._key.kid})


KeyLookup = Callable[[str, str], Ed25519PublicKey | None]
"""(issuer, kid) → public key, or None where nobody trusted publishes it."""


class Verifier:
    """Checks signature, issuer, audience and time; a token is checked once and kept until it expires."""

    def __init__(self, find_key: KeyLookup, audience: str, clock: Clock) -> None:
        self._find_key = find_key
        self._audience = audience
        self._clock = clock
        self._seen: dict[bytes, Verified] = {}

    def verify(self, token: str) -> Verified:
        """Raises Unauthenticated, always with the same sentence: why is for the log only."""
        digest = hashlib.blake2b(token.encode(), digest_size=16).digest()
        now = self._clock.now().timestamp()
        known = self._seen.get(digest)
        if known and known.expires_at > now:
            return known
        verified = self._check(token, now)
        if len(self._seen) >= _CACHE_LIMIT:
            self._seen.clear()
        self._seen[digest] = verified
        return verified

    def _check(self, token: str, now: float) -> Verified:
        try:
            return self._decode(token, now)
        except (jwt.PyJWTError, KeyError, ValueError, TypeError) as reason:
            raise Unauthenticated(
                "This token is not valid here.", hint="Get a new token and try again."
            ) from reason

    def _decode(self, token: str, now: float) -> Verified:
        unverified = jwt.decode_complete(token, options={"verify_signature": False})
        key = self._find_key(str(unverified["payload"]["iss"]), str(unverified["header"]["kid"]))
        if key is None:
            raise ValueError("no trusted issuer publishes this key")
        claims = jwt.decode(token, key, algorithms=["EdDSA"], audience=self._audience, options=_CHECKS)
        if claims["exp"] <= now or claims["iat"] > now + _LEEWAY_S:
            raise ValueError("expired, or issued in the future")
        return Verified(
            principal=principal_of(claims),
            keys=tuple(claims.get("keys", ())),
            grant=claims.get("grant"),
            audience=self._audience,
            issuer=claims["iss"],
            expires_at=float(claims["exp"]),
        )
