"""What people do and see in a world, over HTTP, held against what the rules expect of it.

Each action is tried on the platform and in the model; where the two disagree on whether it is allowed, or on
what anybody sees afterwards, the world ends with the list of what happened in it.
"""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from httpx import AsyncClient, Response
from sqlalchemy import text

from kit.wire.search import QueryRequest
from platform_api.edge import PageRequest
from platform_api.identity import Identity
from platform_api.library.service.documents import Documents
from platform_api.platform_ports import changes_of
from tests.platform_api.library.steps import upload
from tests.platform_api.library.worlds import (
    EVERYONE,
    GROUPS,
    PATHS,
    WORDS,
    Base,
    Paper,
    Someone,
    Version,
    by_both,
    declared_keys,
    group,
    person,
    text_of,
)
from tests.platform_api.people import People
from tests.platform_api.work import Work

QUERY = {"query": "the common matter told by a zebra", "top_k": 50}
_LEAVE = text(
    "DELETE FROM group_members WHERE organisation_id = :organisation AND user_id = :person"
    ' AND "group" = :group'
)
_JOIN = text(
    'INSERT INTO group_members (organisation_id, user_id, "group") VALUES (:organisation, :person, :group)'
)
Found = tuple[tuple[str, float], ...]


@dataclass
class Living:
    """`waiting`: something is queued, so the index may lag behind in what it knows, never in who sees it."""

    people: People
    worker: Work
    chance: random.Random
    organisation: UUID
    identity: Identity
    documents: Documents
    inhabitants: list[Someone] = field(default_factory=list[Someone])
    clients: list[AsyncClient] = field(default_factory=list[AsyncClient])
    ids: list[UUID] = field(default_factory=list[UUID])
    bases: dict[Base, str] = field(default_factory=dict[Base, str])
    papers: list[Paper] = field(default_factory=list[Paper])
    gone: list[str] = field(default_factory=list[str])
    jobs: dict[str, int] = field(default_factory=dict[str, int])
    scores: dict[frozenset[tuple[str, int | None]], Found] = field(
        default_factory=dict[frozenset[tuple[str, int | None]], Found]
    )
    story: list[str] = field(default_factory=list[str])
    waiting: bool = False

    def expect(self, told: object, expected: object, what: str) -> None:
        if told != expected:
            story = "\n  ".join(self.story)
            raise AssertionError(
                f"{what}: the platform says {told!r}, the rules {expected!r}, after\n  {story}"
            )


async def settle(people: People, worker: Work, seed: int) -> Living:
    """A new organisation with two to four people, whose knowledge bases are known."""
    chance = random.Random(seed)
    organisation = await people.add_organisation(f"World {seed}")
    ports = people.ports
    documents = Documents(
        ports.database, ports.blobs, ports.queue, changes_of(ports, surely=False), ports.search
    )
    identity = Identity(ports.database, ports.clock)
    living = Living(people, worker, chance, organisation, identity, documents)
    for number in range(chance.randint(2, 4)):
        groups = {name for name in GROUPS if chance.random() < 0.45}
        role = chance.choice(("OrgAdmin", "DeptAdmin", "DeptAdmin", "User"))
        living.inhabitants.append(Someone(number, groups, role))
        client, user_id = await people.add_known(
            groups=tuple(sorted(groups)), roles=(role,), organisation_id=living.organisation
        )
        living.clients.append(client)
        living.ids.append(user_id)
        mine = await client.post("/api/v1/knowledge-bases", json={"name": "mine"})
        living.bases[person(number)] = mine.json()["id"]
        await _learn_bases(living, number)
    return living


async def _learn_bases(living: Living, number: int) -> None:
    for base in (await living.clients[number].get("/api/v1/knowledge-bases")).json()["items"]:
        if base["owner_type"] == "org":
            living.bases[EVERYONE] = base["id"]
        elif base["owner_type"] == "department":
            living.bases[group(base["owner_id"])] = base["id"]


# What people do.


