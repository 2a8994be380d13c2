"""Whatever got out of step between database, index and files is found and set right; access first."""

import os
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from access.keys import AccessKeys, user_key
from kit.clock import SystemClock
from knowledge.index import Held
from platform_api.app import PlatformPorts
from platform_api.identity.dev_people import DEV_PEOPLE
from platform_api.library.tasks import Reconcile
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
from tests.platform_api.people import People
from tests.platform_api.work import Work

pytestmark = pytest.mark.proves("JOBS-005")


async def reconcile(ports: PlatformPorts, worker: Work) -> dict[str, int]:
    """What was found; then whatever it queued is done."""
    task = Reconcile(ports.database, ports.blobs, ports.queue, changes_of(ports, surely=True), SystemClock())
    found = (await task.run()).all()
    await worker.finish()
    return {kind: number for kind, number in found.items() if kind != "documents_checked"}


async def held(ports: PlatformPorts) -> dict[UUID, Held]:
    never = datetime.min
    return {one: replace(entry, updated_at=never) async for one, entry in ports.index.inventory()}


async def ready(people: People, worker: Work, name: str = "leave.md", content: str = HANDBOOK) -> UUID:
    """A document of maya's that was read."""
    base = await personal_base(people.maya, name)
    document = (await upload(people.maya, base, (name, content))).json()["documents"][0]["id"]
    await worker.finish()
    return UUID(document)


async def test_where_all_agrees_nothing_is_done(people: People, ports: PlatformPorts, worker: Work) -> None:
    await ready(people, worker)
    before = await held(ports)
    assert await reconcile(ports, worker) == {}
    assert await held(ports) == before


