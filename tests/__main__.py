"""`make test` and `make test-full`: one pytest run, then how many ran and what was skipped and why.

No test may end without a verdict: where the runner itself broke (it once lost a worker that had nothing
more to do), the tests that have none are run again in a process without workers, and count.
"""

import os
import sys
from typing import Any

import pytest

_QUIET = ["-q", "-p", "no:cacheprovider"]
_TWO_AT_ONCE = ["-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
"""What a file's tests share is made once; in the order of the tree, whose last files are small."""


class Verdicts:
    """Which tests were collected, which have a verdict, and what broke the runner."""

    def __init__(self) -> None:
        self.collected: list[str] = []
        self.judged: set[str] = set()
        self.failures = 0
        self.breakdowns: list[str] = []

    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        self.collected = ids

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.failures += report.failed
        if report.failed:
            # At once: a run that is stopped for its time never comes to its list of failures.
            print(f"\n{report.nodeid} ({report.when})\n{report.longreprtext}\n", flush=True)
        if report.when == "teardown":
            self.judged.add(report.nodeid)

    def pytest_internalerror(self, excrepr: Any) -> None:
        self.breakdowns.append(str(excrepr))

    @property
    def missing(self) -> list[str]:
        return [one for one in self.collected if one not in self.judged]


def main() -> int:
    full = "--full" in sys.argv
    rest = [argument for argument in sys.argv[1:] if argument != "--full"]
    os.environ.setdefault("SWITCHBOARD_TEST_WORLDS", "500" if full else "15")
    if full:
        os.environ.setdefault("SWITCHBOARD_TEST_FULL", "1")
    chosen = [] if full else ["-m", "not full"]
    verdicts = Verdicts()
    code = pytest.main([*chosen, *_QUIET, *_TWO_AT_ONCE, *rest], plugins=[verdicts])
    if code == pytest.ExitCode.INTERNAL_ERROR and verdicts.collected:
        return _second_run(verdicts)
    return code


def _second_run(verdicts: Verdicts) -> int:
    print("\nThe test runner broke:", *verdicts.breakdowns, sep="\n")
    missing = verdicts.missing
    print(f"{len(verdicts.judged)} tests have a verdict, {len(missing)} have none and run now.", flush=True)
    code = pytest.main([*_QUIET, *missing]) if missing else pytest.ExitCode.OK
    return code if code else int(verdicts.failures > 0)


if __name__ == "__main__":
    sys.exit(main())
