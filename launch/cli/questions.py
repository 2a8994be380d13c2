"""Questions for a demo: given, beside the folder's documents, or made from its headings."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, cast

import yaml
from switchboard_sdk.folders import files_in

SHOWN = 6
_HEADING = re.compile(r"^#{1,4}\s+(.{8,120}?)\s*#*$", re.MULTILINE)
_READ = 200_000


def questions_for(folder: Path) -> list[str]:
    """The folder's own questions where it brings `golden.yaml`, else some from the headings of its pages."""
    own = folder / "golden.yaml"
    asked = _of_each_kind(_golden(own)) if own.is_file() else _from_headings(folder)
    return asked[:SHOWN] or ["What is this about?"]


def questions_in(path: Path) -> list[str]:
    """All questions of a file: one a line, or the format of golden.yaml."""
    if path.suffix in (".yaml", ".yml"):
        return [item["question"] for item in _golden(path)]
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def _golden(path: Path) -> list[dict[str, Any]]:
    items = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(items, list):
        return []
    found = [cast(dict[str, Any], item) for item in cast(list[Any], items) if isinstance(item, dict)]
    return [item for item in found if "question" in item]


def _of_each_kind(items: list[dict[str, Any]]) -> list[str]:
    """In turn from each kind of question, so that a few show the range."""
    kinds: dict[str, list[str]] = {}
    for item in items:
        kinds.setdefault(str(item.get("kind", "")), []).append(str(item["question"]))
    return list(_in_turn(kinds.values()))


def _from_headings(folder: Path) -> list[str]:
    """Headings that are questions themselves come first, in turn from each sub-folder."""
    asked: dict[str, list[str]] = {}
    named: dict[str, list[str]] = {}
    for file in files_in(folder):
        if file.path.suffix.lower() not in (".md", ".markdown"):
            continue
        for heading in _HEADING.findall(file.path.read_text(encoding="utf-8", errors="replace")[:_READ]):
            words = _plain(heading)
            if len(words.split()) < 3 or ".." in words:
                continue
            target = asked if words.endswith("?") else named
            target.setdefault(file.name.rpartition("/")[0], []).append(words)
    about = {place: [f"What does it say about {words}?" for words in found] for place, found in named.items()}
    return list(dict.fromkeys(chain(_in_turn(asked.values()), _in_turn(about.values()))))


def _plain(heading: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)|\{[^}]*\}|<[^>]*>", r"\1", heading)
    return " ".join(re.sub(r"[*_`]", "", text).split())


def _in_turn(groups: Iterable[list[str]]) -> Iterator[str]:
    for row in zip_longest(*groups):
        yield from (entry for entry in row if entry is not None)
