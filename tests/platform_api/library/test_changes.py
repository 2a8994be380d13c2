"""What editors correct, where documents move, and older versions that come back."""

from typing import Any

import pytest
from httpx import AsyncClient, Response

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


async def put(client: AsyncClient, base: str, worker: Work, text: str = HANDBOOK, **more: Any) -> str:
    sent = await upload(client, base, ("leave.md", text), **more)
    await worker.finish()
    return sent.json()["documents"][0]["id"]


def at(base: str, document: str) -> str:
    return f"/api/v1/knowledge-bases/{base}/documents/{document}"


async def correct(client: AsyncClient, base: str, document: str, **fields: Any) -> Response:
    return await client.patch(at(base, document), json=fields)


@pytest.mark.proves("LIBRARY-011")
async def test_a_correction_reaches_the_search_without_embedding_and_stays(
    people: People, worker: Work
) -> None:
    base = await base_of(people.ada)
    document = await put(people.ada, base, worker)

    changed = (await correct(people.ada, base, document, tags=["fixed"], doc_type="rule")).json()
    await worker.finish()
    await upload(people.ada, base, ("leave.md", HANDBOOK.replace("25 days", "28 days")))
    await worker.finish()

    assert changed.get("job_id") is None
    assert changed["document"]["corrected"] == ["doc_type", "tags"]
    about = (await listed(people.ada, base))[0]
    assert (about["tags"], about["doc_type"]) == (["fixed"], "rule")
    found = await search(people.maya, base, "annual leave", filters={"tags": ["fixed"], "doc_type": "rule"})
    assert "28 days" in found[0]["content"]


