"""Signing keys: one per issuer, made on first use and kept 0600, or given by the settings."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from access.tokens import SigningKey


def load_or_create(file: Path) -> SigningKey:
    """The Ed25519 key in a PEM file (PKCS 8). Raises ValueError where the file holds another kind."""
    if not file.exists():
        _create(file)
    return read(file.read_bytes())


def read(pem: bytes) -> SigningKey:
    private = load_pem_private_key(pem, password=None)
    if not isinstance(private, Ed25519PrivateKey):
        raise ValueError(
            "The signing key is not an Ed25519 key. Make one: openssl genpkey -algorithm ed25519"
        )
    return SigningKey.of(private)


def _create(file: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(pem)
