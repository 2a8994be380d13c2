"""A share adds a key to a document: at once, everywhere, and for its versions to come."""

from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from access.keys import AccessKeys, user_key
from platform_api.identity.dev_people import DEV_PEOPLE
from platform_api.library.service.managed import ACCESS
from tests.platform_api.library.steps import HANDBOOK, base_of, listed, personal_base, search, upload
from tests.platform_api.people import People
from tests.platform_api.work import Work


async def put(client: AsyncClient, base: str, worker: Work, name: str = "leave.md", **more: Any) -> str:
    sent = await upload(client, base, (name, HANDBOOK), **more)
    await worker.finish()
    return sent.json()["documents"][0]["id"]


def shares_of(base: str, document: str) -> str:
    return f"/api/v1/knowledge-bases/{base}/documents/{document}/shares"


async def found_everywhere(client: AsyncClient, query: str = "annual leave") -> set[str]:
    answer = await client.post("/api/v1/documents/query", json={"query": query})
    assert answer.status_code == 200, answer.text
    return {chunk["metadata"]["doc_id"] for chunk in answer.json()["chunks"]}


async def sees(client: AsyncClient, document: str) -> bool:
    """By every way that there is, which must agree."""
    ways = {
        (await client.get(f"/api/v1/documents/{document}")).status_code == 200,
        (await client.get(f"/api/v1/documents/{document}/content")).status_code == 200,
        (await client.get(f"/api/v1/documents/{document}/outline")).status_code == 200,
        document in await found_everywhere(client),
        document in {one["id"] for one in (await client.get("/api/v1/documents")).json()["items"]},
    }
    assert len(ways) == 1, ways
    return ways.pop()


@pytest.mark.proves("LIBRARY-010")
async def test_a_share_opens_a_document_at_once_and_taking_it_back_closes_it(
    people: People, worker: Work
) -> None:
    base = await personal_base(people.maya)
    document = await put(people.maya, base, worker)
    assert not await sees(people.tom, document)

    given = await people.maya.post(shares_of(base, document), json={"email": "Tom@example.com"})
    again = await people.maya.post(shares_of(base, document), json={"email": "tom@example.com"})
    shared = (await people.tom.get("/api/v1/documents?shared=true")).json()["items"]
    told = (await people.maya.get(shares_of(base, document))).json()["items"]

    assert given.status_code == again.status_code == 201
    assert given.json() == again.json()
    assert [one["id"] for one in shared] == [document]
    assert [(one["kind"], one["name"]) for one in told] == [("person", "Tom")]
    assert await sees(people.tom, document)
    assert not await sees(people.ada, document)
    for _ in range(2):
        taken = await people.maya.delete(f"{shares_of(base, document)}?email=tom@example.com")
        assert taken.status_code == 204
    assert not await sees(people.tom, document)


@pytest.mark.proves("LIBRARY-010")
async def test_a_document_keeps_its_shares_when_it_is_read_again(people: People, worker: Work) -> None:
    base = await personal_base(people.maya)
    document = await put(people.maya, base, worker)
    await people.maya.post(shares_of(base, document), json={"group": "operations"})
    await people.maya.post(shares_of(base, document), json={"user_id": str(DEV_PEOPLE["tom"].id)})

    await upload(people.maya, base, ("leave.md", HANDBOOK.replace("25 days", "28 days")))
    assert await sees(people.tom, document)
    await worker.finish()

    assert await sees(people.tom, document)
    assert "28 days" in (await people.tom.get(f"/api/v1/documents/{document}/content")).text


async def test_a_share_reaches_the_index_even_if_the_platform_ends_after_the_commit(
    people: People, worker: Work
) -> None:
    base = await personal_base(people.maya)
    document = await put(people.maya, base, worker)
    await people.maya.post(shares_of(base, document), json={"email": "tom@example.com"})
    # As if nothing but the commit had happened.
    await people.ports.index.set_access(UUID(document), AccessKeys([user_key(DEV_PEOPLE["maya"].id)]))
    assert document not in await found_everywhere(people.tom)

    job = await worker.take()
    assert job is not None
    assert job[0] == ACCESS
    await worker.run(*job)
    await worker.run(*job)

    assert document in await found_everywhere(people.tom)


async def test_who_may_not_change_a_document_may_not_share_it(people: People, worker: Work) -> None:
    base = await personal_base(people.maya)
    document = await put(people.maya, base, worker)
    everyone = await base_of(people.ada)
    public = await put(people.ada, everyone, worker, "public.md")
    await people.maya.post(shares_of(base, document), json={"email": "tom@example.com"})

    for client, path, status in (
        (people.tom, shares_of(base, document), 403),  # sees it, but it is maya's
        (people.tom, shares_of(everyone, public), 403),
        (people.ada, shares_of(base, document), 404),  # an admin sees no more than anybody else
    ):
        assert (await client.post(path, json={"email": "ada@example.com"})).status_code == status
        assert (await client.get(path)).status_code == status
        assert (await client.delete(f"{path}?email=tom@example.com")).status_code == status


