"""Jobs: how far they are, what stops them, what failed and how it is tried again."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from knowledge.index import Index, IndexUnavailable
from platform_api.app import PlatformPorts
from platform_api.library.models import DocumentRow, JobItemRow
from platform_api.library.service.jobs import finish_item
from platform_api.library.service.progress import NotWanted, Progress, Stand
from ports.db import Database
from tests.platform_api.library.steps import HANDBOOK, base_of, listed, personal_base, search, upload
from tests.platform_api.people import People
from tests.platform_api.work import Work

_DIE = text(
    "UPDATE procrastinate_jobs SET status = 'failed', args = args || CAST(:failure AS jsonb)"
    " WHERE id = (SELECT min(id) FROM procrastinate_jobs WHERE status = 'todo') RETURNING task_name, args"
)
_FAILURE = '{"_failure": {"reason": "IndexUnavailable: no route to the index", "at": ""}}'


async def give_up(worker: Work) -> None:
    """The oldest waiting job, as if its last attempt had failed just now."""
    async with worker.ports.database.begin() as session:
        row = (await session.execute(_DIE, {"failure": _FAILURE})).one()
    args = {name: value for name, value in row.args.items() if not name.startswith("_")}
    await worker.bury(row.task_name, args, "IndexUnavailable: no route to the index")


async def a_dead_letter(people: People, worker: Work) -> dict[str, Any]:
    """Of maya's: {"job_id", "base", "document"}."""
    base = await personal_base(people.maya)
    sent = (await upload(people.maya, base, ("salaries.md", HANDBOOK))).json()
    await give_up(worker)
    return {"job_id": sent["job_id"], "base": base, "document": sent["documents"][0]["id"]}


