"""Labelled claims with the chunks that they are held against: written by hand, and made of the pages."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from knowledge.embed import Vectors
from knowledge.verify import Source
from tests.evals.verifying.changes import contradicted, reworded
from tests.evals.verifying.pages import Pages, embedder
from tests.evals.verifying.sentences import statements

Label = Literal["supported", "contradicted", "unsupported"]
_OF_PAGE = 8
WRITTEN = Path(__file__).with_name("written.yaml")
KEPT_BACK = Path(__file__).with_name("kept_back.yaml")
"""Never fitted to."""


@dataclass(frozen=True, slots=True)
class Made:
    """kind: how it was made. file: of the page; claims of one file are never on both sides of a split."""

    sentence: str
    label: Label
    kind: str
    file: str
    sources: tuple[Source, ...]
    vector: Vectors


def written(pages: Pages, corpus: str, file: Path = WRITTEN) -> Iterator[Made]:
    """The claims of a file, against their own page and what is nearest to them elsewhere."""
    for entry in yaml.safe_load(file.read_text(encoding="utf-8"))[corpus]:
        yield from _labelled(pages, entry["file"], entry)


def from_file(pages: Pages, path: Path) -> Iterator[Made]:
    """Claims in the format of claims.yaml."""
    for claim in yaml.safe_load(path.read_text(encoding="utf-8")):
        yield made(pages, claim["sentence"], claim["label"], "golden", claim["source_file"])


def _labelled(pages: Pages, file: str, entry: dict[str, Any]) -> Iterator[Made]:
    labels: tuple[Label, ...] = ("supported", "contradicted", "unsupported")
    for label in labels:
        for sentence in entry[label]:
            yield made(pages, sentence, label, "written", file)


def made(pages: Pages, sentence: str, label: Label, kind: str, file: str, own: bool = True) -> Made:
    """Against the 12 chunks that a search finds and, where `own`, the nearest of its page."""
    vector = embedder().embed([sentence])[0]
    chosen = {page.chunk.chunk_id: page for page in pages.nearest(vector) if own or page.file != file}
    if own:
        nearest = sorted(pages.of(file), key=lambda page: -float(page.vectors.dense @ vector))[:_OF_PAGE]
        chosen |= {page.chunk.chunk_id: page for page in nearest}
    return Made(sentence, label, kind, file, tuple(page.source for page in chosen.values()), vector)


def generated(pages: Pages, count: int, seed: int) -> Iterator[Made]:
    """From `count` sentences of the pages: each reworded, contradicted, and held against other pages only."""
    chance = random.Random(seed)
    told = sorted({(page.file, text) for page in pages.pages for text in statements(page.chunk.text)})
    for file, text in chance.sample(told, min(count, len(told))):
        away = made(pages, text, "unsupported", "elsewhere", file, own=False)
        if not any(text in " ".join(source.text.split()) for source in away.sources):
            yield away
        for kind, sentence in _few(list(reworded(text, chance)), 2, chance):
            yield made(pages, sentence, "supported", kind, file)
        for kind, sentence in _few(list(contradicted(text, chance)), 3, chance):
            yield made(pages, sentence, "contradicted", kind, file)
        both = [one for _, one in reworded(text, chance)]
        for kind, sentence in _few(list(contradicted(both[-1], chance)) if both else [], 1, chance):
            yield made(pages, sentence, "contradicted", f"{kind}, reworded", file)


def _few(options: Sequence[tuple[str, str]], most: int, chance: random.Random) -> list[tuple[str, str]]:
    return chance.sample(options, min(most, len(options)))
