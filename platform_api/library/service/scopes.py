"""Which service scope a document has, and why (SPEC 7).

An editor's correction, then what the sender said, then its front matter, then the rules by path and address,
then a light classifier by the words of its title and headings; else the default.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from knowledge.document import LoadedDocument
from platform_api.library.errors import UnknownScope

GENERAL = "general"
_IN_TITLE, _IN_HEADING = 2.0, 1.0
_HEADINGS = 200


class BadScopes(ValueError):
    """The file with the scopes cannot be understood; the message names the file and the place."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Scope(_Strict):
    name: str = Field(min_length=1, max_length=50)
    words: tuple[str, ...] = ()
    """Words and phrases that speak for it, whatever their case."""


class Rule(_Strict):
    """`path` or `url`, with `*` (within one part), `**` (any parts) and `?`; the first that fits decides."""

    scope: str
    path: str | None = None
    url: str | None = None


class Taxonomy(_Strict):
    """threshold: points that the best scope needs; each word of it gives 2 in the title, 1 in a heading.
    margin: how much more the best needs than the second."""

    scopes: tuple[Scope, ...] = ()
    default: str = GENERAL
    rules: tuple[Rule, ...] = ()
    threshold: float = Field(default=2.0, gt=0)
    margin: float = Field(default=1.5, ge=1)


@dataclass(frozen=True, slots=True)
class Assigned:
    scope: str
    reason: str


class Scopes:
    """Without a taxonomy every name is a scope, and nothing is guessed."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self.names = [scope.name for scope in taxonomy.scopes]
        self._words = {scope.name: _pattern(scope.words) for scope in taxonomy.scopes if scope.words}
        self._rules = [(rule, _globs(rule)) for rule in taxonomy.rules]

    @classmethod
    def load(cls, path: Path | None) -> Self:
        """Raises BadScopes."""
        if path is None:
            return cls(Taxonomy())
        try:
            taxonomy = Taxonomy.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, yaml.YAMLError, ValidationError) as error:
            raise BadScopes(f"{path}: {error}") from error
        unknown = {taxonomy.default, *(rule.scope for rule in taxonomy.rules)} - {
            scope.name for scope in taxonomy.scopes
        }
        if unknown:
            raise BadScopes(f"{path}: 'scopes' does not list {', '.join(sorted(unknown))}.")
        return cls(taxonomy)

    @property
    def default(self) -> str:
        return self._taxonomy.default

    def check(self, scope: str | None) -> None:
        """Raises UnknownScope, with the list."""
        if scope is not None and not self._knows(scope):
            raise UnknownScope(f"There is no service scope '{scope}'. There are: {', '.join(self.names)}.")

    def assign(
        self,
        *,
        corrected: str | None,
        declared: str | None,
        path: str,
        url: str,
        loaded: LoadedDocument,
    ) -> Assigned:
        if corrected and self._knows(corrected):
            return Assigned(corrected, "set by an editor")
        if declared and self._knows(declared):
            return Assigned(declared, "said by whoever sent it")
        said = loaded.metadata.get("service_scope", "")
        said = said.strip()[:50] if isinstance(said, str) else ""
        if said and self._knows(said):
            return Assigned(said, "its front matter says so")
        found = (
            self._by_rule(path, url)
            or self._by_words(loaded)
            or Assigned(self.default, "nothing points elsewhere")
        )
        if not said:
            return found
        return Assigned(found.scope, f"{found.reason}; its front matter names '{said}', which is not a scope")

    def _knows(self, scope: str) -> bool:
        return not self.names or scope in self.names

    def _by_rule(self, path: str, url: str) -> Assigned | None:
        for rule, (of_path, of_url) in self._rules:
            if of_path and of_path.fullmatch(path):
                return Assigned(rule.scope, f"its path fits the rule '{rule.path}'")
            if of_url and of_url.fullmatch(url):
                return Assigned(rule.scope, f"its address fits the rule '{rule.url}'")
        return None

    def _by_words(self, loaded: LoadedDocument) -> Assigned | None:
        points = self._points(loaded)
        ranked = sorted(points, key=lambda name: sum(points[name].values()), reverse=True)
        if not ranked:
            return None
        best, second = ranked[0], ranked[1] if len(ranked) > 1 else None
        score = sum(points[best].values())
        other = sum(points[second].values()) if second else 0.0
        if score < self._taxonomy.threshold or score < other * self._taxonomy.margin:
            return None
        words = ", ".join(f"'{word}'" for word in sorted(points[best]))
        return Assigned(best, f"its title and headings say {words}")

    def _points(self, loaded: LoadedDocument) -> Mapping[str, Mapping[str, float]]:
        """scope → word → points; a word counts once in the title and once in the headings."""
        said = [block.text for block in loaded.blocks if block.kind == "heading"]
        headings = " \n ".join(said[:_HEADINGS])
        found: dict[str, dict[str, float]] = {}
        for name, pattern in self._words.items():
            points: dict[str, float] = {}
            for text, weight in ((loaded.title, _IN_TITLE), (headings, _IN_HEADING)):
                for word in {match.group(0).casefold() for match in pattern.finditer(text)}:
                    points[word] = points.get(word, 0.0) + weight
            if points:
                found[name] = points
        return found


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    """Any of the words, whole, the longest first so that a phrase wins over a part of it."""
    ordered = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, ordered))})(?!\w)", re.IGNORECASE)


def _globs(rule: Rule) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    return _glob(rule.path), _glob(rule.url)


_WILD: dict[str, Any] = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _glob(text: str | None) -> re.Pattern[str] | None:
    if text is None:
        return None
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    return re.compile("".join(_WILD.get(part, re.escape(part)) for part in parts), re.IGNORECASE)
