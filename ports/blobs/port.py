"""What we need of a store of files."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){0,7}")


class BlobMissing(KeyError):
    """There is nothing under this key."""


class BadKey(ValueError):
    """Not a key: see `check_key`."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store tells of a file without opening it. size: bytes."""

    key: str
    size: int
    changed_at: datetime


class Blobs(Protocol):
    """Keys are ours, never a person's file name: up to 8 parts of letters, digits, `.`, `_`, `-`."""

    async def put(self, key: str, data: bytes) -> None:
        """Stored completely or not at all, durable when this returns. Replaces. Raises BadKey."""
        ...

    async def get(self, key: str) -> bytes:
        """Raises BlobMissing, BadKey."""
        ...

    async def delete(self, key: str) -> None:
        """Again does nothing. Raises BadKey."""
        ...

    def list(self, prefix: str) -> AsyncIterator[Stored]:
        """All files whose key begins with the parts of `prefix` (`originals`, not `orig`), in no order.

        What is put or deleted while it runs may be told or not. Raises BadKey.
        """
        ...


def check_key(key: str) -> str:
    """Raises BadKey for what could leave the store: `..`, an absolute path, a hidden name, odd letters."""
    if not _KEY.fullmatch(key):
        raise BadKey(f"{key[:200]!r} is not a key of the blob store.")
    return key
