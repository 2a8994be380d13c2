"""A thousand sentences of the sample handbook with one changed detail: at most one in two hundred passes."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from knowledge.verify import Source, verify
from tests.evals.verifying.changes import DETAILS, contradicted
from tests.evals.verifying.pages import chunks_of, source_of_chunk
from tests.evals.verifying.sentences import statements

HANDBOOK = Path("examples/handbook")
ENOUGH = 1000


@pytest.mark.full
@pytest.mark.proves("VERIFY-013")
def test_at_most_one_in_two_hundred_changed_sentences_passes() -> None:
    changed = list(_changed())[:ENOUGH]
    assert len(changed) == ENOUGH
    passed = [text for text, sources in changed if verify(text, sources).supported]
    assert len(passed) <= ENOUGH // 200, passed


def _changed() -> Iterator[tuple[str, list[Source]]]:
    """From the files in turn, each against all chunks of its file."""
    for seed in range(3):
        chance = random.Random(seed)
        for sources in _by_file():
            whole = " ".join(" ".join(source.text for source in sources).split())
            for source in sources:
                for sentence in statements(source.text):
                    for kind, text in contradicted(sentence, chance):
                        if kind in DETAILS and text not in whole:
                            yield text, sources


def _by_file() -> Iterator[list[Source]]:
    files: dict[str, list[Source]] = {}
    for file, chunk in chunks_of(HANDBOOK):
        files.setdefault(file, []).append(source_of_chunk(file, chunk))
    yield from files.values()
