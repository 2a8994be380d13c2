"""As whom an engine runs. Postgres refuses to run as root, so root gives way to `nobody`.

Three cases: we are a normal user (nothing to do); we are root and `nobody` can reach program and
data (change the user); we are root and it cannot, say below a 0700 home (a user namespace of Linux,
in which root's own files belong to `nobody`).
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
    """How to start an engine's programs: `prefix` before the command, or another user."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()

    @property
    def owner(self) -> tuple[int, int]:
        """(uid, gid) that the engine's files belong to, seen from outside."""
        return (
            os.geteuid() if self.uid is None else self.uid,
            os.getegid() if self.gid is None else self.gid,
        )


def choose(program: Path, data: Path) -> RunAs:
    """How to run `program` with files below `data`. Raises EngineError where no way works."""
    if os.geteuid() != 0:
        return RunAs()
    account = pwd.getpwnam(_ACCOUNT)
    if _anyone_may_reach(program) and _anyone_may_reach(data):
        return RunAs(uid=account.pw_uid, gid=account.pw_gid)
    namespace = _namespace(account.pw_uid, account.pw_gid)
    if namespace:
        return RunAs(prefix=namespace)
    raise EngineError(
        f"We run as root, and the account '{_ACCOUNT}' cannot reach {program} and {data}.",
        "Move the checkout out of root's home (to /opt, for example), or run as a normal user.",
    )


def _anyone_may_reach(path: Path) -> bool:
    resolved = path.resolve()
    return all(_traversable(folder) for folder in (resolved, *resolved.parents))


def _traversable(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXOTH)


@cache
def _namespace(uid: int, gid: int) -> tuple[str, ...]:
    """The command that maps us to `uid` in a user namespace; () where that is not allowed."""
    unshare = shutil.which("unshare")
    if sys.platform != "linux" or unshare is None:
        return ()
    command = (unshare, "--user", f"--map-user={uid}", f"--map-group={gid}")
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ()
    return command if tried.returncode == 0 else ()
