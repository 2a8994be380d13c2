"""Redis hangs while somebody takes rights away: the request goes on, and its job tells the caches for it."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient

from platform_api.app import PlatformPorts
from ports.redis import CacheScopes, CacheUnavailable
from tests.platform_api.library.steps import HANDBOOK, base_of, upload
from tests.platform_api.people import People
from tests.platform_api.work import Work


class Telling:
    """In place of CacheScopes.changed: whether Redis answers, and what it was told."""

    def __init__(self) -> None:
        self.away, self.told = False, 0

    async def __call__(self, organisation_id: UUID, *scopes: str) -> None:
        if self.away:
            raise CacheUnavailable
        self.told += 1


class Reading:
    """The real preparer; something happens while it reads."""

    def __init__(self, preparer: Any) -> None:
        self._preparer = preparer
        self.meanwhile: tuple[AsyncClient, str] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._preparer, name)

    async def read(self, *args: Any, **how: Any) -> Any:
        if self.meanwhile:
            client, path = self.meanwhile
            answer = await client.post(path)
            assert answer.is_success, answer.text
        return await self._preparer.read(*args, **how)


@pytest.fixture
def ports(ports: PlatformPorts) -> PlatformPorts:
    return replace(ports, preparer=Reading(ports.preparer))


@pytest.fixture
def telling(monkeypatch: pytest.MonkeyPatch) -> Telling:
    told = Telling()
    monkeypatch.setattr(CacheScopes, "changed", told)
    return told


@pytest.mark.proves("CACHE-005")
@pytest.mark.parametrize("end", ["published", "unreadable", "file gone", "cancelled"])
async def test_a_narrower_upload_is_told_however_its_job_ends(
    people: People, ports: PlatformPorts, worker: Work, telling: Telling, end: str
) -> None:
    base = await base_of(people.ada)
    await upload(people.ada, base, ("leave.md", HANDBOOK))
    await worker.finish()
    telling.away, telling.told = True, 0
    old = {one.key async for one in ports.blobs.list("originals")}

    text = b"%PDF-1.7 \x00" if end == "unreadable" else HANDBOOK.replace("25", "30")
    sent = await upload(people.ada, base, ("leave.md", text), metadata={"groups": ["finance"]})
    assert sent.is_success, sent.text
    assert telling.told == 0

    telling.away = False
    if end == "file gone":
        for key in {one.key async for one in ports.blobs.list("originals")} - old:
            await ports.blobs.delete(key)
    reading: Any = ports.preparer
    if end == "cancelled":
        reading.meanwhile = people.ada, f"/api/v1/jobs/{sent.json()['job_id']}/cancel"
    job = await worker.take()
    assert job is not None
    if end == "file gone":
        with pytest.raises(Exception, match="missing from the blob store"):
            await worker.run(*job)
    else:
        await worker.run(*job)
        await worker.finish()

    assert telling.told