async def test_a_document_that_the_index_lost_is_published_again(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    document = await ready(people, worker)
    before = await held(ports)
    await ports.index.remove(document)

    assert await reconcile(ports, worker) == {"published_again": 1}
    assert await held(ports) == before
    assert await reconcile(ports, worker) == {}
    jobs = (await people.maya.get("/api/v1/jobs")).json()["items"]
    assert [(job["kind"], job["status"]) for job in jobs] == [
        ("repair", "succeeded"),
        ("upload", "succeeded"),
    ]


async def test_who_lost_a_document_is_not_told_its_new_name_by_its_repair(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    lee = await people.add("lee", groups=("operations",), roles=("DeptAdmin",))
    kim = await people.add("kim", groups=("operations",), roles=("DeptAdmin",))
    base = await base_of(lee, "department", "operations")
    files = [("a.md", HANDBOOK), ("b.md", HANDBOOK + "More.")]
    sent = (await upload(lee, base, *files)).json()["documents"]
    await worker.finish()
    path = f"/api/v1/knowledge-bases/{base}/documents/{sent[0]['id']}/move"
    assert (await kim.post(path, json={"path": "why-lee-was-let-go.md"})).status_code == 200
    await worker.finish()
    async with ports.database.begin() as session:
        await session.execute(
            text("DELETE FROM group_members WHERE user_id = (SELECT id FROM users WHERE name = 'lee')")
        )
    for one in sent:
        await ports.index.remove(UUID(one["id"]))

    assert await reconcile(ports, worker) == {"published_again": 2}
    async with ports.database.begin() as session:
        named = text("SELECT path FROM job_items JOIN jobs ON jobs.id = job_id WHERE kind = 'repair'")
        assert set(await session.scalars(named)) == {"(a document that is no longer for you)"}


async def test_points_of_a_document_that_does_not_exist_are_removed(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    document = await ready(people, worker)
    async with ports.database.begin() as session:
        await session.execute(text("DELETE FROM documents WHERE id = :id"), {"id": document})

    found = await reconcile(ports, worker)

    assert found["ghosts"] == 1
    assert await held(ports) == {}


async def test_what_is_too_open_in_the_index_is_narrowed_to_what_the_rows_say(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    document = await ready(people, worker)
    tom = user_key(DEV_PEOPLE["tom"].id)
    before = await held(ports)
    await ports.index.set_access(document, AccessKeys([tom, *before[document].keys]))

    assert await reconcile(ports, worker) == {"keys": 1}
    assert await held(ports) == before


async def test_a_publication_that_the_database_never_heard_of_goes(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    """The worker died between index and database, and the job was cancelled before another one came."""
    document = await ready(people, worker)
    async with ports.database.begin() as session:
        await session.execute(
            text("UPDATE documents SET published_version = NULL, status = 'failed' WHERE id = :id"),
            {"id": document},
        )
    assert await reconcile(ports, worker) == {"ghosts": 1}
    assert await held(ports) == {}


async def test_a_newer_version_that_was_never_committed_gives_way_to_the_published_one(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    document = await ready(people, worker)
    base = str((await document_row(ports, document))["knowledge_base_id"])
    await upload(people.maya, base, ("leave.md", HANDBOOK.replace("25 days", "28 days")))
    await worker.finish()
    async with ports.database.begin() as session:
        await session.execute(
            text("UPDATE documents SET published_version = 1, status = 'failed' WHERE id = :id"),
            {"id": document},
        )

    assert await reconcile(ports, worker) == {"published_again": 1}
    assert "25 days" in (await search(people.maya, base, "annual leave"))[0]["content"]
    assert (await held(ports))[document].version == 1
    assert (await listed(people.maya, base))[0]["status"] == "failed"  # its second version still is


async def document_row(ports: PlatformPorts, document: UUID) -> dict[str, Any]:
    async with ports.database.begin() as session:
        rows = await session.execute(text("SELECT * FROM documents WHERE id = :id"), {"id": document})
        return dict(rows.mappings().one())


async def test_an_upload_whose_queue_job_was_lost_is_queued_again(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    base = await personal_base(people.maya)
    sent = (await upload(people.maya, base, ("leave.md", HANDBOOK))).json()
    async with ports.database.begin() as session:
        await session.execute(text("DELETE FROM procrastinate_jobs"))

    assert await reconcile(ports, worker) == {"stranded": 1}
    assert [document["status"] for document in await listed(people.maya, base)] == ["ready"]
    assert (await people.maya.get(f"/api/v1/jobs/{sent['job_id']}")).json()["status"] == "succeeded"


async def test_a_dead_letter_that_its_document_never_heard_of_is_told(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    base = await personal_base(people.maya)
    sent = (await upload(people.maya, base, ("leave.md", HANDBOOK))).json()
    async with ports.database.begin() as session:
        await session.execute(text("UPDATE procrastinate_jobs SET status = 'failed'"))

    assert await reconcile(ports, worker) == {"stranded": 1}
    assert [document["status"] for document in await listed(people.maya, base)] == ["failed"]
    assert (await people.maya.get(f"/api/v1/jobs/{sent['job_id']}")).json()["status"] == "failed"


async def test_what_is_being_worked_on_is_left_alone(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    document = await ready(people, worker)
    base = str((await document_row(ports, document))["knowledge_base_id"])
    await upload(people.maya, base, ("leave.md", HANDBOOK.replace("25 days", "28 days")))
    await ports.index.remove(document)
    task = Reconcile(ports.database, ports.blobs, ports.queue, changes_of(ports, surely=True), SystemClock())

    found = (await task.run()).all()
    await worker.finish()

    assert set(found) <= {"documents_checked"}
    assert (await held(ports))[document].version == 2


async def test_files_that_nothing_refers_to_go_after_a_while(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    await ready(people, worker)
    kept = {path.name for path in stored_files(people)}
    key = f"originals/{uuid4()}/{uuid4()}"
    await ports.blobs.put(key, b"sent, but never committed")
    assert await reconcile(ports, worker) == {}  # its commit may still come

    make_old(people, timedelta(hours=2))

    assert await reconcile(ports, worker) == {"orphan_blobs": 1}
    assert {path.name for path in stored_files(people)} == kept


async def test_a_file_that_is_missing_is_reported(people: People, ports: PlatformPorts, worker: Work) -> None:
    document = await ready(people, worker)
    async with ports.database.begin() as session:
        await session.execute(text("UPDATE document_versions SET created_at = now() - interval '1 day'"))
        statement = text("SELECT blob_key FROM document_versions WHERE document_id = :id")
        key = (await session.execute(statement, {"id": document})).scalar_one()
    await ports.blobs.delete(key)
    assert await reconcile(ports, worker) == {"missing_blobs": 1}


def make_old(people: People, age: timedelta) -> None:
    for path in stored_files(people):
        then = Path(path).stat().st_mtime - age.total_seconds()
        os.utime(path, (then, then))


async def test_an_admin_starts_it_and_reads_the_numbers_of_their_organisation(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    base = await base_of(people.ada)
    sent = (await upload(people.ada, base, ("leave.md", HANDBOOK))).json()
    await worker.finish()
    await ports.index.remove(UUID(sent["documents"][0]["id"]))
    elsewhere = await people.add_organisation()
    stranger = await people.add("stranger", roles=("OrgAdmin",), organisation_id=elsewhere)

    theirs = (await stranger.post("/api/v1/admin/jobs/reconcile")).json()
    await worker.finish()
    await ports.index.remove(UUID(sent["documents"][0]["id"]))
    ours = (await people.ada.post("/api/v1/admin/jobs/reconcile")).json()
    await worker.finish()

    assert (await people.maya.post("/api/v1/admin/jobs/reconcile")).status_code == 403
    report = (await people.ada.get(f"/api/v1/jobs/{ours['id']}")).json()
    other = (await stranger.get(f"/api/v1/jobs/{theirs['id']}")).json()
    assert report["status"] == other["status"] == "succeeded"
    assert (report["report"]["documents_checked"], report["report"]["published_again"]) == (1, 1)
    assert set(other["report"].values()) == {0}
