"""The audit spool: what an answered call has left behind, whatever dies."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from ulid import ULID

from kit.clock import SystemClock
from kit.errors import Unavailable
from kit.wire.internal import AuditEvent
from tests.tools.world import HeldPlatform, registry_of
from tools.gateway.recording import Record, own_record, ulid
from tools.gateway.shipping import BATCH, Shipper
from tools.gateway.spool import Spool, SpoolUnavailable

LIMIT = 10_000_000


def record(type: str = "tool.call") -> Record:
    return own_record(SystemClock(), type, {"tool": "docs.search"})


@pytest.fixture
def platform() -> HeldPlatform:
    return HeldPlatform(registry_of([]))


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    spool = Spool(tmp_path, LIMIT)
    spool.open()
    yield spool
    spool.close()


async def write(spool: Spool, *events: Record) -> list[str]:
    for event in events:
        spool.write(event)
    return [event.id for event in events]


def answered_before_a_kill(folder: Path, at_least: int) -> list[str]:
    """The ids that a child had safe when kill -9 hit it in full flight."""
    command = [sys.executable, "-m", "tests.tools.gateway.spool_child", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        answered = [child.stdout.readline().strip() for _ in range(at_least)]
        child.kill()
        rest = child.stdout.read()
    return answered + rest[: rest.rfind("\n") + 1].split()


@pytest.mark.proves("GATEWAY-017")
async def test_a_kill_loses_no_record_of_an_answered_call(tmp_path: Path, platform: HeldPlatform) -> None:
    answered = answered_before_a_kill(tmp_path, 200)

    after = Spool(tmp_path, LIMIT)
    after.open()
    assert await Shipper(after, platform, 1).ship()
    after.close()

    assert len(answered) >= 200
    assert set(answered) <= set(platform.events_taken)


async def test_records_wait_for_a_platform_that_is_down(spool: Spool, platform: HeldPlatform) -> None:
    shipper = Shipper(spool, platform, 1)
    platform.down = True
    before = await write(spool, record(), record())
    assert await shipper.ship() is False
    after = await write(spool, record())
    platform.down = False

    assert await shipper.ship() is True
    assert list(platform.events_taken) == before + after
    assert [path for path in spool.segments() if path.stat().st_size] == []


async def test_a_lost_acknowledgement_sends_again_and_the_platform_drops_repeats(
    tmp_path: Path, platform: HeldPlatform
) -> None:
    first = Spool(tmp_path, LIMIT)
    first.open()
    ids = await write(first, *(record() for _ in range(BATCH + 5)))
    await platform.events(_lines(tmp_path))
    first.close()

    second = Spool(tmp_path, LIMIT)
    second.open()
    assert await Shipper(second, platform, 1).ship()
    second.close()

    assert sorted(platform.events_taken) == sorted(ids)
    assert platform.repeated == BATCH + 5


def _lines(folder: Path) -> list[bytes]:
    return [line for path in sorted(folder.glob("*.jsonl")) for line in path.read_bytes().splitlines()]


async def test_half_a_record_is_passed_over(tmp_path: Path, platform: HeldPlatform) -> None:
    whole = record()
    torn = record().line()[:40]
    (tmp_path / "01AAAAAAAAAAAAAAAAAAAAAAAA.jsonl").write_bytes(whole.line() + torn)
    spool = Spool(tmp_path, LIMIT)
    spool.open()
    assert await Shipper(spool, platform, 1).ship()
    spool.close()

    assert list(platform.events_taken) == [whole.id]


async def test_a_record_that_the_platform_never_takes_is_set_aside_alone(
    spool: Spool, platform: HeldPlatform, tmp_path: Path
) -> None:
    platform.refuses = "wrong"
    good, bad = [record() for _ in range(6)], record("wrong")
    await write(spool, *good[:3], bad, *good[3:])

    assert await Shipper(spool, platform, 1).ship()
    assert set(platform.events_taken) == {event.id for event in good}
    assert bad.id in (tmp_path / "refused.txt").read_text()


def test_a_folder_belongs_to_one_process(spool: Spool, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="Another gateway"):
        Spool(tmp_path, LIMIT).open()


async def test_a_disk_that_refuses_stops_calls_and_lets_them_on_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write

    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(SpoolUnavailable):
        spool.write(record())
    monkeypatch.setattr(os, "write", real)
    spool.check()
    assert await write(spool, record())


async def test_a_spool_that_is_full_stops_calls(tmp_path: Path) -> None:
    small = Spool(tmp_path, 100)
    small.open()
    small.check()
    await write(small, record())
    with pytest.raises(SpoolUnavailable):
        small.check()
    small.close()


def test_a_record_is_an_audit_event() -> None:
    written = record()
    event = AuditEvent.model_validate_json(written.line())

    assert set(Record.__struct_fields__) == set(AuditEvent.model_fields)
    assert (event.id, event.actor, event.data) == (written.id, written.actor, dict(written.data))


def test_an_id_is_a_ulid_of_its_moment() -> None:
    moment = datetime(2026, 11, 21, 12, 0, 0, 123_000, tzinfo=UTC)
    made = [ulid(moment) for _ in range(100)]

    assert len(set(made)) == 100
    assert all(ULID.from_str(id).datetime == moment for id in made)
