"""As whom an engine runs. Postgres refuses to run as root, so root gives way to `nobody`.

We are a normal user: nothing to do. We are root and `nobody` can reach program and data: change the
user. It cannot, say below a 0700 home: on Linux a user namespace in which root's own files belong to
`nobody`, or, where containers forbid namespaces, `nobody` with the right to pass closed folders.
"""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from launch.engines.errors import EngineError

_ACCOUNT = "nobody"
# initdb looks its user up, so the account must exist; every Debian and macOS has this one.


@dataclass(frozen=True, slots=True)
class RunAs:
    """How to start an engine's programs, and to whom its files belong, seen from outside."""

    owner: tuple[int, int]
    """(uid, gid)"""
    changes_user: bool = False
    """Start the programs as `owner`; we are root."""
    prefix: tuple[str, ...] = ()
    """To stand before each command."""

    @property
    def uid(self) -> int | None:
        return self.owner[0] if self.changes_user else None

    @property
    def gid(self) -> int | None:
        return self.owner[1] if self.changes_user else None


def choose(program: Path, data: Path) -> RunAs:
    """How to run `program` with files below `data`. Raises EngineError where no way works."""
    ours = (os.geteuid(), os.getegid())
    if ours[0] != 0:
        return RunAs(ours)
    account = pwd.getpwnam(_ACCOUNT)
    theirs = (account.pw_uid, account.pw_gid)
    if _anyone_may_reach(program) and _anyone_may_reach(data):
        return RunAs(theirs, changes_user=True)
    if _works(_namespace(*theirs)):
        return RunAs(ours, prefix=_namespace(*theirs))
    if _works(_with_passage(*theirs)):
        return RunAs(theirs, prefix=_with_passage(*theirs))
    raise EngineError(
        f"We run as root, and the account '{_ACCOUNT}' cannot reach {program} and {data}.",
        "Move the checkout out of root's home (to /opt, for example), or run as a normal user.",
    )


def _anyone_may_reach(path: Path) -> bool:
    resolved = path.resolve()
    return all(_traversable(folder) for folder in (resolved, *resolved.parents))


def _traversable(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXOTH)


def _namespace(uid: int, gid: int) -> tuple[str, ...]:
    return ("unshare", "--user", f"--map-user={uid}", f"--map-group={gid}")


def _with_passage(uid: int, gid: int) -> tuple[str, ...]:
    right = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    # Changing the user forgets the signal that the supervisor had asked for.
    last_word = ("--pdeathsig", "INT")
    return ("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups", *right, *last_word, "--")


@cache
def _works(prefix: tuple[str, ...]) -> bool:
    """Whether commands run behind `prefix` here: containers forbid some."""
    program = shutil.which(prefix[0])
    if sys.platform != "linux" or program is None:
        return False
    try:
        tried = subprocess.run(
            [*prefix, sys.executable, "-c", ""], capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0
