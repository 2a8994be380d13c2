"""Commands of stdio servers on this machine: the file beside the all-in-one's data, which its gateway reads.

Whoever may write that file runs this machine anyway; the API cannot, so it can never start a process.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from kit.files import write_whole
from tools.gateway.upstreams.commands import FILE, NAME, Command, CommandsUnreadable, read_commands, written

__all__ = ["CommandRefused", "add", "remove"]


class CommandRefused(Exception):
    """Not written: a sentence, and the next step."""

    def __init__(self, detail: str, hint: str = "") -> None:
        super().__init__(detail)
        self.hint = hint


def add(
    data: Path,
    name: str,
    words: Sequence[str],
    *,
    environment: Sequence[str] = (),
    folder: Path | None = None,
    per_principal: bool = False,
    replace: bool = False,
) -> Path:
    """`environment`: names only; their values are the gateway's own. `folder`: this one where none is given,
    so that a relative path means what it meant to whoever typed it. Raises CommandRefused."""
    if not NAME.match(name):
        raise CommandRefused(f"'{name}' cannot be a name.", "Use small letters, digits, - and _.")
    valued = next((one for one in environment if "=" in one), None)
    if valued is not None:
        told = f"Set it where `switchboard up` is started and say --env {valued.partition('=')[0]}."
        raise CommandRefused("A variable is handed on by its name, never written down with its value.", told)
    command = _command(words, environment, folder or Path.cwd(), per_principal)
    there = _read(data)
    if there.get(name, command) != command and not replace:
        raise CommandRefused(f"There is another command called '{name}'.", "Say --replace to change it.")
    return _write(data, {**there, name: command})


def remove(data: Path, name: str) -> bool:
    """Whether there was one. Raises CommandRefused."""
    there = _read(data)
    if name not in there:
        return False
    _write(data, {known: command for known, command in there.items() if known != name})
    return True


def _command(words: Sequence[str], environment: Sequence[str], folder: Path, per_principal: bool) -> Command:
    program = shutil.which(words[0], path=os.environ.get("PATH")) if words else None
    if program is None:
        shown = words[0] if words else ""
        raise CommandRefused(f"There is no program '{shown}' here.", "Give its path, or install it first.")
    if not folder.is_dir():
        raise CommandRefused(f"There is no folder {folder}.")
    try:
        return Command(
            # as found now: the gateway may have another PATH
            command=(str(Path(program).absolute()), *words[1:]),
            environment=tuple(environment),
            folder=str(folder.absolute()),
            per_principal=per_principal,
        )
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        raise CommandRefused(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}.") from error


def _read(data: Path) -> dict[str, Command]:
    if not data.is_dir():
        raise CommandRefused(
            f"There is no data folder {data}.",
            "Start `switchboard up` first, or name its folder: --data.",
        )
    try:
        return read_commands(data / FILE)
    except CommandsUnreadable as error:
        raise CommandRefused(str(error)) from error


def _write(data: Path, commands: dict[str, Command]) -> Path:
    try:
        write_whole(data / FILE, written(commands))
    except OSError as error:
        raise CommandRefused(f"{data / FILE} cannot be written: {error.strerror}.") from error
    return data / FILE