async def send(living: Living, actor: Someone) -> None:
    chance = living.chance
    own = [base for base in living.bases if actor.manages(base)]
    base = chance.choice(own if chance.random() < 0.7 else sorted(living.bases))
    path, word = chance.choice(PATHS), chance.randrange(WORDS)
    groups = None
    if chance.random() < 0.4:
        groups = frozenset(name for name in GROUPS if chance.random() < 0.4)
    metadata: dict[str, Any] = {} if groups is None else {"groups": sorted(groups)}
    living.story.append(f"{actor} sends word{word} to {base}/{path} for {metadata.get('groups', 'all')}")
    answer = await upload(
        living.clients[actor.number], living.bases[base], (path, text_of(word)), metadata=metadata
    )
    expected = _may_send(actor, base, groups)
    living.expect(answer.status_code, expected, "sending")
    if expected == 202:
        _take(
            living,
            actor,
            answer.json(),
            (base, path),
            Version(word, declared_keys(actor.number, base, groups), groups),
        )


def _may_send(actor: Someone, base: Base, groups: frozenset[str] | None) -> int:
    if not actor.reads(base):
        return 404
    if not actor.manages(base):
        return 403
    if groups is not None and actor.role != "OrgAdmin" and not groups <= actor.groups:
        return 422
    return 202


def _take(living: Living, actor: Someone, told: Any, place: tuple[Base, str], version: Version) -> None:
    living.jobs[told["job_id"]] = actor.number
    [document] = told["documents"]
    here = [paper for paper in living.papers if (paper.base, paper.path) == place and paper.opens_to(actor)]
    own = [paper for paper in here if paper.author == actor.number] or here
    if not own:
        living.expect(document["status"], "queued", "a first version")
        living.expect(document["id"] in {paper.id for paper in living.papers}, False, "a new document")
        paper = Paper(document["id"], *place, actor.number, set(version.keys), {1: version})
        living.papers.append(paper)
        living.waiting = True
        return
    # Where several are at one path, the platform may choose among them, and among no others.
    paper = next((paper for paper in own if paper.id == document["id"]), None)
    assert paper is not None, living.story
    living.expect(
        document["status"],
        "unchanged" if paper.versions[paper.latest] == version else "queued",
        "sending again",
    )
    if document["status"] == "queued":
        paper.own = by_both(actor, paper.own, version.keys)
        paper.versions[paper.latest + 1] = version
        living.waiting = True


def _where(living: Living, paper: Paper) -> str:
    return f"/api/v1/knowledge-bases/{living.bases[paper.base]}/documents/{paper.id}"


def _may_change(actor: Someone, paper: Paper, otherwise: int) -> int:
    if not paper.opens_to(actor):
        return 404
    return otherwise if actor.manages(paper.base) else 403


def _with(living: Living, actor: Someone, paper: Paper) -> tuple[dict[str, Any], str, int]:
    """Whom to share with: the request, their key, and what the rules say of it."""
    kind = living.chance.choice(("person", "person", "person", "group", "group", "everyone"))
    if kind == "person":
        others = [one.number for one in living.inhabitants if not paper.opens_to(one)]
        to = living.chance.choice(
            others if others and living.chance.random() < 0.8 else range(len(living.ids))
        )
        return {"user_id": str(living.ids[to])}, person(to), 201
    if kind == "group":
        name = living.chance.choice(GROUPS)
        known = name in actor.groups or actor.role == "OrgAdmin"
        return {"group": name}, group(name), 201 if known else 422
    return {"everyone": True}, EVERYONE, 201 if actor.role == "OrgAdmin" else 403


async def share(living: Living, actor: Someone, paper: Paper) -> None:
    request, key, status = _with(living, actor, paper)
    living.story.append(f"{actor} shares {_told(paper)} with {key}")
    answer = await living.clients[actor.number].post(f"{_where(living, paper)}/shares", json=request)
    expected = _may_change(actor, paper, status)
    living.expect(answer.status_code, expected, "sharing")
    if expected == 201:
        living.waiting = True
        paper.shared_by.setdefault(key, actor.number)
        paper.shares.add(key)


async def unshare(living: Living, actor: Someone, paper: Paper) -> None:
    request, key, _ = _with(living, actor, paper)
    if paper.shares and living.chance.random() < 0.7:
        key = living.chance.choice(sorted(paper.shares))
        request = _request(living, key)
    living.story.append(f"{actor} takes {_told(paper)} back from {key}")
    path = f"{_where(living, paper)}/shares"
    answer = await living.clients[actor.number].delete(path, params=request)
    expected = _may_change(actor, paper, 204)
    living.expect(answer.status_code, expected, "taking back")
    if expected == 204:
        paper.shares.discard(key)
        paper.shared_by.pop(key, None)


