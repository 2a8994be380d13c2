from pathlib import Path

from launch.cli.questions import questions_for, questions_in


def test_a_folder_with_questions_of_its_own_is_asked_one_of_each_kind_first(tmp_path: Path) -> None:
    (tmp_path / "golden.yaml").write_text(
        "- {question: a1, kind: a}\n- {question: a2, kind: a}\n- {question: b1, kind: b}\n"
    )
    assert questions_for(tmp_path) == ["a1", "b1", "a2"]


def test_headings_that_ask_come_before_headings_that_name(tmp_path: Path) -> None:
    (tmp_path / "one.md").write_text("# Travel and [leave](x.md) **policy**\n## Who pays for my taxi?\n")
    assert questions_for(tmp_path) == [
        "Who pays for my taxi?",
        "What does it say about Travel and leave policy?",
    ]


def test_a_folder_without_headings_is_still_asked_something(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-")
    assert len(questions_for(tmp_path)) == 1


def test_questions_come_from_a_file_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "questions.txt"
    path.write_text("Who pays?\n\n  When?\n")
    assert questions_in(path) == ["Who pays?", "When?"]
