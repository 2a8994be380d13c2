"""Real files come out as a person reads them: text, levels, tables, pages, anchors, facts."""

import difflib
from pathlib import Path

import pytest

from knowledge.load import load
from tests.knowledge.load.golden import dump, golden_of, samples
from tests.knowledge.load.made import shown

CORPUS = Path(__file__).parents[3].parent / "shared" / "corpus" / "tts-handbook"


@pytest.mark.proves("LOAD-030")
@pytest.mark.parametrize("path", samples(), ids=lambda path: path.name)
def test_a_file_reads_as_its_golden_text(path: Path) -> None:
    read = dump(load(path.read_bytes(), path.name))

    golden = golden_of(path).read_text(encoding="utf-8")
    assert read == golden, "\n".join(difflib.unified_diff(golden.split("\n"), read.split("\n"), lineterm=""))


@pytest.mark.proves("LOAD-030")
def test_the_same_document_by_four_programs_has_the_same_headings_and_anchors() -> None:
    kinds = [load(path.read_bytes(), path.name) for path in samples() if path.stem == "handbook"]

    anchors = [
        [block.anchor for block in document.blocks if block.kind == "heading" and block.level > 1]
        for document in kinds
        if document.content_type != "application/rtf"
    ]
    assert len(anchors) == 3
    assert anchors[0] == anchors[1] == anchors[2]
    assert anchors[0] == ["steps-at-the-gate", "fares", "radio-log", "lost-entries"]


@pytest.mark.full
@pytest.mark.proves("LOAD-031")
@pytest.mark.skipif(not CORPUS.exists(), reason="the public handbook is not at hand")
@pytest.mark.parametrize(
    ("name", "title", "contained"),
    [
        (
            "EFT_Enrollment_Form.pdf",
            "ELECTRONIC FUNDS TRANSFER (EFT) ENROLLMENT FORM",
            [
                "table: Financial Institution Name | Financial Institution Routing Transit Number (RTN) "
                "9 digits\n"
                "Depositor Account Number | Account Type Checking Savings\nPayee Email | Work Phone",
                "paragraph: Home Address City State ZIP",
            ],
        ),
        (
            "my-form.pdf",
            "my form",
            ["This page intentionally left blank, except for the text that is on it. This is just"],
        ),
        (
            "TEMPLATE_Team_charter.docx",
            "[Project name] team charter",
            [
                "heading2: 18F team members\ntable: Name | Role | Location | Pronouns | Allocation\n"
                "@ Name | Title or chapter | City or time zone | – | % time",
                "- For interviews\n  - How will we identify a notetaker?\n  - Verbatim or summary?",
            ],
        ),
        (
            "TEMPLATE_Weekly_ship_template.docx",
            "Weekly ship",
            [
                "5. Fill in its sections. Invite your teammates to contribute.\n  1. Focus on outcomes",
                "heading2: Risks/blockers\nlist: - [Tactfully but honestly list risks",
            ],
        ),
        (
            "TEMPLATE_Risk_tracker.xlsx",
            "TEMPLATE Risk tracker",
            ["heading1: Risks\ntable: Title | Description | Impact | Likelihood | Status | Mitigation;"],
        ),
        (
            "TEMPLATE_Project_README.docx",
            "Project README — Welcome to [PROJECT NAME]!",
            ["heading2: Key contacts"],
        ),
        (
            "TEMPLATE_Internal_kickoff_agenda.docx",
            "[Project Name] Internal Kickoff",
            ["- Round 1:\n  - What are"],
        ),
    ],
)
def test_the_files_of_a_public_handbook_read_as_a_person_reads_them(
    name: str, title: str, contained: list[str]
) -> None:
    document = load((CORPUS / "downloads" / name).read_bytes(), name)

    assert document.title == title
    for part in contained:
        assert part in shown(document.blocks)
