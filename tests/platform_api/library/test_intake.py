"""Taking files in: archives, what failed before, quotas, and documents that come from sources."""

import asyncio
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any
from uuid import UUID, uuid4
from zipfile import ZipFile

import pytest
from sqlalchemy import text

from kit.wire.library import DocumentMetadata
from platform_api.app import build_app
from platform_api.identity import Identity
from platform_api.identity.dev_people import DEV_PEOPLE
from platform_api.library.service.incoming import Refused, arriving
from platform_api.library.service.intake import Intake, Origin
from platform_api.library.service.jobs import close_job, open_job
from platform_api.library.service.scopes import Scopes
from platform_api.library.settings import LibrarySettings
from platform_api.platform_ports import changes_of
from tests.platform_api.library.steps import (
    HANDBOOK,
    base_of,
    listed,
    personal_base,
    search,
    stored_files,
    upload,
)
from tests.platform_api.library.test_bad_files import encrypted_pdf
from tests.platform_api.people import People
from tests.platform_api.work import Work


@dataclass
class SentBytes:
    filename: str | None
    data: bytes

    @property
    def size(self) -> int:
        return len(self.data)

    async def read(self, size: int = -1, /) -> bytes:
        return self.data


def archive(**files: bytes | str) -> bytes:
    buffer = BytesIO()
    with ZipFile(buffer, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    return buffer.getvalue()


async def test_an_archive_is_taken_as_the_files_in_it(people: People, worker: Work) -> None:
    base = await personal_base(people.maya)
    packed = archive(**{
        "travel/leave.md": HANDBOOK, "notes.txt": "Plain words.", "../out.md": "x", "empty.md": "",
        "inner.zip": archive(a="b"),
    })  # fmt: skip

    sent = (await upload(people.maya, base, ("hr/all.zip", packed), ("top.md", HANDBOOK + "More."))).json()
    await worker.finish()
    job = (await people.maya.get(f"/api/v1/jobs/{sent['job_id']}")).json()

    told = {one["path"]: one["status"] for one in sent["documents"]}
    assert told == {
        "hr/travel/leave.md": "queued",
        "hr/notes.txt": "queued",
        "hr/../out.md": "refused",
        "hr/empty.md": "refused",
        "hr/inner.zip": "refused",
        "top.md": "queued",
    }
    assert job["progress"] == {"done": 6, "total": 6, "stage": "done"}
    assert {one["code"] for one in job["errors"]} == {"unsafe_path", "empty", "nested_archive"}
    assert {one["path"] for one in await listed(people.maya, base)} == {
        "hr/travel/leave.md",
        "hr/notes.txt",
        "top.md",
    }
    again = (await upload(people.maya, base, ("hr/all.zip", packed))).json()
    assert sorted(one["status"] for one in again["documents"]) == ["refused"] * 3 + ["unchanged"] * 2


@pytest.mark.proves("LOAD-011")
@pytest.mark.parametrize("limits", [{"max_archive_files": 3}, {"max_archive_mb": 1}])
async def test_archives_of_one_upload_share_the_limits_of_one(limits: dict[str, int]) -> None:
    """Each within them, sixty at once would fill the disk before anybody counts."""
    text = "# " + "x" * 300_000
    files = [SentBytes(f"{name}.zip", archive(**{f"{name}1.md": text, f"{name}2.md": text})) for name in "ab"]
    found = [one async for one in arriving(files, LibrarySettings().model_copy(update=limits))]
    assert [one.path for one in found] == ["a1.md", "a2.md", "b.zip"]
    refused = found[-1]
    assert isinstance(refused, Refused)
    assert "together" in refused.error.detail
    assert refused.error.hint == "Send it in an upload of its own."


async def test_an_archive_beyond_the_limits_leaves_nothing(people: People) -> None:
    settings = people.ports.library_settings.model_copy(update={"max_archive_files": 2})
    ports = replace(people.ports, library_settings=settings)
    async with People(ports, build_app(ports)) as limited:
        base = await personal_base(limited.maya)
        packed = archive(a="# A", b="# B", c="# C")
        answer = await upload(limited.maya, base, ("all.zip", packed))
        assert (answer.status_code, answer.json()["code"]) == (422, "too_complex")
        assert "3 files; the limit is 2" in answer.json()["detail"]
        assert await listed(limited.maya, base) == []
        assert stored_files(limited) == []


@pytest.mark.proves("LIBRARY-014")
async def test_what_failed_for_good_is_told_again_and_not_read_again(people: People, worker: Work) -> None:
    base, sealed = await personal_base(people.maya), encrypted_pdf()
    await upload(people.maya, base, ("a.pdf", sealed))
    await worker.finish()

    again = (await upload(people.maya, base, ("a.pdf", sealed))).json()
    job = (await people.maya.get(f"/api/v1/jobs/{again['job_id']}")).json()
    document = again["documents"][0]

    assert (document["status"], document["error"]) == (
        "unchanged",
        (await listed(people.maya, base))[0]["error"],
    )
    assert [error["code"] for error in job["errors"]] == ["encrypted"]
    assert await worker.finish() == 0
    assert len(stored_files(people)) == 1


@pytest.mark.proves("LIBRARY-014")
async def test_what_failed_by_us_is_read_again(people: People, worker: Work) -> None:
    base = await personal_base(people.maya)
    await upload(people.maya, base, ("a.md", HANDBOOK))
    async with people.ports.database.begin() as session:
        await session.execute(text("UPDATE documents SET status = 'failed', failure = 'internal'"))

    again = (await upload(people.maya, base, ("a.md", HANDBOOK))).json()
    await worker.finish()

    assert again["documents"][0]["status"] == "queued"
    assert (await listed(people.maya, base))[0]["status"] == "ready"


@pytest.mark.proves("LIBRARY-013")
async def test_a_quota_is_exact_when_many_uploads_come_at_once(people: People) -> None:
    settings = people.ports.library_settings.model_copy(update={"personal_documents": 5})
    ports = replace(people.ports, library_settings=settings)
    async with People(ports, build_app(ports)) as limited:
        bases = [await personal_base(limited.maya, f"Mine {n}") for n in range(2)]
        answers = await asyncio.gather(
            *(upload(limited.maya, bases[n % 2], (f"{n}.md", f"# Page {n}\n\ntext")) for n in range(9))
        )
        statuses = sorted(answer.status_code for answer in answers)
        problem = next(answer.json() for answer in answers if answer.status_code == 413)
        told = [one["quota"] for one in (await limited.maya.get("/api/v1/knowledge-bases")).json()["items"]]
        both = await upload(limited.maya, bases[0], ("x.md", "# X\n\ntext"), ("0.md", "# New\n\nwords"))

    assert statuses == [202] * 5 + [413] * 4
    assert problem["code"] == "quota_exceeded"
    assert problem["detail"] == "You keep 5 of at most 5 documents in your own knowledge bases."
    assert {(one["documents"], one["documents_limit"]) for one in told if one} == {(5, 5)}
    assert both.status_code in (202, 413)  # depends on which five came first: 0.md may be new
    assert len(stored_files(limited)) == 5 + (both.status_code == 202)


@pytest.mark.proves("LIBRARY-013")
async def test_a_quota_counts_only_what_one_put_there_oneself(people: People) -> None:
    settings = people.ports.library_settings.model_copy(update={"shared_documents": 1})
    ports = replace(people.ports, library_settings=settings)
    async with People(ports, build_app(ports)) as limited:
        first = await limited.add("first", groups=("operations", "board"), roles=("DeptAdmin",))
        second = await limited.add("second", groups=("operations",), roles=("DeptAdmin",))
        base = await base_of(first, "department", "operations")
        hidden = await upload(first, base, ("plan.md", HANDBOOK), metadata={"groups": ["board"]})
        own = await upload(second, base, ("a.md", HANDBOOK))
        full = await upload(second, base, ("b.md", HANDBOOK))
        larger = await upload(second, base, ("a.md", HANDBOOK + "and more"))
    assert [one.status_code for one in (hidden, own, full, larger)] == [202, 202, 413, 202]


async def test_a_source_and_people_do_not_overwrite_each_other(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    await upload(people.ada, base, ("leave.md", HANDBOOK))
    origin = Origin("crawl", uuid4(), "https://example.com/leave", etag='"1"')

    first = await _take(people, base, HANDBOOK.replace("25", "31"), origin)
    again = await _take(people, base, HANDBOOK.replace("25", "31"), replace(origin, etag='"2"'))
    await worker.finish()

    documents = {one["source"]: one for one in await listed(people.ada, base)}
    found = await search(people.ada, base, "annual leave", filters={"source": "crawl"})
    assert (first.shown.status, again.shown.status) == ("queued", "unchanged")
    assert set(documents) == {"upload", "crawl"}
    assert documents["crawl"]["source_url"] == "https://example.com/leave"
    assert found[0]["metadata"]["source_url"].startswith("https://example.com/leave#")
    assert found[0]["metadata"]["etag"] == '"2"'


async def _take(people: People, base: str, words: str, origin: Origin) -> Any:
    ports = people.ports
    intake = Intake(
        database=ports.database,
        blobs=ports.blobs,
        queue=ports.queue,
        changes=changes_of(ports, surely=False),
        settings=ports.library_settings,
        scopes=Scopes.load(None),
        clock=ports.clock,
    )
    ada = (await Identity(ports.database, ports.clock).person(DEV_PEOPLE["ada"].id)).principal
    async with ports.database.begin() as session:
        job_id = await open_job(session, ada, "crawl", ports.clock.now())
    metadata = DocumentMetadata()
    outcome = await intake.take(ada, UUID(base), "leave.md", words.encode(), metadata, origin, job_id)
    async with ports.database.begin() as session:
        await close_job(session, job_id, ports.clock.now())
    return outcome