def _request(living: Living, key: str) -> dict[str, Any]:
    kind, _, name = key.partition(":")
    if kind == EVERYONE:
        return {"everyone": True}
    return {"group": name} if kind == "group" else {"user_id": str(living.ids[int(name)])}


async def move(living: Living, actor: Someone, paper: Paper) -> None:
    target, path = living.chance.choice(sorted(living.bases)), living.chance.choice((*PATHS, paper.path))
    living.story.append(f"{actor} moves {_told(paper)} to {target}/{path}")
    answer = await living.clients[actor.number].post(
        f"{_where(living, paper)}/move", json={"knowledge_base_id": living.bases[target], "path": path}
    )
    expected = _may_move(living, actor, paper, (target, path))
    living.expect(answer.status_code, expected, "moving")
    if expected == 200 and (target, path) != (paper.base, paper.path):
        living.waiting = True
        _rebase(paper, actor, target)
        paper.base, paper.path = target, path


def _may_move(living: Living, actor: Someone, paper: Paper, place: tuple[Base, str]) -> int:
    if not actor.reads(place[0]):
        return 404
    allowed = _may_change(actor, paper, 200) if actor.manages(place[0]) else 403
    if allowed != 200 or place == (paper.base, paper.path):
        return allowed
    there = [one for one in living.papers if (one.base, one.path) == place and one.opens_to(actor)]
    return 409 if there else 200


def _rebase(paper: Paper, mover: Someone, target: Base) -> None:
    if target == paper.base:
        return
    newest = paper.versions[paper.latest]
    newest.keys = _moved(newest, target)
    paper.own = set(newest.keys)
    if paper.published is not None and paper.published != paper.latest:
        paper.own = by_both(mover, _moved(paper.versions[paper.published], target), newest.keys)


def _moved(version: Version, target: Base) -> set[str]:
    return {target} if version.groups is None else version.keys


async def restore(living: Living, actor: Someone, paper: Paper) -> None:
    number = living.chance.randint(1, paper.latest)
    living.story.append(f"{actor} restores version {number} of {_told(paper)}")
    answer = await living.clients[actor.number].post(f"{_where(living, paper)}/versions/{number}/restore")
    expected = _may_change(actor, paper, 202 if number in paper.opened_versions(actor) else 409)
    living.expect(answer.status_code, expected, "restoring")
    if expected == 202:
        living.waiting = True
        living.jobs[answer.json()["job_id"]] = actor.number
        named = frozenset(key.partition(":")[2] for key in paper.own if key.startswith("group:"))
        groups = None if paper.own == {paper.base} else named
        paper.versions[paper.latest + 1] = Version(paper.versions[number].word, set(paper.own), groups)


async def correct(living: Living, actor: Someone, paper: Paper) -> None:
    tag = f"tag{living.chance.randrange(100)}"
    living.story.append(f"{actor} calls {_told(paper)} {tag}")
    answer = await living.clients[actor.number].patch(_where(living, paper), json={"tags": [tag]})
    expected = _may_change(actor, paper, 200)
    living.expect(answer.status_code, expected, "correcting")
    if expected == 200:
        living.waiting = True
        paper.corrected = paper.tag = tag


async def remove(living: Living, actor: Someone, paper: Paper) -> None:
    living.story.append(f"{actor} deletes {_told(paper)}")
    answer = await living.clients[actor.number].delete(_where(living, paper))
    expected = _may_change(actor, paper, 204)
    living.expect(answer.status_code, expected, "deleting")
    if expected == 204:
        living.papers.remove(paper)
        living.gone.append(_where(living, paper))


async def change_group(living: Living, actor: Someone) -> None:
    name = living.chance.choice(GROUPS)
    values = {"organisation": living.organisation, "person": living.ids[actor.number], "group": name}
    leaving = name in actor.groups
    living.story.append(f"{actor} {'leaves' if leaving else 'joins'} {name}")
    async with living.people.ports.database.begin() as session:
        await session.execute(_LEAVE if leaving else _JOIN, values)
    actor.groups ^= {name}
    if not leaving:
        await _learn_bases(living, actor.number)


async def work(living: Living) -> None:
    living.story.append("the worker works")
    await living.worker.finish()
    for paper in living.papers:
        if paper.published != paper.latest:
            paper.publish()
    living.waiting = False


_TO_PAPERS: tuple[Callable[[Living, Someone, Paper], Awaitable[None]], ...] = (
    share, share, share, share, unshare, move, move, move, restore, restore, correct, remove,
)  # fmt: skip