class Away:
    """The real index, but it cannot be written to."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    async def publish(self, *arguments: Any, **named: Any) -> None:
        raise IndexUnavailable


@pytest.mark.proves("JOBS-006")
async def test_a_job_tells_which_documents_are_being_read_and_how_far_they_are(
    people: People, worker: Work
) -> None:
    base = await personal_base(people.maya)
    sent = (await upload(people.maya, base, ("leave.md", HANDBOOK), ("other.md", "# Other\n\nText."))).json()
    away = Work(replace(worker.ports, index=Away(worker.ports.index)))
    job = await worker.take()
    assert job is not None
    with pytest.raises(IndexUnavailable):
        await away.run(*job)

    job = (await people.maya.get(f"/api/v1/jobs/{sent['job_id']}")).json()

    assert (job["status"], job["progress"]["done"], job["progress"]["total"]) == ("running", 0, 2)
    assert [(item["document"], item["status"], item["attempts"]) for item in job["items"]] == [
        ("leave.md", "running", 1)
    ]
    assert job["items"][0]["stage"] == job["progress"]["stage"]


async def test_documents_that_end_in_the_same_moment_are_each_counted_once(
    people: People, ports: PlatformPorts
) -> None:
    base = await personal_base(people.maya)
    files = [(f"{number}.md", f"# Page {number}\n\nText.") for number in range(3)]
    sent = (await upload(people.maya, base, *files)).json()
    together = asyncio.Barrier(3)

    async def end(document_id: str) -> None:
        key = (UUID(sent["job_id"]), UUID(document_id), 1)
        async with ports.database.begin() as session:
            item = await session.get_one(JobItemRow, key)
            await together.wait()
            for _ in range(2):
                await finish_item(session, item, "done", ports.clock.now())

    await asyncio.gather(*(end(document["id"]) for document in sent["documents"]))

    job = (await people.maya.get(f"/api/v1/jobs/{sent['job_id']}")).json()
    assert (job["status"], job["progress"]["done"], job["progress"]["total"]) == ("succeeded", 3, 3)


@pytest.mark.proves("JOBS-006")
async def test_progress_is_written_and_a_cancelled_document_stops_at_once(
    people: People, ports: PlatformPorts
) -> None:
    base = await personal_base(people.maya)
    sent = (await upload(people.maya, base, ("leave.md", HANDBOOK))).json()
    document = sent["documents"][0]["id"]
    async with ports.database.begin() as session:
        await session.execute(text("UPDATE job_items SET state = 'running'"))
    key = await the_only_item(ports)
    cancelled = asyncio.Event()

    async def work(stand: Stand) -> None:
        await stand.embedded(3, 7)
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    reading = asyncio.create_task(Progress(ports.database, every_s=0.02).of(key, work))
    path = f"/api/v1/jobs/{sent['job_id']}"
    while not (items := (await people.maya.get(path)).json()["items"]) or items[0]["stage"] != "embedding":
        await asyncio.sleep(0.01)
    assert (items[0]["document_id"], items[0]["done"], items[0]["total"]) == (document, 3, 7)

    await people.maya.post(f"{path}/cancel")

    with pytest.raises(NotWanted):
        await reading
    assert cancelled.is_set()


async def the_only_item(ports: PlatformPorts) -> Any:
    async with ports.database.begin() as session:
        row = (await session.execute(text("SELECT job_id, document_id, version FROM job_items"))).one()
    return tuple(row)


async def test_what_is_published_meanwhile_is_not_cut_off(people: People, ports: PlatformPorts) -> None:
    base = await personal_base(people.maya)
    sent = (await upload(people.maya, base, ("leave.md", HANDBOOK))).json()
    key = await the_only_item(ports)
    go_on = asyncio.Event()

    async def work(stand: Stand) -> None:
        stand.publishing()
        await go_on.wait()

    progress = Progress(ports.database, every_s=0.01)
    publishing = asyncio.create_task(progress.of(key, work))
    await people.maya.post(f"/api/v1/jobs/{sent['job_id']}/cancel")
    for _ in range(20):
        await asyncio.sleep(0.01)  # several looks at what is wanted
    go_on.set()
    await publishing


@pytest.mark.proves("JOBS-003")
async def test_after_its_last_attempt_a_document_says_so_and_admins_see_the_reason(
    people: People, worker: Work
) -> None:
    dead = await a_dead_letter(people, worker)

    job = (await people.maya.get(f"/api/v1/jobs/{dead['job_id']}")).json()
    document = (await listed(people.maya, dead["base"]))[0]
    letters = (await people.ada.get("/api/v1/admin/jobs/failed")).json()["items"]

    assert job["status"] == "failed"
    assert job["items"][0]["status"] == "failed"
    assert document["status"] == "failed"
    assert document["error"] == job["errors"][0]["detail"]
    assert [(one["reason"], one["document_id"], one["job_id"]) for one in letters] == [
        ("IndexUnavailable: no route to the index", dead["document"], dead["job_id"])
    ]
    assert "salaries" not in str(letters)  # it is maya's alone: ada learns that it failed, not its name


@pytest.mark.proves("JOBS-004")
async def test_a_replayed_dead_letter_goes_through(people: People, worker: Work) -> None:
    dead = await a_dead_letter(people, worker)
    letter = (await people.ada.get("/api/v1/admin/jobs/failed")).json()["items"][0]["id"]

    replayed = await people.ada.post(
        f"/api/v1/admin/jobs/failed/{letter}/replay", headers={"Idempotency-Key": "again-1"}
    )
    repeated = await people.ada.post(
        f"/api/v1/admin/jobs/failed/{letter}/replay", headers={"Idempotency-Key": "again-1"}
    )
    assert await worker.finish() == 1

    job = (await people.maya.get(f"/api/v1/jobs/{dead['job_id']}")).json()
    assert replayed.json() == repeated.json() == {"replayed": 1, "dropped": 0}
    assert (job["status"], job["errors"], job["progress"]["done"]) == ("succeeded", [], 1)
    assert (await listed(people.maya, dead["base"]))[0]["status"] == "ready"
    assert await search(people.maya, dead["base"], "annual leave")
    assert (await people.ada.get("/api/v1/admin/jobs/failed")).json()["items"] == []


@pytest.mark.proves("JOBS-004")
async def test_all_dead_letters_are_replayed_at_once_and_what_nobody_waits_for_is_dropped(
    people: People, worker: Work
) -> None:
    first = await a_dead_letter(people, worker)
    base = await personal_base(people.tom)
    await upload(people.tom, base, ("b.md", HANDBOOK))
    await give_up(worker)
    await people.maya.delete(f"/api/v1/knowledge-bases/{first['base']}/documents/{first['document']}")
    await worker.finish()

    replayed = (await people.ada.post("/api/v1/admin/jobs/replay", json={"task": "library.ingest"})).json()
    await worker.finish()

    assert replayed == {"replayed": 1, "dropped": 1}
    assert [document["status"] for document in await listed(people.tom, base)] == ["ready"]
    assert (await people.ada.get("/api/v1/admin/jobs/failed")).json()["items"] == []


@pytest.mark.proves("JOBS-004")
async def test_dead_letters_are_for_admins_of_the_same_organisation(people: People, worker: Work) -> None:
    await a_dead_letter(people, worker)
    letter = (await people.ada.get("/api/v1/admin/jobs/failed")).json()["items"][0]["id"]
    elsewhere = await people.add_organisation()
    stranger = await people.add("stranger", roles=("OrgAdmin",), organisation_id=elsewhere)

    assert (await people.maya.get("/api/v1/admin/jobs/failed")).status_code == 403
    assert (await people.maya.post("/api/v1/admin/jobs/replay", json={})).status_code == 403
    assert (await people.maya.delete(f"/api/v1/admin/jobs/failed/{letter}")).status_code == 403
    assert (await stranger.get("/api/v1/admin/jobs/failed")).json()["items"] == []
    assert (await stranger.post(f"/api/v1/admin/jobs/failed/{letter}/replay")).status_code == 404
    assert (await stranger.delete(f"/api/v1/admin/jobs/failed/{letter}")).status_code == 404
    assert (await people.ada.delete(f"/api/v1/admin/jobs/failed/{letter}")).status_code == 204
    assert (await people.ada.delete(f"/api/v1/admin/jobs/failed/{letter}")).status_code == 404


@pytest.mark.proves("JOBS-004")
async def test_a_sender_tries_their_own_failed_documents_again(people: People, worker: Work) -> None:
    dead = await a_dead_letter(people, worker)
    path = f"/api/v1/jobs/{dead['job_id']}/retry"

    assert (await people.tom.post(path)).status_code == 404
    queued = (await people.maya.post(path)).json()
    await worker.finish()
    again = await people.maya.post(path)

    assert (queued["status"], queued["errors"]) == ("queued", [])
    assert (await listed(people.maya, dead["base"]))[0]["status"] == "ready"
    assert (again.status_code, again.json()["code"]) == (409, "nothing_to_retry")
    assert (await people.ada.get("/api/v1/admin/jobs/failed")).json()["items"] == []


async def test_what_may_not_be_changed_any_more_is_not_tried_again(people: People, worker: Work) -> None:
    dead = await a_dead_letter(people, worker)
    async with worker.ports.database.begin() as session:
        row = await session.get_one(DocumentRow, dead["document"])
        row.knowledge_base_id = UUID(await base_of(people.ada))  # where maya may read, but not write
    assert (await people.maya.post(f"/api/v1/jobs/{dead['job_id']}/retry")).status_code == 409


async def test_a_file_that_is_gone_is_a_dead_letter_at_once(people: People, worker: Work) -> None:
    base = await personal_base(people.maya)
    await upload(people.maya, base, ("leave.md", HANDBOOK))
    for stored in [one async for one in worker.ports.blobs.list("originals")]:
        await worker.ports.blobs.delete(stored.key)
    job = await worker.take()
    assert job is not None
    with pytest.raises(Exception, match="missing from the blob store"):
        await worker.run(*job)


class SlowToCommit:
    """The real database; the first commit waits until it may."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._first = True
        self.committing, self.may = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def begin(self) -> AsyncGenerator[AsyncSession]:
        first, self._first = self._first, False
        async with self._database.begin() as session:
            yield session
            if first:
                self.committing.set()
                await self.may.wait()


async def test_what_begins_while_the_others_are_looked_at_is_not_stopped(
    people: People, ports: PlatformPorts
) -> None:
    base = await personal_base(people.maya)
    await upload(people.maya, base, ("leave.md", HANDBOOK), ("other.md", "# Other"))
    async with ports.database.begin() as session:
        await session.execute(text("UPDATE job_items SET state = 'running'"))
        rows = await session.execute(text("SELECT job_id, document_id, version FROM job_items"))
        first, second = (tuple(row) for row in rows)
    go_on = asyncio.Event()

    async def work(stand: Stand) -> None:
        await go_on.wait()

    slow = SlowToCommit(ports.database)
    progress = Progress(cast(Database, slow), every_s=0.01)
    one = asyncio.create_task(progress.of(cast(Any, first), work))
    await slow.committing.wait()
    other = asyncio.create_task(progress.of(cast(Any, second), work))
    await asyncio.sleep(0)
    slow.may.set()
    for _ in range(5):
        await asyncio.sleep(0.01)
    go_on.set()
    await asyncio.gather(one, other)  # neither was told NotWanted
