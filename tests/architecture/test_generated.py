"""What is generated is what the code says now."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(180)
@pytest.mark.proves("REFERENCE-001")
def test_the_reference_has_not_drifted_from_the_code() -> None:
    checked = subprocess.run(
        [sys.executable, "scripts/generate_reference.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
