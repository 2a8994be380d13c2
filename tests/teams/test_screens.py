"""Every kind of card, drawn by Microsoft's own renderer: light and dark, wide and on a phone."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.bot.teams.cards.samples import every_card
from tests.teams.tools import chromium, node, pictures, teams_tools


@pytest.mark.full
@pytest.mark.timeout(600)
@pytest.mark.proves("TEAMS-214")
def test_every_card_can_be_read_in_light_and_dark_and_on_a_phone(tmp_path: Path) -> None:
    """Nothing is wider than its place, nothing to press is nameless, and the renderer has no complaint. The
    pictures are for eyes."""
    given, out = tmp_path / "cards.json", pictures("cards")
    given.write_text(json.dumps(every_card()))
    for old in out.glob("*.png"):
        old.unlink()
    done = subprocess.run(
        [node(), "tests/teams/screens.mjs", str(teams_tools()), chromium(), str(given), str(out)],
        capture_output=True,
        text=True,
        timeout=580,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    assert json.loads(done.stdout.splitlines()[-1]) == []
    assert len(list(out.glob("*.png"))) == 4 * len(every_card())
