"""Which processes this gateway may start as tool servers: the word of whoever runs this machine.

They stand in the settings, or in a file beside them that is read anew when it changes; never in the
registry, so that nothing that can be said over a network starts a process.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

FILE = "commands.json"
"""Its name in the data folder of the all-in-one."""
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
_LARGEST = 1_000_000
_Word = Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[^\x00]*$")]
_Variable = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}$")]
_log = structlog.get_logger()


class Command(BaseModel):
    """`environment`: names of variables to hand on, beside PATH and the locale; never their values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: Annotated[tuple[_Word, ...], Field(min_length=1, max_length=200)]
    environment: Annotated[tuple[_Variable, ...], Field(max_length=100)] = ()
    folder: str | None = None
    per_principal: bool = False


_all = TypeAdapter(dict[str, Command])


class CommandsUnreadable(Exception):
    """Says what is wrong with the file."""


class Commands:
    """Those of the settings, then those of the file."""

    def __init__(self, fixed: Mapping[str, Command], file: Path | None = None) -> None:
        self._fixed = fixed
        self._file = file
        self._seen: tuple[int, int, int] | None = None
        self._read: dict[str, Command] = {}

    def find(self, name: str) -> Command | None:
        """Looks whether the file has changed; one that cannot be read leaves what was read before."""
        return self._fixed.get(name) or self._current().get(name)

    def _current(self) -> Mapping[str, Command]:
        if self._file is None:
            return {}
        try:
            about = self._file.stat()
        except OSError:
            self._seen, self._read = None, {}
            return self._read
        seen = (about.st_mtime_ns, about.st_size, about.st_ino)
        if seen != self._seen:
            self._seen = seen
            try:
                self._read = read_commands(self._file)
                _log.info("gateway.commands_read", commands=sorted(self._read))
            except CommandsUnreadable as error:
                _log.error("gateway.commands_unreadable", why=str(error))
        return self._read


def read_commands(file: Path) -> dict[str, Command]:
    """Empty where there is no file. Raises CommandsUnreadable, also where others may write to it."""
    try:
        with file.open("rb") as opened:
            about = os.fstat(opened.fileno())
            if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH) or about.st_uid not in (os.geteuid(), 0):
                raise CommandsUnreadable(f"Others may write to {file}: say `chmod 600 {file}`.")
            content = opened.read(_LARGEST + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise CommandsUnreadable(f"{file} cannot be read.") from error
    if len(content) > _LARGEST:
        raise CommandsUnreadable(f"{file} is too large.")
    try:
        return _all.validate_json(content)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, fault["loc"])) or "it"
        raise CommandsUnreadable(f"{file}: {place}: {fault['msg']}.") from error


def written(commands: Mapping[str, Command]) -> bytes:
    """The content of such a file."""
    return _all.dump_json(dict(commands), indent=2, exclude_defaults=True) + b"\n"
