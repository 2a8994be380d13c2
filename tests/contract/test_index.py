"""The contract of the index port, over every implementation."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient

from access.keys import AccessKeys, group_key, organisation_key
from knowledge.embed.vectors import SentenceVectors
from knowledge.index import Held, Index, IndexedChunk, IndexFilter
from knowledge.index.edge import open_edge
from knowledge.index.remote import connect_remote
from knowledge.index.server_store import ServerStore
from knowledge.index.serving import serving
from knowledge.index.stored import StoredIndex
from tests.knowledge.index.samples import BASE, DIMENSIONS, NOW, chunk, document, facts, texts_found, vector


@dataclass(frozen=True)
class Org:
    """Keys of people of an organisation that no other test knows."""

    id: UUID = field(default_factory=uuid4)

    @property
    def staff(self) -> AccessKeys:
        return AccessKeys([organisation_key(self.id)])

    @property
    def finance_only(self) -> AccessKeys:
        return AccessKeys([group_key(self.id, "finance")])

    @property
    def finance(self) -> AccessKeys:
        return AccessKeys([*self.staff, *self.finance_only])


@pytest.fixture
def org() -> Org:
    return Org()


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """One for all tests here, since making one takes a second; each test has its own organisation."""
    made = open_edge(tmp_path_factory.mktemp("edge"), "test", DIMENSIONS)
    yield made
    asyncio.run(made.close())


@pytest.fixture(params=["edge", "remote", "server_double", "server"])
async def index(request: pytest.FixtureRequest, tmp_path: Path, edge: Index) -> AsyncIterator[Index]:
    if request.param == "edge":
        yield edge
    elif request.param == "remote":
        async with serving(edge, tmp_path / "s"):
            remote = connect_remote(tmp_path / "s")
            yield remote
            await remote.close()
    else:
        made = _double() if request.param == "server_double" else _real_server()
        yield made
        await made.close()


def _double() -> Index:
    return StoredIndex(ServerStore(AsyncQdrantClient(location=":memory:"), "test", DIMENSIONS))


def _real_server() -> Index:
    url = os.environ.get("SWITCHBOARD_QDRANT__URL")
    if not url:
        pytest.skip("no Qdrant server: set SWITCHBOARD_QDRANT__URL to run the contract against one")
    return StoredIndex(ServerStore(AsyncQdrantClient(url=url), f"contract-{uuid4().hex}", DIMENSIONS))


@pytest.fixture
def doc() -> UUID:
    return uuid4()


# The client's in-memory mode checks our requests where there is no server; it is exact anyway and says so.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Payload indexes have no effect in the local Qdrant:UserWarning",
    "ignore:Local mode performs exact:UserWarning",
)


async def test_a_published_document_is_found_by_meaning_and_by_words(
    index: Index, org: Org, doc: UUID
) -> None:
    await index.publish(doc, document(doc, ["annual leave", "parking permits"]), org.staff)

    hits = await index.search(org.staff, IndexFilter(), vector=vector("annual leave"), text="annual", limit=5)

    by_text = {hit.stored.chunk.text: hit for hit in hits}
    assert by_text["annual leave"].dense == pytest.approx(1.0, abs=1e-5)
    assert (by_text["annual leave"].sparse or 0) > 0
    assert by_text["parking permits"].sparse is None


async def test_what_is_found_comes_back_as_it_was_published(index: Index, org: Org, doc: UUID) -> None:
    [published] = document(doc, ["annual leave"], tags=("hr", "2026"), etag='"e"', last_modified=None)
    await index.publish(doc, [published], org.staff)

    [hit] = await index.search(org.staff, IndexFilter(), vector=None, text="annual", limit=5)

    assert hit.stored.chunk == published.chunk
    assert hit.stored.facts == published.facts
    assert hit.dense is None


@pytest.mark.proves("INDEX-001")
async def test_without_a_key_of_the_document_nothing_of_it_is_seen(index: Index, org: Org, doc: UUID) -> None:
    chunks = document(doc, ["salary bands"])
    await index.publish(doc, chunks, org.finance_only)

    assert await texts_found(index, org.finance, "salary bands") == {"salary bands"}
    for keys in (org.staff, Org().staff):
        assert await texts_found(index, keys, "salary bands") == set()
        assert await index.fetch(keys, [chunks[0].chunk.chunk_id]) == []
        assert not any((await index.facets(keys, IndexFilter())).values())


@pytest.mark.proves("INDEX-001")
async def test_hidden_documents_move_no_score_of_visible_ones(index: Index, org: Org, doc: UUID) -> None:
    async def scores() -> list[tuple[float | None, float | None]]:
        hits = await index.search(
            org.staff, IndexFilter(), vector=vector("salary"), text="salary bands", limit=9
        )
        return [(hit.dense, hit.sparse) for hit in hits]

    await index.publish(doc, document(doc, ["salary bands", "salary dates", "desks"]), org.staff)
    before = await scores()
    for _ in range(5):
        hidden = uuid4()
        await index.publish(hidden, document(hidden, ["salary bands", "salary cuts"]), org.finance_only)

    assert await scores() == before


async def test_hits_have_both_scores_though_each_list_is_short(index: Index, org: Org, doc: UUID) -> None:
    texts = ["annual leave", "leave leave parking", "sick days", "annual report numbers"]
    await index.publish(doc, document(doc, texts), org.staff)

    hits = await index.search(org.staff, IndexFilter(), vector=vector("sick days"), text="annual", limit=1)

    assert {hit.stored.chunk.text for hit in hits} > {"sick days"}
    assert all(hit.dense is not None for hit in hits)
    whole = await index.search(org.staff, IndexFilter(), vector=vector("sick days"), text="annual", limit=50)
    scores = {hit.stored.chunk.chunk_id: (hit.dense, hit.sparse) for hit in whole}
    for hit in hits:
        assert (hit.dense, hit.sparse) == pytest.approx(scores[hit.stored.chunk.chunk_id])


async def test_a_new_version_replaces_the_old_and_keeps_known_vectors(
    index: Index, org: Org, doc: UUID
) -> None:
    await index.publish(doc, document(doc, ["kept words", "old words"]), org.staff)
    known = await index.known(doc)
    kept, new = document(doc, ["kept words", "new words"], version=2)
    assert kept.chunk.chunk_id in known

    await index.publish(doc, [IndexedChunk(kept.chunk, kept.facts, None), new], org.staff)

    assert await texts_found(index, org.staff, "words") == {"kept words", "new words"}
    [hit] = [
        hit
        for hit in await index.search(
            org.staff, IndexFilter(), vector=vector("kept words"), text=None, limit=9
        )
        if hit.stored.chunk.text == "kept words"
    ]
    assert hit.dense == pytest.approx(1.0, abs=1e-5)
    assert hit.stored.facts.version == 2


async def test_a_field_that_a_new_version_lost_is_gone(index: Index, org: Org, doc: UUID) -> None:
    await index.publish(doc, document(doc, ["kept"], etag="e", tags=("hr",)), org.staff)
    await index.publish(doc, document(doc, ["kept"], last_modified=None), org.staff)

    [stored] = await index.fetch(org.staff, [chunk(doc, "kept").chunk_id])
    assert (stored.facts.etag, stored.facts.tags, stored.facts.last_modified) == (None, (), None)
    assert await texts_found(index, org.staff, "kept", IndexFilter(tags=("hr",))) == set()
    assert await texts_found(index, org.staff, "kept", IndexFilter(before=NOW + timedelta(days=1))) == set()


async def test_publishing_nothing_leaves_nothing(index: Index, org: Org, doc: UUID) -> None:
    await index.publish(doc, document(doc, ["words"]), org.staff)
    await index.publish(doc, [], org.staff)
    assert await index.known(doc) == frozenset()


async def test_a_chunk_without_any_vector_is_refused(index: Index, org: Org, doc: UUID) -> None:
    bare = IndexedChunk(chunk(doc, "words"), facts(doc), None)
    with pytest.raises(ValueError, match="no vector"):
        await index.publish(doc, [bare], org.staff)


async def test_a_chunk_of_another_document_is_refused(index: Index, org: Org, doc: UUID) -> None:
    with pytest.raises(ValueError, match="does not belong"):
        await index.publish(doc, document(uuid4(), ["words"]), org.staff)


async def test_access_can_be_changed_taken_and_given_back(index: Index, org: Org, doc: UUID) -> None:
    await index.publish(doc, document(doc, ["words"]), org.staff)

    await index.set_access(doc, org.finance_only)
    assert await texts_found(index, org.staff, "words") == set()
    assert await texts_found(index, org.finance, "words") == {"words"}

    await index.set_access(doc, None)
    assert await texts_found(index, org.finance, "words") == set()

    await index.set_access(doc, org.staff)
    assert await texts_found(index, org.staff, "words") == {"words"}


@pytest.mark.proves("INDEX-001")
async def test_documents_beyond_the_knowledge_bases_of_a_token_move_no_score(
    index: Index, org: Org, doc: UUID
) -> None:
    limited = IndexFilter(knowledge_base_ids=frozenset([BASE]))
    await index.publish(doc, document(doc, ["salary review", "salary date", "annual review"]), org.staff)

    async def scores() -> dict[str, float | None]:
        hits = await index.search(org.staff, limited, vector=None, text="salary review", limit=5)
        return {hit.stored.chunk.text: hit.sparse for hit in hits}

    before = await scores()
    other = uuid4()
    theirs = document(other, ["salary bands", "salary cuts"], knowledge_base_id=uuid4())
    await index.publish(other, theirs, org.staff)

    assert len(before) == 3
    assert await scores() == pytest.approx(before)


async def test_a_removed_document_is_gone_and_others_stay(index: Index, org: Org, doc: UUID) -> None:
    other = uuid4()
    await index.publish(doc, document(doc, ["first words"]), org.staff)
    await index.publish(other, document(other, ["second words"]), org.staff)

    await index.remove(doc)

    assert await texts_found(index, org.staff, "words") == {"second words"}
    assert await index.known(doc) == frozenset()


async def test_fetch_keeps_the_order_asked_and_drops_what_is_not_there(
    index: Index, org: Org, doc: UUID
) -> None:
    chunks = document(doc, ["one", "two", "three"])
    await index.publish(doc, chunks, org.staff)
    first, second, third = (indexed.chunk.chunk_id for indexed in chunks)

    fetched = await index.fetch(org.staff, [third, uuid4(), first, third])

    assert [stored.chunk.text for stored in fetched] == ["three", "one"]
    assert await index.fetch(org.staff, []) == []
    assert await index.fetch(org.staff, [second], frozenset()) == []
    assert await index.fetch(org.staff, [second], frozenset([uuid4()])) == []
    assert len(await index.fetch(org.staff, [second], frozenset([BASE]))) == 1


@pytest.mark.proves("INDEX-004")
async def test_sentence_vectors_come_back_to_those_who_may_read_the_chunk(
    index: Index, org: Org, doc: UUID
) -> None:
    one, two, bare = (indexed.chunk for indexed in document(doc, ["one", "two", "bare"]))
    vectors = SentenceVectors(((0, 2), (2, 3)), np.arange(-32, 0, dtype=np.int8).reshape(2, 16))
    empty = SentenceVectors((), np.empty((0, 16), np.int8))
    published = [
        IndexedChunk(one, facts(doc), vector("one"), vectors),
        IndexedChunk(two, facts(doc), vector("two"), empty),
        IndexedChunk(bare, facts(doc), vector("bare")),
    ]
    await index.publish(doc, published, org.finance_only)
    # Published again without vectors, they stay.
    await index.publish(
        doc, [IndexedChunk(each.chunk, each.facts, None) for each in published], org.finance_only
    )

    found = await index.sentences(org.finance, [one.chunk_id, two.chunk_id, bare.chunk_id, uuid4()])

    assert found.keys() == {one.chunk_id, two.chunk_id}
    assert found[one.chunk_id].spans == vectors.spans
    assert np.array_equal(found[one.chunk_id].rows, vectors.rows)
    assert found[two.chunk_id].rows.shape == (0, 16)
    assert await index.sentences(org.staff, [one.chunk_id]) == {}
    assert await index.sentences(org.finance, []) == {}


async def test_neighbours_are_as_in_the_version_that_is_found(index: Index, org: Org, doc: UUID) -> None:
    first, second = document(doc, ["first", "second"])
    await index.publish(doc, [first, second], org.staff)
    linked = replace(first.chunk, next_id=second.chunk.chunk_id)
    await index.publish(doc, [IndexedChunk(linked, first.facts, None), second], org.staff)

    [stored] = await index.fetch(org.staff, [first.chunk.chunk_id])

    assert stored.chunk.next_id == second.chunk.chunk_id


@pytest.mark.proves("INDEX-005")
async def test_the_inventory_tells_what_is_held_of_each_document(index: Index, org: Org, doc: UUID) -> None:
    nobodys = uuid4()
    await index.publish(doc, document(doc, ["one", "two"], version=3), org.finance)
    await index.publish(nobodys, document(nobodys, ["three"]), org.staff)
    await index.set_access(nobodys, None)
    removed = uuid4()
    await index.publish(removed, document(removed, ["four"]), org.staff)
    await index.remove(removed)

    held = dict([found async for found in index.inventory()])

    assert held[doc] == Held(3, chunks=2, pending=0, keys=frozenset(org.finance), updated_at=NOW)
    assert held[nobodys] == Held(1, chunks=1, pending=0, keys=frozenset(), updated_at=NOW)
    assert removed not in held


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        (IndexFilter(), {"a", "b"}),
        (IndexFilter(knowledge_base_ids=frozenset()), set[str]()),
        (IndexFilter(knowledge_base_ids=frozenset([BASE])), {"a"}),
        (IndexFilter(service_scope="uas"), {"b"}),
        (IndexFilter(doc_type="guide"), {"b"}),
        (IndexFilter(source="crawl"), {"b"}),
        (IndexFilter(privacy_level="public"), {"b"}),
        (IndexFilter(tags=("x",)), {"a", "b"}),
        (IndexFilter(tags=("x", "y")), {"b"}),
        (IndexFilter(section=" sick  LEAVE "), {"b"}),
        (IndexFilter(section="handbook"), {"a", "b"}),
        (IndexFilter(after=NOW), {"a"}),
        (IndexFilter(before=NOW), {"b"}),
        (IndexFilter(after=NOW - timedelta(days=9), before=NOW + timedelta(days=1)), {"a", "b"}),
        (IndexFilter(doc_type="guide", source="upload"), set[str]()),
    ],
)
async def test_filters_narrow(index: Index, org: Org, filter: IndexFilter, found: set[str]) -> None:
    one, two = uuid4(), uuid4()
    await index.publish(one, document(one, ["a"], tags=("x",)), org.staff)
    other = document(
        two,
        ["b"],
        section="Sick leave",
        knowledge_base_id=UUID(int=77),
        service_scope="uas",
        doc_type="guide",
        source="crawl",
        privacy_level="public",
        tags=("x", "y"),
        last_modified=NOW - timedelta(days=1),
    )
    await index.publish(two, other, org.staff)

    assert await texts_found(index, org.staff, "a b", filter) == found


async def test_facets_count_documents_not_chunks(index: Index, org: Org, doc: UUID) -> None:
    await index.publish(doc, document(doc, ["one", "two", "three"], tags=("hr",)), org.staff)
    guide = uuid4()
    await index.publish(
        guide, document(guide, ["four", "five"], doc_type="guide", section="Desks"), org.staff
    )

    facets = await index.facets(org.staff, IndexFilter())
    assert facets["doc_type"] == {"policy": 1, "guide": 1}
    assert facets["tags"] == {"hr": 1}
    assert facets["source"] == {"upload": 2}
    assert (await index.facets(org.staff, IndexFilter(section="desks")))["doc_type"] == {"guide": 1}
    assert (await index.facets(org.staff, IndexFilter(section="none such")))["doc_type"] == {}
    assert not any((await index.facets(org.staff, IndexFilter(knowledge_base_ids=frozenset()))).values())


async def test_facets_count_a_document_whose_first_chunk_lies_outside_the_section(
    index: Index, org: Org, doc: UUID
) -> None:
    [intro] = document(doc, ["intro"], section="Intro")
    later = IndexedChunk(chunk(doc, "later", 1, "Later"), facts(doc), vector("later"))
    await index.publish(doc, [intro, later], org.staff)

    assert (await index.facets(org.staff, IndexFilter(section="later")))["doc_type"] == {"policy": 1}


@pytest.mark.parametrize(
    "text", ["", "   ", "???", "the of and", "你好", "ไทย", "🦊", "\x00\x01", "a" * 5000]
)
async def test_no_text_breaks_a_search(index: Index, org: Org, doc: UUID, text: str) -> None:
    await index.publish(doc, document(doc, ["你好世界", "words"]), org.staff)
    hits = await index.search(org.staff, IndexFilter(), vector=None, text=text, limit=5)
    assert {hit.stored.chunk.text for hit in hits} == ({"你好世界"} if text == "你好" else set())


async def test_a_large_document_is_published_whole(index: Index, org: Org, doc: UUID) -> None:
    texts = [f"paragraph {number}" for number in range(150)]
    await index.publish(doc, document(doc, texts), org.staff)
    assert len(await index.known(doc)) == 150
    hits = await index.search(org.staff, IndexFilter(), vector=vector("paragraph"), text=None, limit=150)
    assert len(hits) == 150


async def test_many_calls_at_once_each_get_their_own_answer(index: Index, org: Org) -> None:
    ids = [uuid4() for _ in range(20)]
    await asyncio.gather(*(index.publish(id, document(id, [f"word{id.hex}"]), org.staff) for id in ids))

    found = await asyncio.gather(
        *(index.search(org.staff, IndexFilter(), vector=None, text=f"word{id.hex}", limit=3) for id in ids)
    )

    assert [[hit.stored.chunk.doc_id for hit in hits] for hits in found] == [[id] for id in ids]


async def test_two_versions_published_at_once_end_as_one_of_them(index: Index, org: Org, doc: UUID) -> None:
    versions = [[f"v{number} a", f"v{number} b"] for number in range(4)]
    await asyncio.gather(*(index.publish(doc, document(doc, texts), org.staff) for texts in versions))
    assert await texts_found(index, org.staff, "a b") in [set(texts) for texts in versions]
