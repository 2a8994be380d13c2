"""What a person who has just started the all-in-one needs: sample documents, keys, and what to try."""

import json
import os
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from switchboard_sdk import ApiError, Switchboard

from launch.cli.connect import DEFAULT_URL
from launch.cli.docs import add_path, find_base

_EXAMPLES = Path(__file__).parents[1] / "examples"
HANDBOOK = _EXAMPLES / "handbook"
HOSTS = _EXAMPLES / "hosts.yaml"
PEOPLE = {
    "maya": "staff, department operations",
    "tom": "staff, department finance",
    "ada": "admin, department people",
}
BOOKING = "30 min with Dana next Tuesday afternoon about ACE training"
"""Dana takes appointments in HOSTS."""
QUESTION = "How many days of annual leave do full-time staff earn?"
_KEY_NAME = "this laptop"


async def welcome(url: str, data: Path, *, sample: bool, sample_hosts: bool) -> None:
    """Load the sample handbook where asked, then print what to try next. Raises ApiError.

    sample_hosts: whether those of HOSTS take bookings.
    """
    console = Console()
    async with Switchboard(url) as ada:
        await ada.sign_in_dev("ada")
        if sample:
            await _load(ada, console)
    keys = await _keys(url, data / "people.json")
    _print(console, url, keys, [f'ask "{BOOKING}"', "meetings list"] if sample_hosts else ["book"])


async def _load(ada: Switchboard, console: Console) -> None:
    base = await find_base(ada, "org")
    console.print("Sample handbook:", highlight=False)
    await add_path(ada, base.id, HANDBOOK, console)


async def _keys(url: str, file: Path) -> dict[str, str]:
    """One API key for each dev person, made once and kept 0600 in the data folder."""
    known: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    for person in PEOPLE:
        if person not in known or not await _works(url, known[person]):
            known[person] = await _new_key(url, person)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(known, out)
    return known


async def _works(url: str, key: str) -> bool:
    try:
        async with Switchboard(url, key) as switchboard:
            await switchboard.me()
    except ApiError as error:
        if error.problem.status != 401:
            raise
        return False
    return True


async def _new_key(url: str, person: str) -> str:
    async with Switchboard(url) as switchboard:
        await switchboard.sign_in_dev(person)
        return (await switchboard.api_keys.create(_KEY_NAME, expires_in_days=365)).key


def _print(console: Console, url: str, keys: dict[str, str], booking: list[str]) -> None:
    console.print(f"\n[bold]Switchboard is ready on {url}[/bold]  (stop it with Ctrl-C)\n")
    for person, role in PEOPLE.items():
        console.print(f"  {person:<5} {escape(role):<31} {keys[person]}", highlight=False, soft_wrap=True)
    body = json.dumps({"message": QUESTION})
    console.print("\nAsk over HTTP, streamed:\n", highlight=False)
    print(
        f"  curl -sN {url}/api/v1/chat/stream -H 'Authorization: Bearer {keys['maya']}' "
        f"-H 'Content-Type: application/json' -d '{body}'\n"
    )
    console.print("Or in another terminal:\n", highlight=False)
    where = "" if url == DEFAULT_URL else f" --url {url}"
    for verb in ("chat", f'ask "{QUESTION}" --as tom', *booking, "docs add FOLDER"):
        print(f"  .venv/bin/switchboard {verb}{where}")
    console.print(f"\nAPI reference: {url}/docs   MCP clients: {url}/mcp\n", highlight=False, soft_wrap=True)
