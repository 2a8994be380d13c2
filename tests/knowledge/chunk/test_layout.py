"""Cutting along headings: what a reader would keep together stays together."""

import textwrap
from uuid import UUID

import pytest

from knowledge.chunk import chunk, estimate_tokens
from knowledge.document import Chunk
from knowledge.load import load

DOC = UUID("7b1e4d4c-0000-4000-8000-000000000001")


def chunks(source: str, max_tokens: int | None = None) -> list[Chunk]:
    return chunk(load(textwrap.dedent(source).encode(), "page.md"), DOC, max_tokens=max_tokens)


def sentences(word: str, count: int) -> str:
    return " ".join(f"The {word} number {n} is checked before sailing." for n in range(count))


def test_sections_are_boundaries_and_say_where_they_stand() -> None:
    found = chunks(
        f"""\
        ---
        title: Crew
        ---
        Welcome aboard.

        ## Pay

        {sentences("payslip", 12)}

        ### Overtime

        {sentences("hour", 12)}
        """
    )

    assert [(piece.section_path, piece.section_title, piece.anchor) for piece in found] == [
        ((), "", ""),
        (("Pay",), "Pay", "pay"),
        (("Pay", "Overtime"), "Overtime", "overtime"),
    ]
    assert {piece.page_title for piece in found} == {"Crew"}
    assert [piece.chunk_index for piece in found] == [0, 1, 2]
    assert found[0].text == "Welcome aboard."


def test_a_heading_that_repeats_the_title_is_not_in_the_path() -> None:
    (found,) = chunks("# Crew\n\nWelcome aboard.\n")

    assert (found.page_title, found.section_path, found.anchor) == ("Crew", (), "crew")


def test_small_sections_under_one_parent_stay_together_with_their_headings() -> None:
    found = chunks(
        "# T\n\n## Contacts\n\n### Day\n\nCall 5550.\n\n### Night\n\nCall 5551.\n\n## Fees\n\nNone.\n"
    )

    assert [(piece.section_title, piece.anchor, piece.text) for piece in found] == [
        ("Contacts", "contacts", "Day\n\nCall 5550.\n\nNight\n\nCall 5551."),
        ("Fees", "fees", "None."),
    ]


def test_a_list_stays_whole_with_the_line_that_announces_it() -> None:
    items = "\n".join(f"- item {n} of the safety kit on deck" for n in range(8))

    found = chunks(f"# Kit\n\n{sentences('rope', 10)}\n\nYou need:\n\n{items}\n", max_tokens=120)

    assert found[-1].text == f"You need:\n\n{items}"


@pytest.mark.proves("CHUNK-001")
def test_a_table_that_is_too_long_is_cut_between_rows_and_repeats_its_header() -> None:
    rows = "\n".join(f"| Berth {n} | {n} m | sand and mud |" for n in range(60))

    found = chunks(f"# Berths\n\n| Name | Depth | Ground |\n|---|---|---|\n{rows}\n", max_tokens=100)

    assert len(found) > 3
    assert all(piece.text.startswith("Name | Depth | Ground\n") for piece in found)
    assert all(estimate_tokens(piece.text) <= 100 for piece in found)
    told = [line for piece in found for line in piece.text.split("\n")[1:]]
    assert told == [f"Berth {n} | {n} m | sand and mud" for n in range(60)]


@pytest.mark.proves("CHUNK-001")
def test_a_long_list_is_cut_between_items_and_never_inside_one() -> None:
    items = [f"- drill {n}:\n  - muster at the stern\n  - count heads" for n in range(30)]

    found = chunks("# Drills\n\n" + "\n".join(items) + "\n", max_tokens=80)

    assert len(found) > 3
    assert all(piece.text.startswith("- drill") for piece in found)
    assert all(piece.text.endswith("count heads") for piece in found)


def test_a_long_paragraph_is_cut_between_sentences_into_even_parts() -> None:
    found = chunks(f"# Log\n\n{sentences('entry', 60)}\n", max_tokens=150)

    lengths = [estimate_tokens(piece.text) for piece in found]
    assert all(piece.text.endswith("sailing.") for piece in found)
    assert max(lengths) <= 150
    assert min(lengths) >= 100


def test_a_word_without_end_is_cut_all_the_same() -> None:
    found = chunks(f"# Key\n\n{'x' * 5000}\n", max_tokens=100)

    assert "".join(piece.text for piece in found) == "x" * 5000
    assert max(len(piece.text) for piece in found) < 1000


def test_a_page_of_headings_only_is_still_found() -> None:
    (found,) = chunks("# Template\n\n## Risks\n\n## Owners\n")

    assert found.text == "Template\n\nRisks\n\nOwners"


def test_long_titles_leave_less_room_for_text() -> None:
    title = "A very long heading about mooring lines and fenders " * 3
    (section,) = {piece.section_title for piece in chunks(f"# T\n\n## {title}\n\n{sentences('line', 60)}\n")}

    found = chunks(f"# T\n\n## {title}\n\n{sentences('line', 60)}\n")

    assert all(estimate_tokens(f"T {section} {piece.text}") <= 254 for piece in found)


@pytest.mark.proves("CHUNK-002")
def test_editing_one_section_changes_the_ids_of_that_section_only() -> None:
    page = (
        "# Rules\n\n## Fuel\n\n{}\n\n## Rest\n\n"
        + sentences("cabin", 20)
        + "\n\n## Noise\n\nQuiet after ten.\n"
    )
    before = chunks(page.format(sentences("tank", 20)))
    after = chunks(page.format(sentences("tank", 19) + " Tanks are locked."))

    def ids(found: list[Chunk], section: str) -> list[UUID]:
        return [piece.chunk_id for piece in found if piece.section_title == section]

    assert ids(before, "Fuel") != ids(after, "Fuel")
    assert ids(before, "Rest") == ids(after, "Rest")
    assert ids(before, "Noise") == ids(after, "Noise")


def test_the_same_text_twice_has_two_ids_and_another_document_has_others() -> None:
    page = "# A\n\n## B\n\nSame words.\n\n# A\n\n## B\n\nSame words.\n"
    found = chunks(page)
    elsewhere = chunk(load(page.encode(), "page.md"), UUID(int=1))

    ids = {piece.chunk_id for piece in [*found, *elsewhere]}
    assert [piece.text for piece in found] == ["Same words.", "Same words."]
    assert len(ids) == 4


def test_a_new_title_gives_new_ids_because_it_is_embedded_too() -> None:
    first = chunks("---\ntitle: Old\n---\nWords.\n")
    second = chunks("---\ntitle: New\n---\nWords.\n")

    assert first[0].chunk_id != second[0].chunk_id
