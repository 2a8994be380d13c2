"""Never silent: whatever goes wrong, a question ends in exactly one visible message (SPEC 1 J1, issue 8).
Some of these faults are tried in the quick suite, too (test_day)."""

import os
from pathlib import Path

import pytest

from tests.slack.matrix import FAULTS, PLACES, met
from tests.slack.office import Office

pytestmark = [pytest.mark.timeout(1800), pytest.mark.full]
REPORT = Path("test-output") / "slack_faults.md"
COUNT = {1: "one", 2: "one each: two", 5: "one each: five"}


@pytest.mark.proves("SLACK-303")
async def test_every_fault_ends_in_one_message_everywhere(here: Office) -> None:
    """The matrix; its table is printed and kept in test-output/. SLACK_FAULTS names some of them (a|b)."""
    only = os.environ.get("SLACK_FAULTS", "").split("|")
    rows = ["| Fault | " + " | ".join(PLACES) + " |", "|---" * (len(PLACES) + 1) + "|"]
    failures: list[str] = []
    for fault in (one for one in FAULTS if any(part in one.name for part in only)):
        cells: list[str] = []
        for place in PLACES:
            if place not in fault.places:
                cells.append("–")
                continue
            wrong, took_s = await met(here, fault, place)
            failures += [f"{fault.name} in {place}: {wrong}"] if wrong else []
            cells.append(
                f"{'**wrong**' if wrong else f'{COUNT[fault.questions]} {fault.ending}'} ({took_s:.1f} s)"
            )
        rows.append(f"| {fault.name} | " + " | ".join(cells) + " |")
        print(rows[-1], flush=True)
    if only == [""]:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text("\n".join(rows) + "\n")
    assert not failures, "\n".join(failures)
