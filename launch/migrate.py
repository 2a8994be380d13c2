"""`switchboard migrate`: bring the database to this release's tables. Safe to repeat."""

import sys

import typer

from platform_api import migrations
from ports.db import DatabaseSettings
from tools.servers.contact import migrations as contact


def command(app: typer.Typer) -> None:
    @app.command("migrate", help="Bring the database to this release's tables.")
    def migrate() -> None:
        url = DatabaseSettings().url
        if not url:
            print("SWITCHBOARD_DB__URL is not set: the address of Postgres.", file=sys.stderr)
            raise typer.Exit(2)
        upgrade(url)
        print("The database is up to date.")


def upgrade(url: str) -> None:
    """The platform's tables, and those of the tool servers that keep any. Before a loop runs."""
    migrations.upgrade(url)
    contact.upgrade(url)
