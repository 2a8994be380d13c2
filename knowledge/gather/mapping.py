"""`handbook.yaml` in a folder or repository: which sub-folder has which groups, doc_type, service_scope.

The same file that `switchboard docs add` reads.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, cast

import yaml

from knowledge.gather.found import GatherFailed

MAPPING = "handbook.yaml"
NOT_DOCUMENTS = frozenset({MAPPING, "golden.yaml", "claims.yaml"})
LARGEST = 1024 * 1024
_NOTHING: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Rules:
    """The most specific folder that covers a path speaks."""

    folders: tuple[tuple[PurePosixPath, Mapping[str, Any]], ...] = ()
    there: bool = False

    def of(self, path: str) -> Mapping[str, Any]:
        name = PurePosixPath(path)
        return next((what for folder, what in self.folders if name.is_relative_to(folder)), _NOTHING)

    def digest(self, path: str) -> str:
        """Changes when what is said about the path does."""
        said = json.dumps(self.of(path), sort_keys=True, default=str)
        return hashlib.sha256(said.encode()).hexdigest()[:8]


class _NoAliases(yaml.SafeLoader):
    """An alias repeats a part: written out as JSON for `digest`, a few lines of them fill the memory."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


def rules_of(data: bytes | None) -> Rules:
    """Raises GatherFailed for a file that cannot be understood: it may restrict who reads what."""
    if data is None:
        return Rules()
    try:
        folders = _folders(yaml.load(data.decode("utf-8"), Loader=_NoAliases))  # noqa: S506 - a SafeLoader
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise GatherFailed(
            "bad_mapping",
            f"{MAPPING} cannot be understood, so nothing was read.",
            "It needs 'folders:' with a folder name and its groups, doc_type, service_scope; no aliases.",
        ) from error
    ordered = sorted(folders, key=lambda folder: len(folder[0].parts), reverse=True)
    return Rules(tuple(ordered), there=True)


def _folders(mapping: Any) -> list[tuple[PurePosixPath, Mapping[str, Any]]]:
    folders: Any = cast(dict[Any, Any], mapping).get("folders") if isinstance(mapping, dict) else None
    if not isinstance(folders, dict):
        raise ValueError("no folders")
    named = cast(dict[Any, Any], folders)
    if not all(what is None or isinstance(what, dict) for what in named.values()):
        raise ValueError("a folder without a mapping")
    return [(PurePosixPath(str(name)), what or {}) for name, what in named.items()]