async def test_a_correction_alone_keeps_chunks_and_vectors(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    document = await put(people.ada, base, worker)
    before = [chunk["chunk_id"] for chunk in await search(people.ada, base, "annual leave")]
    scores = [chunk["score"] for chunk in await search(people.ada, base, "annual leave")]

    await correct(people.ada, base, document, privacy_level="internal")
    await worker.finish()

    found = await search(people.ada, base, "annual leave", filters={"privacy_level": "internal"})
    assert [chunk["chunk_id"] for chunk in found] == before
    assert [chunk["score"] for chunk in found] == scores


async def test_a_corrected_title_is_read_again_and_null_takes_it_back(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    document = await put(people.ada, base, worker)

    changed = (await correct(people.ada, base, document, title="Holidays")).json()
    await worker.finish()
    job = (await people.ada.get(f"/api/v1/jobs/{changed['job_id']}")).json()
    titles = {chunk["metadata"]["page_title"] for chunk in await search(people.ada, base, "annual leave")}
    assert (job["kind"], job["status"]) == ("edit", "succeeded")
    assert titles == {"Holidays"}

    await correct(people.ada, base, document, title=None)
    await worker.finish()
    about = (await listed(people.ada, base))[0]
    assert (about["title"], about["corrected"]) == ("Leave", [])
    assert {chunk["metadata"]["page_title"] for chunk in await search(people.ada, base, "leave")} == {"Leave"}


async def test_a_correction_that_says_nothing_new_changes_nothing(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    document = await put(people.ada, base, worker)
    first = (await correct(people.ada, base, document, tags=["a"])).json()["document"]
    again = (await correct(people.ada, base, document, tags=["a"])).json()["document"]
    assert again == first


async def test_two_editors_do_not_overwrite_each_other(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    document = await put(people.ada, base, worker)
    tag = (await people.ada.get(at(base, document))).headers["etag"]

    first = await people.ada.patch(at(base, document), json={"tags": ["a"]}, headers={"If-Match": tag})
    second = await people.ada.patch(at(base, document), json={"tags": ["b"]}, headers={"If-Match": tag})
    odd = await people.ada.patch(at(base, document), json={"tags": ["b"]}, headers={"If-Match": "x"})

    assert first.status_code == 200
    assert (second.status_code, second.json()["code"]) == (412, "document_changed")
    assert odd.status_code == 400


async def test_only_who_may_manage_the_knowledge_base_corrects(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    document = await put(people.ada, base, worker)
    mine = await personal_base(people.maya)
    secret = await put(people.maya, mine, worker)
    assert (await correct(people.maya, base, document, tags=["x"])).status_code == 403
    assert (await correct(people.ada, mine, secret, tags=["x"])).status_code == 404
    assert (await correct(people.ada, base, document, strategy="nonsense")).json()["code"] == (
        "unknown_chunk_strategy"
    )


async def test_how_a_document_is_cut_can_be_chosen(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    text = "# One\n\nalpha words.\n\n# Two\n\nbeta words.\n"
    document = await put(people.ada, base, worker, text)
    before = (await listed(people.ada, base))[0]["chunks"]
    await correct(people.ada, base, document, strategy="fixed_size")
    await worker.finish()
    assert (before, (await listed(people.ada, base))[0]["chunks"]) == (2, 1)


@pytest.mark.proves("LIBRARY-015")
async def test_a_moved_document_is_read_by_who_reads_its_new_knowledge_base(
    people: People, worker: Work
) -> None:
    lead = await people.add("lead", groups=("operations",), roles=("DeptAdmin",))
    mine, department = await personal_base(lead), await base_of(lead, "department", "operations")
    document = await put(lead, mine, worker)
    assert (await people.maya.get(f"/api/v1/documents/{document}")).status_code == 404

    moved = await lead.post(
        f"{at(mine, document)}/move", json={"knowledge_base_id": department, "path": "hr/leave.md"}
    )
    await worker.finish()

    assert (moved.status_code, moved.json()["document"]["path"]) == (200, "hr/leave.md")
    assert await listed(lead, mine) == []
    assert await search(lead, mine, "annual leave") == []
    found = await search(people.maya, department, "annual leave")
    assert {chunk["metadata"]["doc_id"] for chunk in found} == {document}
    assert (await people.tom.get(f"/api/v1/documents/{document}")).status_code == 404

    await lead.post(f"{at(department, document)}/move", json={"knowledge_base_id": mine})
    assert (await people.maya.get(f"/api/v1/documents/{document}/content")).status_code == 404
    everywhere = (await people.maya.post("/api/v1/documents/query", json={"query": "annual leave"})).json()
    assert everywhere["chunks"] == []


@pytest.mark.proves("LIBRARY-015")
async def test_what_was_for_a_group_stays_for_it_when_it_moves(people: People, worker: Work) -> None:
    base, mine = await base_of(people.ada), await personal_base(people.ada)
    document = await put(people.ada, mine, worker, metadata={"groups": ["finance"]})
    await people.ada.post(f"{at(mine, document)}/move", json={"knowledge_base_id": base})
    await worker.finish()
    assert (await people.tom.get(f"/api/v1/documents/{document}/content")).status_code == 200
    assert (await people.maya.get(f"/api/v1/documents/{document}/content")).status_code == 404


async def test_a_path_that_is_taken_is_refused_unless_one_cannot_see_by_what(
    people: People, worker: Work
) -> None:
    first = await people.add("first", groups=("operations", "board"), roles=("DeptAdmin",))
    second = await people.add("second", groups=("operations",), roles=("DeptAdmin",))
    base = await base_of(first, "department", "operations")
    await upload(first, base, ("plan.md", HANDBOOK), metadata={"groups": ["board"]})
    await upload(second, base, ("open.md", HANDBOOK))
    sent = await upload(second, base, ("mine.md", HANDBOOK))
    document = sent.json()["documents"][0]["id"]

    taken = await second.post(f"{at(base, document)}/move", json={"path": "open.md"})
    hidden = await second.post(f"{at(base, document)}/move", json={"path": "plan.md"})

    assert (taken.status_code, taken.json()["code"]) == (409, "path_taken")
    assert hidden.status_code == 200
    assert len(await listed(first, base)) == 3


async def test_an_older_version_comes_back(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    document = await put(people.ada, base, worker)
    await put(people.ada, base, worker, HANDBOOK.replace("25 days", "28 days"))
    versions = (await people.ada.get(f"{at(base, document)}/versions")).json()["items"]
    assert [(one["version"], one["published"]) for one in versions] == [(2, True), (1, False)]
    old = await people.ada.get(f"/api/v1/documents/{document}/content?version=1")
    assert "25 days" in old.text

    headers = {"Idempotency-Key": "undo-1"}
    path = f"{at(base, document)}/versions/1/restore"
    first, again = [await people.ada.post(path, headers=headers) for _ in range(2)]
    await worker.finish()

    assert (first.status_code, first.json()) == (202, again.json())
    assert "25 days" in (await search(people.maya, base, "annual leave"))[0]["content"]
    assert (await listed(people.ada, base))[0]["version"] == 3
    assert (await people.ada.post(f"{at(base, document)}/versions/9/restore")).json()["code"] == (
        "no_such_version"
    )
    await people.ada.delete(at(base, document))
    await worker.finish()
    assert stored_files(people) == []


@pytest.mark.proves("LIBRARY-015")
async def test_a_version_that_was_for_fewer_people_stays_theirs(people: People, worker: Work) -> None:
    first = await people.add("first", groups=("operations", "board"), roles=("DeptAdmin",))
    second = await people.add("second", groups=("operations",), roles=("DeptAdmin",))
    base = await base_of(first, "department", "operations")
    document = await put(first, base, worker, HANDBOOK.replace("25", "99"), metadata={"groups": ["board"]})
    await put(first, base, worker)

    versions = (await second.get(f"{at(base, document)}/versions")).json()["items"]
    old = await second.get(f"/api/v1/documents/{document}/content?version=1")
    restored = await second.post(f"{at(base, document)}/versions/1/restore")

    assert [one["version"] for one in versions] == [2]
    assert [old.json()["code"], restored.json()["code"]] == ["no_such_version"] * 2
    assert len((await first.get(f"{at(base, document)}/versions")).json()["items"]) == 2


async def test_a_quote_is_marked_where_it_stands(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    document = await put(people.ada, base, worker, HANDBOOK + "\n<script>alert(1)</script>\n")
    page = await people.maya.get(
        f"/api/v1/documents/{document}/content", params={"quote": "up to  five days can be CARRIED over"}
    )
    outline = (await people.maya.get(f"/api/v1/documents/{document}/outline")).json()

    assert '<mark id="quote">Up to five days can be carried over</mark> until' in page.text
    assert "<script" not in page.text
    assert [(one["level"], one["title"], one["anchor"]) for one in outline["headings"]] == [
        (1, "Leave", "leave"),
        (2, "Carrying over", "carrying-over"),
    ]