async def act(living: Living) -> None:
    actor = living.chance.choice(living.inhabitants)
    dice = living.chance.random()
    if dice < 0.2 or not living.papers:
        await send(living, actor)
    elif dice < 0.3:
        await change_group(living, actor)
    elif dice < 0.4:
        await work(living)
    else:
        shared = [paper for paper in living.papers if paper.shares]
        # What was given is often taken back, or there would be little to lose.
        take_back = shared and living.chance.random() < 0.35
        change = unshare if take_back else living.chance.choice(_TO_PAPERS)
        paper = living.chance.choice(shared if shared and change is unshare else living.papers)
        if living.chance.random() < 0.75:
            managers = [one for one in living.inhabitants if one.manages(paper.base) and paper.opens_to(one)]
            actor = living.chance.choice(managers or [actor])
        await change(living, actor, paper)


async def begin(living: Living) -> None:
    """Something is there and can be found before people meddle with it."""
    for _ in range(3):
        await send(living, living.chance.choice(living.inhabitants))
    await work(living)


# What people see.


def opened(living: Living) -> list[set[tuple[str, int | None]]]:
    """By person, what they may find: to know whom an action has given or taken something."""
    return [
        {(paper.id, paper.published) for paper in living.papers if paper.opens_to(reader)}
        for reader in living.inhabitants
    ]


async def glance_around(living: Living, before: list[set[tuple[str, int | None]]]) -> None:
    """Those for whom something changed look at once, and now and then somebody for whom nothing did."""
    for reader, old, new in zip(living.inhabitants, before, opened(living), strict=True):
        if old != new or living.chance.random() < 0.15:
            await glance(living, reader)


async def glance(living: Living, reader: Someone) -> None:
    """What this person finds and has listed, wherever it is, and with which scores; without HTTP, to be
    cheap: `look` asks the same through it."""
    living.story.append(f"{reader} glances")
    visible = [paper for paper in living.papers if paper.opens_to(reader)]
    principal = (await living.identity.person(living.ids[reader.number])).principal
    async with living.people.ports.database.begin() as session:
        page = await living.documents.everywhere(session, principal, PageRequest(100, None), shared=False)
        living.expect(
            {str(one.id) for one in page.items}, {paper.id for paper in visible}, "documents listed"
        )
        result = await living.documents.query(session, principal, None, QueryRequest.model_validate(QUERY))
    _check_found(living, visible, [chunk.model_dump(mode="json") for chunk in result.chunks])


async def look(living: Living, reader: Someone) -> None:
    """Everything that this person can ask, against the rules; of bases and papers, some."""
    client = living.clients[reader.number]
    visible = [paper for paper in living.papers if paper.opens_to(reader)]
    found = {paper.id for paper in visible if paper.published is not None}
    living.story.append(f"{reader} looks")
    await _look_everywhere(living, reader, visible)
    await _look_at_gifts(living, reader, visible)
    bases = {one["id"]: one for one in await _items(client, "/api/v1/knowledge-bases")}
    expected = {id for base, id in living.bases.items() if reader.reads(base)}
    living.expect(set(bases), expected, "knowledge bases")
    for base, id in living.bases.items():
        if id in bases:
            count = sum(paper.base == base for paper in visible)
            living.expect(bases[id]["documents"], count, f"count in {base}")
            living.expect(bases[id].get("quota") is not None, reader.manages(base), "quota")
    for base in _some(living, sorted(living.bases), 2):
        here = [paper for paper in visible if paper.base == base]
        await _look_into(living, reader, base, here)
    for paper in _some(living, living.papers, 3):
        await _look_at(living, reader, paper, found)
    own = {job for job, starter in living.jobs.items() if starter == reader.number}
    told = {job["id"] for job in await _items(client, "/api/v1/jobs?limit=100")}
    living.expect(told, own, "jobs")
    for job in _some(living, sorted(living.jobs), 1):
        status = (await client.get(f"/api/v1/jobs/{job}")).status_code
        living.expect(status, 200 if job in own else 404, "a job")
    for path in _some(living, living.gone, 1):
        living.expect((await client.get(path)).status_code, 404, "a deleted document")


Thing = TypeVar("Thing")


def _some(living: Living, things: Sequence[Thing], most: int) -> list[Thing]:
    return living.chance.sample(things, min(most, len(things)))


