"""The verbs about leads for manual entry, as an admin types them."""

from typing import Any

import pytest

from tests.launch.cli.test_verbs import platform, switchboard
from tests.scripted_platform import NOW, TURN, Answer, ScriptedPlatform

__all__ = ["platform"]
_LEADS = "/api/v1/admin/leads"
_LEAD: dict[str, Any] = {
    "id": str(TURN),
    "state": "open",
    "key": "b1:lead",
    "why": "The CRM does not answer.",
    "reported_at": NOW,
    "lead": {
        "first_name": "Gary",
        "last_name": "Guest",
        "email": "gary@example.org",
        "message": "one\x1b[31m\nID  open",
        "consent": {"privacy": True, "contact": False},
    },
}


@pytest.mark.proves("LEAD-101")
async def test_an_admin_reads_what_to_enter_in_one_line_for_each_field(platform: ScriptedPlatform) -> None:
    platform.on("GET", _LEADS, Answer({"items": [_LEAD], "next_cursor": None}))
    said = await switchboard("leads", "list", url=platform.url)
    assert said.code == 0
    assert f"{TURN}  open" in said.out
    assert "    name: Gary Guest\n" in said.out
    assert "    may be contacted later: no\n" in said.out
    assert "\x1b" not in said.out
    assert "\nID" not in said.out, "what somebody typed begins no line of ours"


@pytest.mark.proves("LEAD-101")
async def test_an_admin_says_that_a_lead_was_entered_and_takes_it_back(platform: ScriptedPlatform) -> None:
    handled = {"id": str(TURN), "state": "done", "crm_id": "501", "done_at": NOW}
    platform.on("POST", f"{_LEADS}/{TURN}/done", Answer(handled))
    platform.on("POST", f"{_LEADS}/{TURN}/reopen", Answer({"id": str(TURN), "state": "open"}))
    done = await switchboard("leads", "done", str(TURN), "--crm-id", "501", url=platform.url)
    reopened = await switchboard("leads", "reopen", str(TURN), url=platform.url)
    assert (done.code, reopened.code) == (0, 0)
    assert (done.out.strip(), reopened.out.strip()) == ("done", "open")


async def test_an_empty_list_says_so(platform: ScriptedPlatform) -> None:
    platform.on("GET", _LEADS, Answer({"items": [], "next_cursor": None}))
    assert (await switchboard("leads", "list", url=platform.url)).out.strip() == "There is none."
