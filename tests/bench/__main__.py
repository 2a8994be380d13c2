"""make bench: every benchmark in its own process, one after the other, so that none warms another up."""

import subprocess
import sys
from pathlib import Path


def main() -> int:
    found = sorted(Path(__file__).parent.glob("*_bench.py"))
    codes = [_run(path.stem) for path in found]
    return max(codes, default=0)


def _run(name: str) -> int:
    print(f"\n== {name} ==", flush=True)
    return subprocess.run([sys.executable, "-m", f"tests.bench.{name}"], check=False, timeout=1800).returncode


if __name__ == "__main__":
    sys.exit(main())
