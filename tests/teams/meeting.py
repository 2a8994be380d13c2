"""A fault is met, and its end looked at."""

import time

from bot.teams.answering import REFUSED, REFUSED_BOT
from tests.teams.matrix import ANSWERED, Fault, Place
from tests.teams.office import Office

ANSWERS = (ANSWERED, "long answer", "Part 0", "10 days")
PATIENCE_S = 90.0
UNSAID = ("Looking into it", "Searching the documents", "still working")


async def met(here: Office, fault: Fault, place: Place) -> tuple[str, float]:
    """What is wrong with the end ("" for nothing), and how many seconds it took."""
    here.teams.clear()
    here.wire.clear()
    began = time.monotonic()
    try:
        said = await fault.meet(here, place)
        await here.teams.until(lambda: len(here.finals(said)) >= fault.questions, within_s=PATIENCE_S)
        await here.bot.idle()
    except (AssertionError, TimeoutError) as error:
        return f"{type(error).__name__}: {str(error)[:300]}", time.monotonic() - began
    finals, wrong = here.teams.answers(said), ""
    first = finals[0].words if finals else ""
    refused = (REFUSED[:40], REFUSED_BOT[:40])
    if fault.parts:
        total = len(finals)
        numbered = all(f"({n} of {total})" in one.text for n, one in enumerate(finals, 1))
        wrong = "" if numbered else f"{total} parts"
    elif len(finals) != fault.questions and place not in fault.undecidable:
        wrong = f"{len(finals)} messages: {[one.words[:60] for one in finals]}"
    if any(one.streaming for one in finals):
        wrong = "still streaming"
    elif not all(one.words.strip() for one in finals):
        wrong = "an empty message"
    elif any(word in one.text for one in finals for word in UNSAID):
        wrong = f"an orphan status: {[one.text[:80] for one in finals]}"
    elif fault.ending == "answer" and not any(word in first for word in ANSWERS):
        wrong = f"no answer: {first[:200]}"
    elif fault.ending == "refusal" and not any(word in first for word in refused):
        wrong = f"no refusal: {first[:200]}"
    elif fault.ending == "trouble" and ANSWERED in first and "deleted" not in first:
        wrong = f"no trouble: {first[:200]}"
    return wrong, time.monotonic() - began
