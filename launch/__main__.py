"""The `switchboard` command: one line per verb and process. Only the module of the verb that was asked
for is imported, so that `ask` does not pay for what `up` needs."""

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

import typer


class CommandModule(Protocol):
    def command(self, app: typer.Typer) -> None:
        """Adds the verb to the app."""
        ...


@dataclass(frozen=True, slots=True)
class Verb:
    module: str
    help: str


VERBS: dict[str, Verb] = {
    "up": Verb("launch.up", "Start everything here: one port, one folder, no account."),
    "ask": Verb("launch.cli.ask", "Ask one question and show the cited answer."),
    "answer": Verb("launch.cli.answer", "Answer what a tool asked."),
    "chat": Verb("launch.cli.chat", "Talk in the terminal."),
    "book": Verb("launch.cli.book", "Book a meeting."),
    "meetings": Verb("launch.cli.meetings", "Your meetings: list, cancel, move."),
    "docs": Verb("launch.cli.docs", "Add, list and remove documents."),
    "mcp": Verb("launch.cli.mcp", "Tools and tool servers, through the gateway."),
    "demo": Verb("launch.cli.demo", "Read a folder, ask it questions, show the cited answers."),
    "api": Verb("launch.api", "Serve the REST API (apart from the others)."),
    "worker": Verb("launch.worker", "Work on the queue (apart from the others)."),
    "gateway": Verb("launch.gateway", "Serve the MCP gateway (apart from the others)."),
    "tool": Verb("launch.tool", "Serve one tool server: docs, contact."),
    "bot": Verb("launch.bot", "Run one channel: console, slack, teams."),
    "index": Verb("launch.index", "Own the embedded index for several processes here."),
    "leads": Verb("launch.cli.leads", "For admins: leads to enter in the CRM by hand."),
    "contact": Verb("launch.cli.contact", "For operators: letters that may not have been sent."),
    "link": Verb("launch.cli.links", "Link your account in Slack or Teams."),
    "keys": Verb("launch.cli.keys", "The keys of the vault: a new one, rotation."),
    "migrate": Verb("launch.migrate", "Bring the database to this release's tables."),
}


def main() -> None:
    build(_asked_for(sys.argv[1:]))()


def build(verb: str | None) -> typer.Typer:
    """The command line with one verb loaded and the others only named."""
    app = typer.Typer(
        name="switchboard",
        help="Ask a company's own documents, and get cited, checked answers.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for name, entry in VERBS.items():
        if name == verb:
            cast(CommandModule, import_module(entry.module)).command(app)
        else:
            app.command(name, help=entry.help)(_named_only)
    return app


def _named_only() -> None:
    """Stands in the list of verbs for one that was not asked for."""


def _asked_for(arguments: list[str]) -> str | None:
    return next((word for word in arguments if not word.startswith("-")), None)


if __name__ == "__main__":
    main()
