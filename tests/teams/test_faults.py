"""Never silent: whatever goes wrong, a question ends in exactly one visible message (SPEC 1 J1, issue 9).

The quick ones of them stand in test_conversation, beside what shares their platform.
"""

import os
from pathlib import Path

import pytest

from tests.teams.matrix import FAULTS, PLACES, Fault, two_minutes_pass_unseen
from tests.teams.meeting import met
from tests.teams.office import Office

pytestmark = [pytest.mark.timeout(240)]
COUNT = {1: "one", 2: "one each: two", 5: "one each: five"}
REPORT = Path("test-output") / "teams_faults.md"


@pytest.mark.full
async def test_a_stream_that_ran_out_unseen_is_replaced_by_the_answer(here: Office) -> None:
    """The process stood still for two minutes: the one thing that the simulator is told to forgive."""
    wrong, _ = await met(here, Fault("", two_minutes_pass_unseen), "1:1")
    assert not wrong
    here.teams.violations = [one for one in here.teams.violations if "two minutes" not in one]


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.proves("TEAMS-102")
async def test_every_fault_ends_in_one_message_everywhere(here: Office) -> None:
    """The matrix; its table is printed and kept in test-output/. TEAMS_FAULTS names some of them (a|b)."""
    only = os.environ.get("TEAMS_FAULTS", "").split("|")
    rows = ["| Fault | " + " | ".join(PLACES) + " |", "|---" * (len(PLACES) + 1) + "|"]
    failures: list[str] = []
    for fault in (one for one in FAULTS if any(part in one.name for part in only)):
        cells: list[str] = []
        for place in PLACES:
            wrong, took_s = await met(here, fault, place)
            failures += [f"{fault.name} in {place}: {wrong}"] if wrong else []
            told = f"{COUNT[fault.questions]} {fault.ending}"
            if place in fault.undecidable:
                told = f"{fault.ending}, perhaps twice"
            cells.append(f"{'**wrong**' if wrong else told} ({took_s:.1f} s)")
        rows.append(f"| {fault.name} | " + " | ".join(cells) + " |")
        print(rows[-1], flush=True)
    if only == [""]:
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text("\n".join(rows) + "\n")
    assert not failures, "\n".join(failures)
