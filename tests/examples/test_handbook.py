"""The sample handbook, its questions and its claims hold together."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from knowledge.chunk import chunk
from knowledge.document import LoadedDocument
from knowledge.load import load
from scripts.make_sample_documents import DOCUMENTS
from tests.knowledge.chunk.test_layout import DOC

HANDBOOK = Path(__file__).parents[2] / "examples" / "handbook"
FILES = sorted(
    path.relative_to(HANDBOOK).as_posix()
    for path in HANDBOOK.rglob("*")
    if path.is_file() and path.suffix != ".yaml"
)


@cache
def read(name: str) -> LoadedDocument:
    return load((HANDBOOK / name).read_bytes(), name)


def entries(name: str) -> list[dict[str, Any]]:
    return yaml.safe_load((HANDBOOK / name).read_text(encoding="utf-8"))


def words(text: str) -> str:
    return " ".join(text.split()).lower()


def mentions(text: str, absent: str) -> bool:
    return re.search(rf"\b{re.escape(absent.lower())}s?\b", text) is not None


@pytest.mark.parametrize("name", FILES)
def test_every_document_is_read_with_a_title_and_chunks(name: str) -> None:
    document = read(name)

    assert len(document.blocks) >= 3
    assert document.title
    assert chunk(document, DOC)


def test_it_has_every_format_and_a_department_only_part() -> None:
    mapping = yaml.safe_load((HANDBOOK / "handbook.yaml").read_text(encoding="utf-8"))["folders"]

    assert {Path(name).suffix for name in FILES} == {".md", ".html", ".docx", ".xlsx", ".pdf"}
    assert {name.split("/", maxsplit=1)[0] for name in FILES} == set(mapping)
    assert {folder: rule.get("groups") for folder, rule in mapping.items()} == {
        "company": None,
        "operations": ["operations"],
        "finance": ["finance"],
        "people": ["people"],
    }


def test_the_outdated_page_says_what_replaced_it() -> None:
    outdated = [name for name in FILES if read(name).metadata.get("status") == "outdated"]

    assert outdated == ["company/expenses-guide-2024.md"]
    assert read(outdated[0]).metadata["superseded_by"] in FILES


@pytest.mark.parametrize("question", entries("golden.yaml"), ids=lambda entry: entry["id"])
def test_a_question_is_answered_by_its_pages(question: dict[str, Any]) -> None:
    pages = {name: words(read(name).text) for name in question["expected_sources"]}
    everything = words(" ".join(read(name).text for name in FILES))

    for evidence in [question["evidence"], *question.get("more_evidence", [])]:
        assert any(words(evidence) in text for text in pages.values()) or not evidence
    for literal in question["answer_must_contain"]:
        assert any(literal.lower() in text for text in pages.values())
    for absent in question.get("checked_absent", []):
        assert not mentions(everything, absent), absent
    assert (question["kind"] == "unanswerable") == (not pages)


@pytest.mark.parametrize("claim", entries("claims.yaml"), ids=lambda entry: entry["id"])
def test_a_claim_is_labelled_after_its_page(claim: dict[str, Any]) -> None:
    text = words(read(claim["source_file"]).text)

    assert words(claim["evidence"]) in text
    assert bool(claim["evidence"]) == (claim["label"] != "unsupported")
    assert not any(mentions(text, absent) for absent in claim.get("checked_absent", []))


def test_there_are_enough_questions_and_claims_of_each_kind() -> None:
    kinds = [entry["kind"] for entry in entries("golden.yaml")]
    labels = [entry["label"] for entry in entries("claims.yaml")]

    assert len(kinds) >= 20
    assert kinds.count("unanswerable") >= 5
    assert kinds.count("conflict") >= 1
    assert min(labels.count(label) for label in ("supported", "contradicted", "unsupported")) >= 6


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_the_committed_binaries_are_what_the_script_makes(name: str) -> None:
    assert read(name).blocks == load(DOCUMENTS[name](), name).blocks