@pytest.mark.proves("ACCESS-010")
async def test_people_elsewhere_and_people_who_do_not_exist_look_alike(people: People, worker: Work) -> None:
    other = await people.add_organisation()
    await people.add("twin", organisation_id=other)
    async with people.ports.database.begin() as session:
        twin = (await session.execute(text("SELECT id, email FROM users WHERE name = 'twin'"))).one()
    base = await personal_base(people.maya)
    document = await put(people.maya, base, worker)

    asked = (
        {"email": twin.email},
        {"email": "nobody@example.com"},
        {"user_id": str(twin.id)},
        {"user_id": "00000000-0000-4000-8000-000000000000"},
    )
    answers = [(await people.maya.post(shares_of(base, document), json=one)).json() for one in asked]

    assert {answer["code"] for answer in answers} == {"nobody_found"}
    assert len({str(answer | {"request_id": ""}) for answer in answers}) == 1


async def test_a_share_names_one_group_or_person_that_one_may_name(people: People, worker: Work) -> None:
    base = await personal_base(people.maya)
    document = await put(people.maya, base, worker)
    for request, code in (
        ({}, "invalid"),
        ({"email": "tom@example.com", "group": "operations"}, "invalid"),
        ({"email": None}, "invalid"),
        ({"group": "finance"}, "unknown_group"),
        ({"group": "no such group"}, "unknown_group"),
        ({"everyone": True}, "share_too_wide"),
    ):
        answer = await people.maya.post(shares_of(base, document), json=request)
        assert answer.json()["code"] == code, request
        assert answer.json()["hint"]
    assert (await people.maya.get(shares_of(base, document))).json()["items"] == []


async def test_an_admin_may_share_with_everyone(people: People, worker: Work) -> None:
    base = await personal_base(people.ada)
    document = await put(people.ada, base, worker)
    await people.ada.post(shares_of(base, document), json={"everyone": True})
    assert await sees(people.tom, document)
    assert await listed(people.tom, await base_of(people.tom)) == []
    await people.ada.delete(f"{shares_of(base, document)}?everyone=true")
    assert not await sees(people.tom, document)


@pytest.mark.proves("ACCESS-011")
async def test_who_leaves_a_group_loses_what_it_opened_with_the_next_request(
    people: People, worker: Work
) -> None:
    base = await personal_base(people.maya)
    document = await put(people.maya, base, worker)
    await people.maya.post(shares_of(base, document), json={"group": "operations"})
    lee = await people.add("lee", groups=("operations",))
    assert await sees(lee, document)
    department = await base_of(lee, "department", "operations")

    async with people.ports.database.begin() as session:
        await session.execute(
            text("DELETE FROM group_members WHERE user_id = (SELECT id FROM users WHERE name = 'lee')")
        )

    assert not await sees(lee, document)
    assert (await search_status(lee, department)) == 404


@pytest.mark.proves("ACCESS-011")
@pytest.mark.parametrize("again", ["cancelled", "published"])
async def test_who_sent_a_version_and_left_the_department_has_no_key_of_their_own(
    people: People, worker: Work, again: str
) -> None:
    lee = await people.add("lee", groups=("operations",), roles=("DeptAdmin",))
    department = await base_of(lee, "department", "operations")
    document = await put(lee, department, worker)
    sent = (await upload(lee, department, ("leave.md", HANDBOOK + "\n\nMore."))).json()
    assert await sees(lee, document)  # while it waits
    if again == "cancelled":
        await lee.post(f"/api/v1/jobs/{sent['job_id']}/cancel")
    await worker.finish()

    async with people.ports.database.begin() as session:
        await session.execute(
            text("DELETE FROM group_members WHERE user_id = (SELECT id FROM users WHERE name = 'lee')")
        )

    assert not await sees(lee, document)
    assert await sees(people.maya, document)


async def search_status(client: AsyncClient, base: str) -> int:
    path = f"/api/v1/knowledge-bases/{base}/query"
    return (await client.post(path, json={"query": "leave"})).status_code


async def test_shares_are_recorded(people: People, worker: Work) -> None:
    base = await personal_base(people.maya)
    document = await put(people.maya, base, worker)
    await people.maya.post(shares_of(base, document), json={"email": "tom@example.com"})
    await people.maya.delete(f"{shares_of(base, document)}?user_id={DEV_PEOPLE['tom'].id}")
    await search(people.maya, base, "leave")
    async with people.ports.database.begin() as session:
        rows = await session.execute(
            text("SELECT type, data->>'with' FROM audit_records WHERE type LIKE 'document.%shared'")
        )
        key = user_key(DEV_PEOPLE["tom"].id)
        assert {(row[0], row[1]) for row in rows} == {("document.shared", key), ("document.unshared", key)}
