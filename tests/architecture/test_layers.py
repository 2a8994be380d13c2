"""The import contracts hold, and each of them notices a violation planted in a copy of the code."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("access", "bot", "kit", "knowledge", "launch", "platform_api", "ports", "tools")

# contract id → (file that gets the line, the line that must not be there)
PLANTED = {
    "house": ("kit/clock.py", "import access.keys"),
    "bot": ("bot/core/__init__.py", "import access.principal"),
    "sdk": ("platform_api/identity/service.py", "import switchboard_sdk"),
    "platform": ("platform_api/identity/service.py", "import platform_api.library.service"),
    "domain": ("platform_api/sessions/models.py", "import platform_api.sessions.service"),
    "knowledge": ("knowledge/document.py", "import knowledge.search"),
    "servers": ("tools/servers/docs/server.py", "import tools.gateway.app"),
    "acyclic": ("ports/blobs/__init__.py", "import ports.http\n"),
}
# The other half of the cycle.
ALSO = {"acyclic": ("ports/http/__init__.py", "import ports.blobs")}


def contracts() -> dict[str, str]:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {contract["id"]: contract["name"] for contract in config["contracts"]}


def lint(folder: Path) -> tuple[int, str]:
    """(exit status, report): a wrong configuration stops the linter without the word BROKEN."""
    result = subprocess.run(
        [
            sys.executable,
            "-c",
            "from importlinter.cli import lint_imports_command as run; run()",
            "--no-cache",
        ],
        cwd=folder,
        env={"PYTHONPATH": f"{folder}:{folder / 'sdk' / 'python'}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    return result.returncode, re.sub(r"\x1b\[[0-9;]*m", "", result.stdout + result.stderr)


def copy_of_the_code(folder: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "sdk", folder / "sdk", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)


def plant(folder: Path, file: str, line: str) -> None:
    path = folder / file
    path.write_text(f"{path.read_text()}\n{line}\n")


@pytest.mark.proves("HOUSE-001")
def test_the_code_keeps_every_contract() -> None:
    status, report = lint(ROOT)
    assert status == 0, report
    assert f"{len(contracts())} kept, 0 broken" in report


@pytest.mark.proves("HOUSE-001")
def test_a_violation_of_each_contract_is_caught(tmp_path: Path) -> None:
    vendors = {name for name in contracts() if name.startswith("vendor-")}
    assert set(contracts()) - vendors == set(PLANTED)
    copy_of_the_code(tmp_path)
    for file, line in [*PLANTED.values(), *ALSO.values()]:
        plant(tmp_path, file, line)
    for vendor in vendors:
        plant(tmp_path, "kit/clock.py", f"import {vendor.removeprefix('vendor-').replace('-', '_')}")
    status, report = lint(tmp_path)
    assert status == 1, report
    missed = [name for name in contracts().values() if f"{name} BROKEN" not in report]
    assert missed == []
