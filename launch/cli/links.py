"""switchboard link CODE: a bot showed a code, and from then on its messages of that account are mine."""

import sys
from typing import Annotated

import typer

from bot.console.plain import one_line
from launch.cli.connect import FAILED, Access, Work, asks, connected

Code = Annotated[str, typer.Argument(help="As the bot showed it to you, and to nobody else.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask whether the account is mine.")]


def command(app: typer.Typer) -> None:
    @app.command("link", help="Link your account in Slack or Teams, with the code that the bot showed you.")
    @asks("maya")
    def link(access: Access, code: Code, *, yes: Yes = False) -> Work:
        return _link(code.strip(), yes, access)


async def _link(code: str, yes: bool, access: Access) -> int:
    """Whose account it is stands first: somebody else's code would let them ask as the caller."""
    async with connected(access) as switchboard:
        offer = await switchboard.links.offer(code)
        name = one_line(offer.name) or "without a name"
        print(f"{offer.channel}: {name} ({one_line(offer.identity)})")
        if not yes and not typer.confirm("Is this your own account?", err=True):
            print("Nothing was linked.", file=sys.stderr)
            return FAILED
        await switchboard.links.confirm(code, offer.identity)
        print("Linked. What you write there is answered as for you.")
        return 0
