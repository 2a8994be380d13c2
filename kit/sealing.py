"""Sealing at rest: AES-256-GCM under a ring of keys, so that a key can be replaced (SPEC 6, 13)."""

import hashlib
import os
import re
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_VERSION = "s1"
_KID = re.compile(r"[A-Za-z0-9_-]{1,32}")


class SealBroken(Exception):
    """Not sealed by a key of this ring, about something else, or changed since. Says no more, on purpose."""


class BadKeys(ValueError):
    """The setting is not a key ring; the message names no key."""


class KeyRing:
    """Seals with the current key and opens with any key of the ring.

    keys: 32 bytes each by key id (letters, digits, `_`, `-`; at most 32). A sealed text is
    `s1.<kid>.<base64url of nonce, ciphertext and tag>`; version, kid and `about` are authenticated with
    it (NIST SP 800-38D). Nonces are random: one key must not seal more than 2**32 texts, which a
    rotation every 90 days keeps far away. Raises BadKeys.
    """

    __slots__ = ("_ciphers", "_keys", "current")

    def __init__(self, keys: Mapping[str, bytes], current: str) -> None:
        if current not in keys:
            raise BadKeys("The current key is not in the ring.")
        if any(_KID.fullmatch(kid) is None for kid in keys):
            raise BadKeys("A key id is 1 to 32 letters, digits, '_' or '-'.")
        if any(len(key) != KEY_BYTES for key in keys.values()):
            raise BadKeys(f"Every key has {KEY_BYTES} bytes, in base64: 'openssl rand -base64 32' makes one.")
        self._ciphers = {kid: AESGCM(key) for kid, key in keys.items()}
        self._keys = dict(keys)
        self.current = current

    def __repr__(self) -> str:
        return f"KeyRing({sorted(self._ciphers)}, current={self.current!r})"

    @property
    def key_ids(self) -> list[str]:
        """The current one first."""
        return sorted(self._keys, key=lambda kid: kid != self.current)

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        """`kid:base64,kid2:base64`, also one a line; the first one is current. Raises BadKeys."""
        pairs = [entry.partition(":") for entry in re.split(r"[,\s]+", text.strip()) if entry]
        if not pairs:
            raise BadKeys("There is no key: write 'kid:base64' with 32 bytes in base64.")
        keys = {kid: _decoded(encoded) for kid, _, encoded in pairs}
        if len(keys) != len(pairs):
            raise BadKeys("Two keys have one id.")
        return cls(keys, pairs[0][0])

    @classmethod
    def from_secret(cls, secret: bytes) -> "KeyRing":
        """One key derived by HKDF-SHA256 (RFC 5869); its id tells rings of different secrets apart."""
        key = HKDF(SHA256(), KEY_BYTES, salt=None, info=b"switchboard/sealing").derive(secret)
        kid = hashlib.sha256(key).hexdigest()[:8]
        return cls({kid: key}, kid)

    def handed_over(self) -> str:
        """All keys, as `parse` reads them: for a child of ours, through a pipe and nothing else."""
        return ",".join(f"{kid}:{urlsafe_b64encode(self._keys[kid]).decode()}" for kid in self.key_ids)

    def seal(self, plain: bytes, about: bytes) -> str:
        """`about` (whose, what for) has to be given again to open it."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self.current].encrypt(nonce, plain, _bound(self.current, about))
        return f"{_VERSION}.{self.current}.{urlsafe_b64encode(nonce + sealed).decode().rstrip('=')}"

    def open(self, sealed: str, about: bytes) -> bytes:
        """Raises SealBroken."""
        kid, data = _parted(sealed)
        cipher = self._ciphers.get(kid)
        if cipher is None:
            raise SealBroken
        try:
            return cipher.decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], _bound(kid, about))
        except InvalidTag:
            raise SealBroken from None


def sealed_by(sealed: str) -> str:
    """The id of the key under which it says it was sealed. Raises SealBroken."""
    return _parted(sealed)[0]


def new_key() -> str:
    """`kid:base64` of a fresh random key."""
    key = os.urandom(KEY_BYTES)
    return f"{hashlib.sha256(key).hexdigest()[:8]}:{urlsafe_b64encode(key).decode()}"


def _bound(kid: str, about: bytes) -> bytes:
    return f"{_VERSION}.{kid}.".encode() + about


def _parted(sealed: str) -> tuple[str, bytes]:
    parts = sealed.split(".")
    if len(parts) != 3 or parts[0] != _VERSION or not parts[2].isascii():
        raise SealBroken
    data = _bytes_of(parts[2])
    # one text, one spelling: unused bits in the last character would let a sealed text be varied
    if len(data) < _NONCE_BYTES + _TAG_BYTES or urlsafe_b64encode(data).decode().rstrip("=") != parts[2]:
        raise SealBroken
    return parts[1], data


def _bytes_of(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (Base64Error, ValueError):
        raise SealBroken from None


def _decoded(encoded: str) -> bytes:
    try:
        return b64decode(encoded.replace("-", "+").replace("_", "/"), validate=True)
    except (Base64Error, ValueError):
        raise BadKeys("A key is not base64: 'openssl rand -base64 32' makes one.") from None
