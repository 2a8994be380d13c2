# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# (JSON as Slack has it, and an SDK without types)
"""Never silent: whatever goes wrong, a question ends in exactly one visible message (SPEC 1 J1, issue 8)."""

import os
import time
from pathlib import Path

import pytest

from tests.slack.matrix import ANSWERED, FAULTS, PLACES, Fault, Place
from tests.slack.office import Office

pytestmark = [pytest.mark.timeout(240)]
QUICK = [(fault, "dm") for fault in FAULTS if fault.quick] + [
    (fault, "channel") for fault in FAULTS if fault.name == "stream expires"
]
ANSWERS = (ANSWERED, "long answer", "Part 0", "10 days")
PATIENCE_S = 90.0
COUNT = {1: "one", 2: "one each: two", 5: "one each: five"}
REPORT = Path("test-output") / "slack_faults.md"


async def met(here: Office, fault: Fault, place: Place) -> tuple[str, float]:
    """What is wrong with the end ("" for nothing), and how many seconds it took."""
    here.slack.faults.clear()
    here.wire.clear()
    began = time.monotonic()
    try:
        asked = await fault.meet(here, place)
        thread = asked.thread or asked.ts
        await here.slack.until(
            lambda: [m for m in here.answers(asked) if not m.streaming], within_s=PATIENCE_S
        )
        await here.settled()
    except (AssertionError, TimeoutError) as error:
        return f"{type(error).__name__}: {str(error)[:300]}", time.monotonic() - began
    finals, wrong = here.answers(asked), ""
    if len(finals) != fault.questions:
        wrong = f"{len(finals)} messages: {[one.shown[:60] for one in finals]}"
    elif any(one.streaming for one in finals):
        wrong = "still streaming"
    elif status := here.slack.status(asked.channel, thread):
        wrong = f"an orphan status: {status}"
    elif not all(one.shown.strip() for one in finals):
        wrong = "an empty message"
    elif fault.ending == "answer" and not any(word in finals[0].shown for word in ANSWERS):
        wrong = f"no answer: {finals[0].shown[:100]}"
    return wrong, time.monotonic() - began


@pytest.mark.proves("SLACK-303")
@pytest.mark.parametrize(("fault", "place"), QUICK, ids=lambda part: getattr(part, "name", part))
async def test_a_fault_ends_in_one_message(here: Office, fault: Fault, place: Place) -> None:
    wrong, _ = await met(here, fault, place)
    assert not wrong


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.proves("SLACK-303")
async def test_every_fault_ends_in_one_message_everywhere(here: Office) -> None:
    """The matrix; its table is printed and kept in test-output/. SLACK_FAULTS names some of them (a|b)."""
    only = os.environ.get("SLACK_FAULTS", "").split("|")
    rows, failures = ["| Fault | " + " | ".join(PLACES) + " |", "|---" * (len(PLACES) + 1) + "|"], []
    for fault in (one for one in FAULTS if any(part in one.name for part in only)):
        cells: list[str] = []
        for place in PLACES:
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