async def _look_everywhere(living: Living, reader: Someone, visible: list[Paper]) -> None:
    client = living.clients[reader.number]
    everywhere = {one["id"] for one in await _items(client, "/api/v1/documents?limit=100")}
    living.expect(everywhere, {paper.id for paper in visible}, "documents everywhere")
    chunks = _ok(await client.post("/api/v1/documents/query", json=QUERY))["chunks"]
    _check_found(living, visible, chunks)


def _found_in(chunks: list[dict[str, Any]]) -> set[str]:
    """Of which documents: two with the same text are one result."""
    folded = [also["doc_id"] for chunk in chunks for also in chunk.get("also_in") or ()]
    return {chunk["metadata"]["doc_id"] for chunk in chunks} | set(folded)


def _check_found(living: Living, visible: list[Paper], chunks: list[dict[str, Any]]) -> None:
    told = _found_in(chunks)
    found = [(chunk["chunk_id"], chunk["score"]) for chunk in chunks]
    living.expect(told, {paper.id for paper in visible if paper.published is not None}, "found everywhere")
    # What is hidden moves no score: whoever finds the same, whenever, finds it with the same scores.
    same = frozenset((paper.id, paper.published) for paper in visible if paper.published is not None)
    scores = tuple((str(chunk), score) for chunk, score in found)
    living.expect(scores, living.scores.setdefault(same, scores), "scores")


async def _look_at_gifts(living: Living, reader: Someone, visible: list[Paper]) -> None:
    given = {
        paper.id
        for paper in visible
        if any(key in reader.keys and by != reader.number for key, by in paper.shared_by.items())
    }
    path = "/api/v1/documents?shared=true&limit=100"
    shared = {one["id"] for one in await _items(living.clients[reader.number], path)}
    living.expect(shared, given, "shared with me")


async def _look_into(living: Living, reader: Someone, base: Base, here: list[Paper]) -> None:
    client, path = living.clients[reader.number], f"/api/v1/knowledge-bases/{living.bases[base]}"
    if not reader.reads(base):
        answers = {(await client.get(f"{path}/{part}")).status_code for part in ("documents", "facets")}
        answers.add((await client.post(f"{path}/query", json=QUERY)).status_code)
        living.expect(answers, {404}, f"what {base} answers")
        return
    listed = {one["id"] for one in await _items(client, f"{path}/documents?limit=100")}
    living.expect(listed, {paper.id for paper in here}, "documents listed")
    facets = _ok(await client.get(f"{path}/facets"))
    tags = sorted(paper.tag for paper in here if paper.published is not None)
    told = sorted(item["value"] for item in facets["tags"] for _ in range(item["count"]))
    living.expect(told, tags, "facets")
    if not living.waiting:
        chunks = _ok(await client.post(f"{path}/query", json=QUERY))["chunks"]
        expected = {paper.id for paper in here if paper.published is not None}
        living.expect(_found_in(chunks), expected, "found in one base")


async def _look_at(living: Living, reader: Someone, paper: Paper, found: set[str]) -> None:
    client, path = living.clients[reader.number], _where(living, paper)
    seen = paper.opens_to(reader)
    content = await client.get(f"/api/v1/documents/{paper.id}/content")
    living.expect(content.status_code, 404 if not seen else 200 if paper.id in found else 409, "content")
    if paper.published is not None and seen:
        word = f"zebra{paper.versions[paper.published].word} "
        living.expect(word in content.text, True, "the text of the published version")
    living.expect((await client.get(path)).status_code, 200 if seen else 404, "about")
    managed = 404 if not seen else 200 if reader.manages(paper.base) else 403
    living.expect((await client.get(f"{path}/shares")).status_code, managed, "shares")
    versions = await client.get(f"{path}/versions")
    if not seen:
        living.expect(versions.status_code, 404, "versions")
        return
    told = {one["version"] for one in _ok(versions)["items"]}
    living.expect(told, paper.opened_versions(reader), "versions")
    number = living.chance.randint(1, paper.latest)
    old = await client.get(f"/api/v1/documents/{paper.id}/content?format=original&version={number}")
    living.expect(old.status_code, 200 if number in told else 409, "an older version")


async def _items(client: AsyncClient, path: str) -> list[dict[str, Any]]:
    return _ok(await client.get(path))["items"]


def _ok(answer: Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()


def _told(paper: Paper) -> str:
    return f"{paper.base}/{paper.path} ({paper.id[:4]}, v{paper.latest}, {paper.published})"
