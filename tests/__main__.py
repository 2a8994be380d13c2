"""`make test` and `make test-full`: one pytest run, then how many ran and what was skipped and why."""

import os
import sys

import pytest


def main() -> int:
    full = "--full" in sys.argv
    rest = [argument for argument in sys.argv[1:] if argument != "--full"]
    os.environ.setdefault("SWITCHBOARD_TEST_WORLDS", "500" if full else "40")
    if full:
        os.environ.setdefault("SWITCHBOARD_TEST_FULL", "1")
    chosen = [] if full else ["-m", "not full"]
    return pytest.main([*chosen, "-q", "-p", "no:cacheprovider", "-n", "2", "--dist", "loadgroup", *rest])


if __name__ == "__main__":
    sys.exit(main())
