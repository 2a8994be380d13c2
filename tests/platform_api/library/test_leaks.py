"""Random worlds of people, groups and documents: nobody learns of what is not theirs (SPEC 7)."""

import os
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engines import full_run
from tests.platform_api.library.steps import base_of, listed, personal_base, search, upload
from tests.platform_api.people import People
from tests.platform_api.work import Work

WORLDS = int(os.environ.get("SWITCHBOARD_TEST_WORLDS", "500" if full_run() else "8"))
GROUPS = ("amber", "blue", "coral")
ROLES = ("OrgAdmin", "DeptAdmin", "User")


@dataclass(frozen=True)
class Someone:
    groups: frozenset[str]
    role: str


@dataclass(frozen=True)
class Paper:
    """`base`: org, a group's name, or personal. `groups`: restricted to these, None: as the base."""

    author: int
    base: str
    groups: frozenset[str] | None


@dataclass(frozen=True)
class World:
    people: tuple[Someone, ...]
    papers: tuple[Paper, ...]

    def may_write(self, paper: Paper) -> bool:
        author = self.people[paper.author]
        if paper.groups is not None and author.role != "OrgAdmin" and not paper.groups <= author.groups:
            return False
        if paper.base == "org":
            return author.role == "OrgAdmin"
        if paper.base == "personal":
            return True
        return paper.base in author.groups and author.role in ("OrgAdmin", "DeptAdmin")

    def sees(self, reader: int, paper: Paper) -> bool:
        """The rule of SPEC 6, written down a second time."""
        if paper.groups is not None:
            return reader == paper.author or bool(paper.groups & self.people[reader].groups)
        if paper.base == "org":
            return True
        if paper.base == "personal":
            return reader == paper.author
        return paper.base in self.people[reader].groups


some_groups = st.frozensets(st.sampled_from(GROUPS), max_size=3)
someone = st.builds(Someone, some_groups, st.sampled_from(ROLES))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    people = tuple(draw(st.lists(someone, min_size=2, max_size=3)))
    paper = st.builds(
        Paper,
        st.integers(0, len(people) - 1),
        st.sampled_from(("org", "org", "personal", *GROUPS)),
        st.one_of(st.none(), some_groups),
    )
    return World(people, tuple(draw(st.lists(paper, min_size=2, max_size=5))))


@dataclass
class Settled:
    """The world as the platform knows it."""

    world: World
    clients: list[AsyncClient]
    documents: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    """Paper → its document and knowledge base."""
    jobs: dict[str, int] = field(default_factory=dict[str, int])
    """Job → who started it."""

    def seen_by(self, reader: int) -> set[str]:
        world = self.world
        return {self.documents[n][0] for n in self.documents if world.sees(reader, world.papers[n])}


def text_of(number: int) -> str:
    return f"---\ntags: [word{number}]\n---\n# Paper {number}\n\nThe common matter, told by zebra{number}."


async def settle(people: People, worker: Work, world: World) -> Settled:
    """Each world is an organisation of its own, in the same engines as all the worlds before."""
    organisation: UUID = await people.add_organisation()
    clients = [
        await people.add(groups=tuple(each.groups), roles=(each.role,), organisation_id=organisation)
        for each in world.people
    ]
    settled = Settled(world, clients)
    for number, paper in enumerate(world.papers):
        await write(settled, number, paper)
    await worker.finish()
    return settled


async def write(settled: Settled, number: int, paper: Paper) -> None:
    client = settled.clients[paper.author]
    base = await place(client, settled.world, paper, number)
    if base is None:
        assert not settled.world.may_write(paper)
        return
    metadata: dict[str, Any] = {} if paper.groups is None else {"groups": sorted(paper.groups)}
    answer = await upload(client, base, (f"{number}.md", text_of(number)), metadata=metadata)
    assert (answer.status_code == 202) == settled.world.may_write(paper), answer.text
    if answer.status_code == 202:
        settled.documents[number] = answer.json()["documents"][0]["id"], base
        settled.jobs[answer.json()["job_id"]] = paper.author


async def place(client: AsyncClient, world: World, paper: Paper, number: int) -> str | None:
    if paper.base == "personal":
        return await personal_base(client, f"mine {number}")
    if paper.base == "org":
        return await base_of(client)
    in_it = paper.base in world.people[paper.author].groups
    return await base_of(client, "department", paper.base) if in_it else None


async def look(settled: Settled, reader: int) -> None:
    """Everything that this person can ask, against the rule."""
    client, allowed = settled.clients[reader], settled.seen_by(reader)
    bases = (await client.get("/api/v1/knowledge-bases")).json()["items"]
    for base in bases:
        here = {document for document, place in settled.documents.values() if place == base["id"]} & allowed
        assert {item["id"] for item in await listed(client, base["id"])} == here
        assert base["documents"] == len(here)
        found = await search(client, base["id"], "the common matter told by a zebra", top_k=50)
        assert {chunk["metadata"]["doc_id"] for chunk in found} == here
        facets = (await client.get(f"/api/v1/knowledge-bases/{base['id']}/facets")).json()
        assert sum(item["count"] for item in facets["doc_type"]) == len(here)
        assert {item["value"] for item in facets["tags"]} == {
            f"word{number}" for number, (document, _) in settled.documents.items() if document in here
        }
    await look_at_each(settled, reader, {base["id"] for base in bases})


async def look_at_each(settled: Settled, reader: int, bases: set[str]) -> None:
    client, allowed = settled.clients[reader], settled.seen_by(reader)
    for document, base in settled.documents.values():
        content = await client.get(f"/api/v1/documents/{document}/content")
        about = await client.get(f"/api/v1/knowledge-bases/{base}/documents/{document}")
        assert content.status_code == about.status_code == (200 if document in allowed else 404)
        if base not in bases:
            query = await client.post(f"/api/v1/knowledge-bases/{base}/query", json={"query": "zebra"})
            facets = await client.get(f"/api/v1/knowledge-bases/{base}/facets")
            assert query.status_code == facets.status_code == 404
    own = {job for job, author in settled.jobs.items() if author == reader}
    assert {job["id"] for job in (await client.get("/api/v1/jobs?limit=100")).json()["items"]} == own
    for job in settled.jobs:
        assert (await client.get(f"/api/v1/jobs/{job}")).status_code == (200 if job in own else 404)


@pytest.mark.proves("LEAK-001")
@pytest.mark.timeout(3600)
@settings(
    max_examples=WORLDS,
    deadline=None,
    derandomize=not full_run(),
    # Each world is an organisation of its own, so one platform serves them all.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
@given(world=worlds())
async def test_no_list_search_page_count_or_job_reveals_what_is_not_ones_own(
    people: People, worker: Work, world: World
) -> None:
    settled = await settle(people, worker, world)
    for reader in range(len(world.people)):
        await look(settled, reader)
