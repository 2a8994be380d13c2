"""`switchboard keys`: the keys of the vault, replaced every 90 days."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from kit.sealing import BadKeys, KeyRing, new_key
from launch import vault
from launch.shape import DEFAULT_DATA
from platform_api.migrations.resealing import Resealed, reseal
from ports.db import Database, DatabaseSettings

keys = typer.Typer(help="The keys of the vault.", no_args_is_help=True)


def command(app: typer.Typer) -> None:
    app.add_typer(keys, name="keys")


@keys.command("new", help="Print a fresh key for SWITCHBOARD_VAULT__KEYS.")
def new() -> None:
    print(new_key())


@keys.command("rotate", help="Seal everything with a new key. Run it again where it was stopped.")
def rotate(
    folder: Annotated[Path, typer.Option(help="The folder of the keys.")] = DEFAULT_DATA / "keys",
    add: Annotated[bool, typer.Option(help="Add a key first; --no-add goes on with the newest.")] = True,
) -> None:
    """Keys that stand in SWITCHBOARD_VAULT__KEYS are added by hand: see docs/how-to/rotate-keys.md."""
    given = bool(vault.VaultSettings().keys.get_secret_value())
    url = DatabaseSettings().url
    if not url:
        print("SWITCHBOARD_DB__URL is not set: give the address of the platform's Postgres.")
        raise typer.Exit(2)
    try:
        ring = vault.load(folder)
        if add and not given:
            ring = vault.add_key(vault.file_of(folder))
            print(
                f"Key {ring.current} is new. Restart the platform's processes, so that all of them know it,"
            )
            print("then run: switchboard keys rotate --no-add")
            return
        done = asyncio.run(_reseal(url, ring))
    except BadKeys as error:
        print(error)
        raise typer.Exit(2) from None
    for line in _shown(done, ring):
        print(line)
    if done.unreadable:
        raise typer.Exit(1)


def _shown(done: Resealed, ring: KeyRing) -> Iterator[str]:
    sealed, total = done.by_key[ring.current], done.by_key.total()
    yield f"{done.resealed} sealed again; {sealed} of {total} are sealed with {ring.current} now."
    for kid in done.unused(ring):
        yield f"Nothing is sealed with {kid} any more: its key may be removed now."
    for kid in set(ring.key_ids) - {ring.current} - set(done.unused(ring)):
        yield f"{done.by_key[kid]} are still sealed with {kid}: keep its key."
    if done.unreadable:
        yield f"{done.unreadable} open with no key of the ring: bring its key back, or have them set again."


async def _reseal(url: str, ring: KeyRing) -> Resealed:
    database = Database(url, pool_size=2)
    try:
        return await reseal(database, ring)
    finally:
        await database.close()
