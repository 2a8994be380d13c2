"""`switchboard keys`: the vault's keys are made once, kept to ourselves, and replaced."""

import asyncio
import multiprocessing
import stat
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from kit.sealing import BadKeys, KeyRing, new_key, sealed_by
from launch import vault
from launch.cli.keys import keys
from platform_api.channels.models import ChannelStateRow, state_about
from platform_api.identity.dev_people import ORGANISATION_ID, ensure_dev_people
from ports.db import Database

RUN = CliRunner()


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAULT__KEYS", "VAULT__KEYS_FILE", "DB__URL"):
        monkeypatch.delenv(f"SWITCHBOARD_{name}", raising=False)


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def loaded(folder: Path) -> str:
    return vault.load(folder).current


def added(folder: Path) -> str:
    return vault.add_key(folder / vault.FILE).current


@pytest.mark.proves("GOV-607")
def test_processes_that_start_at_once_share_one_key_that_nobody_else_reads(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    forking = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(4, mp_context=forking) as processes:
        first = set(processes.map(loaded, [folder] * 8))
        assert len(first) == 1
        fresh = list(processes.map(added, [folder] * 4))
    assert mode_of(folder) == 0o700
    assert [file.name for file in folder.iterdir()] == [vault.FILE]
    assert mode_of(folder / vault.FILE) == 0o600
    ring = vault.load(folder)
    assert len(set(fresh)) == 4, "two that add a key at once forget neither"
    assert set(ring.key_ids) == {*first, *fresh}


@pytest.mark.proves("GOV-607")
def test_keys_in_the_settings_come_before_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = new_key()
    monkeypatch.setenv("SWITCHBOARD_VAULT__KEYS", given)
    assert vault.load(tmp_path).current == given.split(":")[0]
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setenv("SWITCHBOARD_VAULT__KEYS", f"one:{given}")
    with pytest.raises(BadKeys) as told:
        vault.load(tmp_path)
    assert given.split(":")[1] not in str(told.value)
    monkeypatch.delenv("SWITCHBOARD_VAULT__KEYS")
    (tmp_path / "file").touch()
    with pytest.raises(BadKeys, match="SWITCHBOARD_VAULT__KEYS"):
        vault.load(tmp_path / "file")


@pytest.mark.proves("GOV-607")
def test_a_new_key_is_printed_and_fits() -> None:
    printed = [RUN.invoke(keys, ["new"]).output.strip() for _ in range(2)]
    assert len({KeyRing.parse(one).current for one in printed}) == 2


@pytest.mark.proves("GOV-607")
def test_rotating_step_by_step(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = RUN.invoke(keys, ["rotate", "--folder", str(tmp_path)])
    assert missing.exit_code == 2
    assert "SWITCHBOARD_DB__URL" in missing.output
    monkeypatch.setenv("SWITCHBOARD_DB__URL", database_url)
    old = vault.load(tmp_path)
    asyncio.run(something_sealed(database_url, old))

    first = RUN.invoke(keys, ["rotate", "--folder", str(tmp_path)])
    assert first.exit_code == 0
    assert "Restart" in first.output
    ring = vault.load(tmp_path)
    assert ring.key_ids == [ring.current, old.current]
    assert asyncio.run(sealed_with(database_url)) == old.current, "nothing yet: not every process knows it"

    then = RUN.invoke(keys, ["rotate", "--no-add", "--folder", str(tmp_path)])
    assert then.exit_code == 0, then.output
    assert f"Nothing is sealed with {old.current} any more" in then.output
    assert asyncio.run(sealed_with(database_url)) == ring.current
    assert mode_of(tmp_path / vault.FILE) == 0o600

    file = tmp_path / vault.FILE
    file.write_text(f"{new_key()}\n")
    lost = RUN.invoke(keys, ["rotate", "--no-add", "--folder", str(tmp_path)])
    assert lost.exit_code == 1
    assert "1 open with no key of the ring" in lost.output
    shown = "".join(one.output for one in (first, then, lost))
    assert not [secret for secret in ring.handed_over().replace(",", ":").split(":")[1::2] if secret in shown]


async def something_sealed(url: str, ring: KeyRing) -> None:
    database = Database(url, pool_size=1)
    await ensure_dev_people(database)
    about = state_about(ORGANISATION_ID, "slack", "install/T1")
    async with database.begin() as session:
        session.add(
            ChannelStateRow(
                organisation_id=ORGANISATION_ID,
                channel="slack",
                key="install/T1",
                sealed=ring.seal(b"{}", about),
                version=1,
            )
        )
    await database.close()


async def sealed_with(url: str) -> str:
    database = Database(url, pool_size=1)
    async with database.begin() as session:
        sealed = str(await session.scalar(text("SELECT sealed FROM channel_state")))
    await database.close()
    return sealed_by(sealed)
