"""From a file to a found, opened and deleted document."""

from dataclasses import replace
from typing import Any

import pytest

from knowledge.index import Index
from platform_api.app import PlatformPorts
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


async def test_an_uploaded_document_is_found_and_opened_at_its_section(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    accepted = (await upload(people.ada, base, ("leave.md", HANDBOOK))).json()
    await worker.finish()

    job = (await people.ada.get(f"/api/v1/jobs/{accepted['job_id']}")).json()
    best = (await search(people.maya, await base_of(people.maya), "How much leave can I carry over?"))[0]
    page = await people.maya.get(best["metadata"]["source_url"].removeprefix("http://localhost:8000"))

    assert job["status"] == "succeeded"
    assert job["progress"] == {"done": 1, "total": 1, "stage": "done"}
    assert "five days" in best["content"]
    assert best["metadata"]["source_url"].endswith("/content#carrying-over")
    assert '<h2 id="carrying-over">' in page.text
    assert "sandbox" in page.headers["content-security-policy"]


async def test_front_matter_speaks_where_the_uploader_is_silent(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    await upload(people.ada, base, ("leave.md", HANDBOOK), metadata={"doc_type": "rule"})
    await worker.finish()

    document = (await listed(people.ada, base))[0]

    assert document["title"] == "Leave"
    assert document["doc_type"] == "rule"
    assert document["service_scope"] == "people"
    assert document["tags"] == ["leave", "people"]
    assert document["content_type"] == "text/markdown"


async def test_the_same_file_again_is_unchanged_and_nothing_is_queued(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    await upload(people.ada, base, ("leave.md", HANDBOOK))
    await worker.finish()

    again = (await upload(people.ada, base, ("leave.md", HANDBOOK))).json()
    job = (await people.ada.get(f"/api/v1/jobs/{again['job_id']}")).json()

    assert again["documents"][0]["status"] == "unchanged"
    assert job["status"] == "succeeded"
    assert await worker.finish() == 0


async def test_a_new_version_replaces_the_old_one(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    await upload(people.ada, base, ("leave.md", HANDBOOK))
    await worker.finish()

    await upload(people.ada, base, ("leave.md", HANDBOOK.replace("25 days", "28 days")))
    await worker.finish()
    found = await search(people.ada, base, "annual leave days")

    assert [document["version"] for document in await listed(people.ada, base)] == [2]
    assert "28 days" in found[0]["content"]
    assert not any("25 days" in chunk["content"] for chunk in found)


async def test_until_the_new_version_is_read_the_old_one_is_served(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    document = (await upload(people.ada, base, ("leave.md", HANDBOOK))).json()["documents"][0]["id"]
    await worker.finish()

    await upload(people.ada, base, ("leave.md", HANDBOOK.replace("25 days", "28 days")))

    assert "25 days" in (await people.maya.get(f"/api/v1/documents/{document}/content")).text
    assert "25 days" in (await search(people.maya, base, "annual leave"))[0]["content"]


@pytest.mark.proves("LIBRARY-001")
async def test_a_deleted_document_is_gone_at_once(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    document = (await upload(people.ada, base, ("leave.md", HANDBOOK))).json()["documents"][0]["id"]
    await worker.finish()

    deleted = await people.ada.delete(f"/api/v1/knowledge-bases/{base}/documents/{document}")

    assert deleted.status_code == 204
    assert await search(people.ada, base, "annual leave") == []
    assert await listed(people.ada, base) == []
    assert (await people.ada.get(f"/api/v1/documents/{document}/content")).status_code == 404
    await worker.finish()
    assert stored_files(people) == []


async def test_a_document_deleted_while_it_is_read_never_appears(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    document = (await upload(people.ada, base, ("leave.md", HANDBOOK))).json()["documents"][0]["id"]
    job = await worker.take()
    assert job is not None

    await people.ada.delete(f"/api/v1/knowledge-bases/{base}/documents/{document}")
    await worker.run(*job)

    assert await search(people.ada, base, "annual leave") == []


@pytest.mark.proves("LIBRARY-002")
async def test_a_task_that_runs_twice_changes_nothing(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    accepted = (await upload(people.ada, base, ("leave.md", HANDBOOK))).json()
    job = await worker.take()
    assert job is not None

    await worker.run(*job)
    before = await listed(people.ada, base), await search(people.ada, base, "leave")
    await worker.run(*job)

    assert (await listed(people.ada, base), await search(people.ada, base, "leave")) == before
    progress = (await people.ada.get(f"/api/v1/jobs/{accepted['job_id']}")).json()["progress"]
    assert progress["done"] == progress["total"] == 1


@pytest.mark.proves("LIBRARY-002")
async def test_a_worker_that_dies_between_index_and_database_loses_and_repeats_nothing(
    people: People, ports: PlatformPorts, worker: Work
) -> None:
    base = await base_of(people.ada)
    accepted = (await upload(people.ada, base, ("leave.md", HANDBOOK))).json()
    job = await worker.take()
    assert job is not None

    dying = Work(replace(ports, index=DiesAfterPublishing(ports.index)))
    with pytest.raises(PowerCut):
        await dying.run(*job)
    cut_off = (await people.ada.get(f"/api/v1/jobs/{accepted['job_id']}")).json()
    await worker.run(*job)
    finished = (await people.ada.get(f"/api/v1/jobs/{accepted['job_id']}")).json()

    found = [chunk["chunk_id"] for chunk in await search(people.maya, base, "annual leave")]
    assert cut_off["status"] == "running"
    assert finished["progress"] == {"done": 1, "total": 1, "stage": "done"}
    assert len(found) == len(set(found)) > 0
    assert [document["status"] for document in await listed(people.maya, base)] == ["ready"]


class PowerCut(BaseException):
    """What no handler of ours catches, as a kill would be."""


class DiesAfterPublishing:
    """The real index; the first publication is its last act."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def __getattr__(self, name: str) -> Any:
        return getattr(self._index, name)

    async def publish(self, *arguments: Any, **named: Any) -> None:
        await self._index.publish(*arguments, **named)
        raise PowerCut


async def test_the_original_is_a_download_under_its_own_name(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    sent = await upload(people.ada, base, ("travel/Überblick.md", HANDBOOK))
    document = sent.json()["documents"][0]["id"]
    await worker.finish()

    original = await people.maya.get(f"/api/v1/documents/{document}/content?format=original")

    assert original.content == HANDBOOK.encode()
    assert original.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%9Cberblick.md"
    assert original.headers["x-content-type-options"] == "nosniff"


async def test_a_document_that_is_still_read_says_so(people: People) -> None:
    base = await base_of(people.ada)
    document = (await upload(people.ada, base, ("leave.md", HANDBOOK))).json()["documents"][0]["id"]
    answer = await people.ada.get(f"/api/v1/documents/{document}/content")
    assert answer.status_code == 409
    assert answer.json()["code"] == "document_not_ready"


async def test_facets_count_documents(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    plain = "# Other\n\nSomething else."
    await upload(people.ada, base, ("a.md", HANDBOOK), ("b.md", HANDBOOK + "\nMore."), ("c.md", plain))
    await worker.finish()

    facets = (await people.maya.get(f"/api/v1/knowledge-bases/{base}/facets")).json()

    assert facets["doc_type"] == [{"value": "policy", "count": 2}, {"value": "document", "count": 1}]
    assert facets["tags"] == [{"value": "leave", "count": 2}, {"value": "people", "count": 2}]


@pytest.mark.proves("SEARCH-009")
async def test_facets_count_what_fits_the_other_filters(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    plain = "# Other\n\nSomething else."
    await upload(people.ada, base, ("a.md", HANDBOOK), ("b.md", plain))
    await worker.finish()

    async def told(place: str, **asked: str) -> dict[str, Any]:
        answer = await people.maya.get(f"/api/v1/{place}/facets", params=asked)
        assert answer.status_code == 200, answer.text
        return answer.json()

    everything = await told("documents")
    assert len(everything["doc_type"]) == 2
    assert everything["privacy_level"][0]["count"] == 2
    place = f"knowledge-bases/{base}"
    assert (await told(place, tags="leave"))["doc_type"] == [{"value": "policy", "count": 1}]
    assert (await told(place, doc_type="document"))["tags"] == []
    assert (await told("documents", after="2999-01-01T00:00:00Z"))["doc_type"] == []
    refused = await people.maya.get("/api/v1/documents/facets", params={"colour": "red"})
    assert refused.status_code == 422


@pytest.mark.proves("SEARCH-009")
async def test_facets_everywhere_count_only_what_the_caller_sees(people: People, worker: Work) -> None:
    mine = await personal_base(people.ada, "mine")
    await upload(people.ada, mine, ("a.md", HANDBOOK))
    await worker.finish()
    counts = [
        sum(one["count"] for one in (await client.get("/api/v1/documents/facets")).json()["doc_type"])
        for client in (people.ada, people.maya)
    ]
    assert counts == [1, 0]


async def test_filters_narrow_a_query(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    await upload(people.ada, base, ("a.md", HANDBOOK), ("b.md", "# Leave\n\nAnnual leave for contractors."))
    await worker.finish()
    found = await search(people.maya, base, "annual leave", filters={"doc_type": "policy"})
    assert {chunk["metadata"]["page_title"] for chunk in found} == {"Leave"}
    assert not any("contractors" in chunk["content"] for chunk in found)


async def test_a_repeated_upload_with_the_same_key_is_one_upload(people: People, worker: Work) -> None:
    base = await personal_base(people.maya)
    first = await upload(people.maya, base, ("a.md", HANDBOOK), key="key-1")
    again = await upload(people.maya, base, ("a.md", HANDBOOK), key="key-1")
    other = await upload(people.maya, base, ("b.md", HANDBOOK), key="key-1")

    assert first.json() == again.json()
    assert other.status_code == 409
    assert len((await people.maya.get("/api/v1/jobs")).json()["items"]) == 1


async def test_a_repeated_creation_with_the_same_key_is_one_knowledge_base(people: People) -> None:
    headers = {"Idempotency-Key": "kb-1"}
    made = [
        await people.maya.post("/api/v1/knowledge-bases", json={"name": "Notes"}, headers=headers)
        for _ in range(2)
    ]
    assert made[0].json() == made[1].json()
    taken = await people.maya.post("/api/v1/knowledge-bases", json={"name": "Notes"})
    assert taken.json()["code"] == "name_taken"


async def test_the_events_of_a_job_end_with_its_end(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    accepted = (await upload(people.ada, base, ("leave.md", HANDBOOK))).json()
    await worker.finish()

    async with people.ada.stream("GET", f"/api/v1/jobs/{accepted['job_id']}/events") as response:
        text = "".join([line async for line in response.aiter_text()])

    assert response.headers["content-type"].startswith("text/event-stream")
    assert '"status":"succeeded"' in text


async def test_a_cancelled_job_publishes_nothing_more(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    accepted = (await upload(people.ada, base, ("leave.md", HANDBOOK))).json()

    cancelled = await people.ada.post(f"/api/v1/jobs/{accepted['job_id']}/cancel")
    await worker.finish()
    again = await people.ada.post(f"/api/v1/jobs/{accepted['job_id']}/cancel")

    assert cancelled.json()["status"] == "cancelled"
    assert await search(people.ada, base, "leave") == []
    assert (await listed(people.ada, base))[0]["error"] == "The upload was cancelled."
    assert again.json()["code"] == "job_finished"


async def test_lists_page_by_cursor(people: People) -> None:
    base = await personal_base(people.maya)
    await upload(people.maya, base, *[(f"{n}.md", f"# Page {n}\n\ntext") for n in range(5)])
    path = f"/api/v1/knowledge-bases/{base}/documents"

    first = (await people.maya.get(f"{path}?limit=3")).json()
    second = (await people.maya.get(f"{path}?limit=3&cursor={first['next_cursor']}")).json()

    titles = [item["title"] for item in first["items"] + second["items"]]
    assert len(titles) == len(set(titles)) == 5
