"""Which service scope a document gets, and why."""

from dataclasses import replace
from pathlib import Path

import pytest

from knowledge.document import Block, LoadedDocument
from platform_api.app import build_app
from platform_api.library.errors import UnknownScope
from platform_api.library.service.scopes import Assigned, BadScopes, Scopes
from tests.platform_api.library.steps import listed, personal_base, upload
from tests.platform_api.people import People
from tests.platform_api.work import Work

SHIPPED = Path(__file__).parents[3] / "examples/scopes.yaml"


def loaded(title: str = "Notes", *headings: str, scope: str = "") -> LoadedDocument:
    blocks = tuple(Block("heading", text, level=2, anchor=f"h{n}") for n, text in enumerate(headings))
    return LoadedDocument(title, "text/markdown", blocks, {"service_scope": scope} if scope else {})


def assigned(
    document: LoadedDocument,
    *,
    corrected: str | None = None,
    declared: str | None = None,
    path: str = "notes.md",
    url: str = "/api/v1/documents/1/content",
) -> Assigned:
    return Scopes.load(SHIPPED).assign(
        corrected=corrected, declared=declared, path=path, url=url, loaded=document
    )


@pytest.mark.proves("LIBRARY-012")
def test_who_knows_better_decides() -> None:
    drone = loaded("Drone rules", scope="ace")
    everything = assigned(drone, corrected="defence", declared="general", path="aero_fixed/a.md")
    assert everything == Assigned("defence", "set by an editor")
    assert assigned(drone, declared="general", path="aero_fixed/a.md").scope == "general"
    assert assigned(drone, path="aero_fixed/a.md").scope == "ace"
    by_rule = assigned(loaded("Drone rules"), path="aero_fixed/deep/a.md")
    assert by_rule == Assigned("aero_fixed", "its path fits the rule 'aero_fixed/**'")
    assert assigned(loaded(), url="https://example.com/uas/rules").scope == "uas"
    assert assigned(loaded("Drone rules")) == Assigned("uas", "its title and headings say 'drone'")
    assert assigned(loaded("Rules")) == Assigned("general", "nothing points elsewhere")


def test_words_decide_only_where_they_are_clear() -> None:
    assert assigned(loaded("Rules", "Cadets")).scope == "general"  # one heading is too little
    assert assigned(loaded("Rules", "Cadets", "Your flying school")).scope == "ace"
    assert assigned(loaded("Military drones")).scope == "general"  # two scopes, none ahead
    assert assigned(loaded("Military drones", "Remote pilots", "UAS types")).scope == "uas"
    assert assigned(loaded("A pace of space")).scope == "general"  # parts of words say nothing


def test_a_scope_that_front_matter_invents_is_passed_over_and_told() -> None:
    answer = assigned(loaded("Drone rules", scope="drohnen"))
    assert answer.scope == "uas"
    assert "'drohnen', which is not a scope" in answer.reason


def test_without_a_taxonomy_every_name_is_a_scope_and_nothing_is_guessed() -> None:
    scopes = Scopes.load(None)
    scopes.check("anything")
    for document, scope in ((loaded("Drone rules"), "general"), (loaded("Rules", scope="people"), "people")):
        given = scopes.assign(corrected=None, declared=None, path="a", url="b", loaded=document)
        assert given.scope == scope


def test_an_unknown_scope_is_refused_with_the_list() -> None:
    with pytest.raises(UnknownScope, match="uas, ace, aero_fixed, defence, general"):
        Scopes.load(SHIPPED).check("people")


@pytest.mark.parametrize(
    "text", ["scopes: 3", "scopes: [{name: a}]\ndefault: b", "colours: []", "scopes: [", "- a"]
)
def test_a_file_that_cannot_be_understood_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "scopes.yaml"
    path.write_text(text)
    with pytest.raises(BadScopes, match=r"scopes\.yaml"):
        Scopes.load(path)


@pytest.mark.proves("LIBRARY-011", "LIBRARY-012")
async def test_a_corrected_scope_stays_when_the_document_is_read_again(people: People) -> None:
    settings = people.ports.library_settings.model_copy(update={"scopes": SHIPPED})
    ports = replace(people.ports, library_settings=settings)
    worker = Work(ports)
    async with People(ports, build_app(ports)) as scoped:
        maya = scoped.maya
        base = await personal_base(maya)
        refused = await upload(maya, base, ("a.md", "# A\n\ntext"), metadata={"service_scope": "people"})
        sent = await upload(maya, base, ("uas/a.md", "# A\n\ntext"))
        document = sent.json()["documents"][0]["id"]
        await worker.finish()
        first = (await listed(maya, base))[0]
        path = f"/api/v1/knowledge-bases/{base}/documents/{document}"
        unknown = await maya.patch(path, json={"service_scope": "people"})
        await maya.patch(path, json={"service_scope": "ace"})
        await upload(maya, base, ("uas/a.md", "# A\n\nother text"))
        await worker.finish()
        corrected = (await listed(maya, base))[0]
        await maya.patch(path, json={"service_scope": None})
        await worker.finish()
        automatic = (await listed(maya, base))[0]

    assert refused.json()["code"] == unknown.json()["code"] == "unknown_service_scope"
    assert (first["service_scope"], first["scope_reason"]) == ("uas", "its path fits the rule 'uas/**'")
    assert (corrected["service_scope"], corrected["scope_reason"]) == ("ace", "set by an editor")
    assert (automatic["service_scope"], automatic["corrected"]) == ("uas", [])
