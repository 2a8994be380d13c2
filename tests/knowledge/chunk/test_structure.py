"""Code by its definitions, JSON by its values, text by its meaning."""

import json
import textwrap

import numpy as np
import pytest

from knowledge.chunk import chunk, strategy_for
from knowledge.document import Chunk, LoadedDocument
from knowledge.embed import Embedder, packaged
from knowledge.load import load
from tests.knowledge.chunk.test_layout import DOC, sentences

MODULE = '''\
"""Moorings."""

import math

LIMIT = 4


class Mooring:
    """Where a boat is tied up."""

    def __init__(self, name: str) -> None:
        self.name = name

    # Lines wear where they rub.
    @property
    def worn(self) -> bool:
        """Whether it must be replaced."""
        text = """
at the margin
"""
        return len(self.name + text) > LIMIT


def count(moorings: list[Mooring]) -> int:
    return math.floor(len(moorings))
'''
GO = """\
package tides

// Height is in metres.
type Height float64

// Predict tells the height of the tide at an hour.
// It is good for a day.
func Predict(hour int) Height {
	if hour > 12 {
		return Height(hour) * 0.1
	}

	return Height(hour) * 0.2
}

func (h Height) String() string {
	return fmt.Sprint(float64(h))
}
"""


def cut(source: str, name: str, max_tokens: int | None = None, strategy: str | None = None) -> list[Chunk]:
    return chunk(load(source.encode(), name), DOC, strategy, max_tokens)


@pytest.mark.proves("CHUNK-003")
def test_python_is_cut_by_definitions_with_their_comments_and_decorators() -> None:
    found = cut(MODULE, "moorings.py", max_tokens=80)

    by_path = {piece.section_path: piece.text for piece in found}
    worn = by_path["Mooring", "worn"]
    assert worn.lstrip().startswith("# Lines wear where they rub.\n    @property")
    assert worn.endswith("return len(self.name + text) > LIMIT")
    assert any(piece.text.startswith("def count(") for piece in found)
    assert {piece.chunk_strategy for piece in found} == {"code"}


@pytest.mark.proves("CHUNK-003")
def test_other_languages_are_cut_by_definitions_with_the_comments_above_them() -> None:
    found = cut(GO, "tides.go", max_tokens=70)

    predict = next(piece for piece in found if "Predict" in piece.section_path)
    assert predict.text.startswith("// Predict tells")
    assert predict.text.endswith("}")
    assert "String" not in predict.text


@pytest.mark.parametrize(
    ("name", "source", "path"),
    [
        ("a.js", "// adds\nexport const add = async (a, b) => {\n  %s\n};\n", "add"),
        ("a.ts", "export interface Boat {\n  %s\n}\n", "Boat"),
        ("a.rs", "/// Ties.\npub fn tie<T>(x: T) -> T {\n    %s\n}\n", "tie"),
        ("A.java", "public static final int count(List<Boat> all) {\n    %s\n}\n", "count"),
        ("a.cpp", "void Boat::sail(int knots) const {\n    %s\n}\n", "Boat::sail"),
        ("a.rb", "def moor(boat)\n  %s\nend\n", "moor"),
        ("a.sh", "moor() {\n  %s\n}\n", "moor"),
        ("a.sql", "CREATE TABLE berths (\n  %s\n);\n", "berths"),
        ("a.cs", "public class Harbour\n{\n    %s\n}\n", "Harbour"),
    ],
)
def test_a_definition_is_found_whatever_the_language(name: str, source: str, path: str) -> None:
    body = "; ".join(f"step_{n}_of_the_work" for n in range(16))
    whole = source % body
    (piece,) = cut(whole, name)

    assert piece.section_path == (path,)
    assert piece.text == whole.strip()


@pytest.mark.proves("CHUNK-003")
def test_json_is_cut_between_values_and_says_where_they_are() -> None:
    berths = [{"name": f"B{n}", "depth": n, "ground": "sand and mud"} for n in range(30)]
    source = json.dumps({"harbour": {"title": "North", "berths": berths}, "fees": {"day": 12, "week": 60}})

    found = cut(source, "harbour.json", max_tokens=100)

    assert len(found) > 5
    assert {piece.section_path[:2] for piece in found[1:-2]} == {("harbour", "berths")}
    assert found[-1].section_path == ("fees",)
    assert all(piece.chunk_strategy == "json" for piece in found)
    told = "".join(piece.text for piece in found)
    assert "".join(told.split()) == "".join(json.dumps(json.loads(source)).split())
    for piece in found:
        assert piece.text.count('"name"') == piece.text.count('"ground"')


def test_a_json_value_that_is_longer_than_a_chunk_is_cut_as_text_is() -> None:
    found = cut(json.dumps({"note": sentences("rope", 40)}), "note.json", max_tokens=60)

    assert len(found) > 5
    assert all(piece.section_path == ("note",) for piece in found[1:-1])


def test_the_strategy_goes_by_the_type_and_can_be_overridden() -> None:
    page = b"# Crew\n\nWelcome aboard.\n"

    assert strategy_for(load(page, "a.md")) == "markdown"
    assert strategy_for(load(page, "a.txt")) == "layout"
    assert [piece.chunk_strategy for piece in chunk(load(page, "a.md"), DOC, "paragraph")] == ["paragraph"]


def test_an_example_stays_with_the_words_that_introduce_it() -> None:
    lines = "\n".join(f"moor --berth {n} --depth {n}" for n in range(12))
    source = f"# Use\n\n{sentences('rope', 12)}\n\nThen moor the boats\n\n```bash\n{lines}\n```\n"

    found = cut(source, "use.md", max_tokens=160)

    assert found[-1].text == f"Then moor the boats\n\n{lines}"


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return packaged()


@pytest.mark.proves("CHUNK-003")
def test_by_meaning_a_chunk_ends_where_the_subject_changes(embedder: Embedder) -> None:
    leave = (
        "Every employee gets twenty-five days of annual leave. Leave is asked for in the staff portal. "
        "Your manager approves leave within three days. Leave that is not taken lapses in March. "
        "Sick leave does not count as annual leave."
    )
    engine = (
        "The diesel engine needs fresh oil every two hundred hours. Check the oil of the engine before "
        "each trip. A worn impeller overheats the engine. Replace the fuel filter of the engine each season. "
        "An engine that smokes has worn injectors."
    )
    document = load(f"{leave} {engine}".encode(), "both.txt")

    found = chunk(document, DOC, "semantic", embed=embedder.embed)

    assert [piece.text for piece in found] == [leave, engine]


def test_by_meaning_needs_an_embedder() -> None:
    with pytest.raises(ValueError, match="'semantic' needs an embedder"):
        chunk(LoadedDocument("T", "text/plain", ()), DOC, "semantic")


def test_texts_that_say_nothing_do_not_break_it() -> None:
    document = load(textwrap.dedent("One. Two. Three.").encode(), "x.txt")

    found = chunk(document, DOC, "semantic", embed=lambda texts: np.zeros((len(texts), 4), np.float32))

    assert [piece.text for piece in found] == ["One. Two. Three."]
