"""The keys of the vault: from the settings, or made on first use and kept 0600 like the signing keys."""

import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pydantic import Field, SecretStr

from kit.files import write_whole
from kit.sealing import BadKeys, KeyRing, new_key
from kit.settings import Settings

FILE = "vault.keys"


class VaultSettings(Settings):
    """Keys for what is stored sealed. Replace the first one every 90 days: `switchboard keys rotate`."""

    section = "vault"

    keys: SecretStr = Field(
        default=SecretStr(""),
        description="`kid:base64,kid2:base64`, 32 bytes each; the first one seals, all open."
        " `switchboard keys new` prints one.",
    )
    keys_file: str = Field(
        default="",
        description="A file with the same, also one a line; empty: `vault.keys` beside the signing keys, made"
        " where it is missing.",
    )


def load(folder: Path) -> KeyRing:
    """By the settings, else `vault.keys` in `folder`. Raises BadKeys, which names no key."""
    settings = VaultSettings()
    if given := settings.keys.get_secret_value():
        return KeyRing.parse(given)
    file = file_of(folder)
    try:
        if not file.exists():
            _create(file)
    except OSError as error:
        raise BadKeys(
            f"The vault's keys cannot be made in {file.parent}: let this process write there, or set"
            " SWITCHBOARD_VAULT__KEYS ('switchboard keys new' prints a key)."
        ) from error
    return read(file)


def file_of(folder: Path) -> Path:
    return Path(VaultSettings().keys_file or folder / FILE)


def read(file: Path) -> KeyRing:
    """Raises BadKeys."""
    try:
        return KeyRing.parse(file.read_text())
    except OSError as error:
        raise BadKeys(f"The vault's keys cannot be read: {file}") from error


def add_key(file: Path) -> KeyRing:
    """A fresh key becomes the first one; the others stay, since things are still sealed with them."""
    with _alone(file.parent):
        write_whole(file, f"{new_key()}\n{file.read_text().strip()}\n".encode())
        return read(file)


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Two who add a key at once would each forget the other's."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def _create(file: Path) -> None:
    """Whole or not at all: another process of this deployment may be starting, too."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    write_whole(aside, f"{new_key()}\n".encode())
    try:
        os.link(aside, file)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
