"""Who sees what, and who may change what."""

import pytest

from tests.platform_api.library.steps import HANDBOOK, base_of, listed, personal_base, search, upload
from tests.platform_api.people import People
from tests.platform_api.work import Work


@pytest.mark.proves("LIBRARY-003")
async def test_a_member_cannot_read_another_teams_document(people: People, worker: Work) -> None:
    base = await base_of(people.ada)
    sent = await upload(people.ada, base, ("pay.md", HANDBOOK), metadata={"groups": ["finance"]})
    document = sent.json()["documents"][0]["id"]
    await worker.finish()

    for member, sees in ((people.tom, True), (people.ada, True), (people.maya, False)):
        found = await search(member, base, "annual leave")
        content = await member.get(f"/api/v1/documents/{document}/content")
        about = await member.get(f"/api/v1/knowledge-bases/{base}/documents/{document}")
        facets = (await member.get(f"/api/v1/knowledge-bases/{base}/facets")).json()
        bases = (await member.get("/api/v1/knowledge-bases")).json()["items"]
        count = next(item["documents"] for item in bases if item["id"] == base)
        assert bool(found) == bool(await listed(member, base)) == bool(facets["doc_type"]) == sees
        assert content.status_code == about.status_code == (200 if sees else 404)
        assert count == int(sees)


async def test_what_is_hidden_and_what_is_not_there_look_alike(people: People, worker: Work) -> None:
    base = await personal_base(people.maya)
    sent = await upload(people.maya, base, ("a.md", HANDBOOK))
    document = sent.json()["documents"][0]["id"]
    await worker.finish()
    nothing = "00000000-0000-4000-8000-000000000000"

    for path in ("/api/v1/documents/{}/content", f"/api/v1/knowledge-bases/{base}/documents/{{}}"):
        hidden = (await people.tom.get(path.format(document))).json()
        missing = (await people.tom.get(path.format(nothing))).json()
        assert hidden | {"request_id": ""} == missing | {"request_id": ""}


async def test_only_who_may_manage_a_knowledge_base_uploads_to_it(people: People) -> None:
    lead = await people.add("lead", groups=("operations",), roles=("DeptAdmin",))
    reader = await people.add("reader", roles=("ReadOnly",))
    organisation = await base_of(people.maya)
    department = await base_of(people.maya, "department")
    personal = await personal_base(people.maya)

    allowed = {
        ("maya", "organisation"): 403,
        ("maya", "department"): 403,
        ("maya", "personal"): 202,
        ("lead", "organisation"): 403,
        ("lead", "department"): 202,
        ("lead", "personal"): 404,
        ("reader", "organisation"): 403,
        ("tom", "department"): 404,
        ("ada", "organisation"): 202,
        ("ada", "personal"): 404,
    }
    who = {"maya": people.maya, "lead": lead, "reader": reader, "tom": people.tom, "ada": people.ada}
    where = {"organisation": organisation, "department": department, "personal": personal}
    for (person, base), status in allowed.items():
        answer = await upload(who[person], where[base], (f"{person}.md", HANDBOOK))
        assert answer.status_code == status, (person, base)


async def test_another_organisation_is_another_world(people: People, worker: Work) -> None:
    other = await people.add_organisation()
    twin = await people.add("twin", groups=("finance",), roles=("OrgAdmin",), organisation_id=other)
    base = await base_of(people.ada)
    sent = await upload(people.ada, base, ("pay.md", HANDBOOK), metadata={"groups": ["finance"]})
    document = sent.json()["documents"][0]["id"]
    await worker.finish()

    assert (await twin.get(f"/api/v1/documents/{document}/content")).status_code == 404
    assert (await twin.get(f"/api/v1/knowledge-bases/{base}/documents")).status_code == 404
    assert await search(twin, await base_of(twin), "annual leave") == []


async def test_narrowing_a_document_works_at_once_and_widening_after_reading(
    people: People, worker: Work
) -> None:
    base = await base_of(people.ada)
    document = (await upload(people.ada, base, ("a.md", HANDBOOK))).json()["documents"][0]["id"]
    await worker.finish()

    await upload(people.ada, base, ("a.md", HANDBOOK), metadata={"groups": ["finance"]})
    path = f"/api/v1/documents/{document}/content"
    assert (await people.maya.get(path)).status_code == 404
    assert await search(people.maya, base, "annual leave") == []
    await worker.finish()
    assert (await people.tom.get(path)).status_code == 200

    await upload(people.ada, base, ("a.md", HANDBOOK.replace("25 days", "everything")))
    assert (await people.maya.get(path)).status_code == 404
    await worker.finish()
    assert "everything" in (await people.maya.get(path)).text


async def test_uploading_under_the_name_of_a_hidden_document_does_not_reveal_it(
    people: People, worker: Work
) -> None:
    first = await people.add("first", groups=("operations", "board"), roles=("DeptAdmin",))
    second = await people.add("second", groups=("operations",), roles=("DeptAdmin",))
    base = await base_of(first, "department", "operations")
    hidden = await upload(first, base, ("plan.md", HANDBOOK), metadata={"groups": ["board"]})
    await worker.finish()

    own = (await upload(second, base, ("plan.md", HANDBOOK))).json()["documents"][0]

    assert own["status"] == "queued"
    assert own["id"] != hidden.json()["documents"][0]["id"]


async def test_a_job_is_its_creators_own(people: People) -> None:
    base = await personal_base(people.maya)
    job = (await upload(people.maya, base, ("secret name.md", HANDBOOK))).json()["job_id"]
    for path in (f"/api/v1/jobs/{job}", f"/api/v1/jobs/{job}/events"):
        assert (await people.ada.get(path)).status_code == 404
    assert (await people.ada.post(f"/api/v1/jobs/{job}/cancel")).status_code == 404
    assert (await people.ada.get("/api/v1/jobs")).json()["items"] == []


async def test_a_key_without_query_kb_reads_nothing(people: People) -> None:
    created = await people.maya.post("/api/v1/api-keys", json={"name": "up", "scopes": ["upload_docs"]})
    headers = {"Authorization": f"Bearer {created.json()['key']}"}
    assert (await people.maya.get("/api/v1/knowledge-bases", headers=headers)).status_code == 403
