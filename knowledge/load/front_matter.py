"""Front matter: what a page says about itself before it begins."""

import re
import tomllib
from datetime import date, datetime
from typing import cast

import yaml

Metadata = dict[str, str | list[str]]

MAX_FRONT_MATTER = 100_000
# "---" or "---yaml"; "---js" and the like are another language's object: cut off, not read.
_OPENING = re.compile(r"\A\ufeff?---[ \t]*([a-z]*)[ \t]*\r?\n", re.IGNORECASE)
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*\r?$\n?", re.MULTILINE)


_TOML = re.compile(
    r"\A\ufeff?\+\+\+[ \t]*\r?\n(?P<inside>.{0,100000}?)^\+\+\+[ \t]*\r?$\n?", re.DOTALL | re.MULTILINE
)


def split_front_matter(source: str) -> tuple[Metadata, str]:
    """(metadata, the rest), in YAML between lines of --- or in TOML between lines of +++.

    A page whose front matter is not valid keeps its body and loses the rest.
    """
    toml = _TOML.match(source)
    if toml is not None:
        return _from_toml(toml.group("inside")), source[toml.end() :]
    opening = _OPENING.match(source)
    closing = _CLOSING.search(source, opening.end()) if opening else None
    if opening is None or closing is None or closing.start() > MAX_FRONT_MATTER:
        return {}, source
    inside = source[opening.end() : closing.start()]
    is_yaml = opening.group(1).lower() in {"", "yaml", "yml"}
    fields = _fields(inside) if is_yaml else {}
    if fields is None:
        # A thematic break at the top of a page, not front matter.
        return {}, source
    return fields, source[closing.end() :]


class _NoAliases(yaml.SafeLoader):
    """An alias repeats a part: written out as text, a few lines of them fill the memory."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


def _fields(inside: str) -> Metadata | None:
    try:
        loaded = cast(object, yaml.load(inside, Loader=_NoAliases))  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError):
        return {} if re.match(r"\s*[\w-]+\s*:", inside) else None
    if loaded is None:
        return {}
    return _as_text(cast(dict[object, object], loaded)) if isinstance(loaded, dict) else None


def _from_toml(inside: str) -> Metadata:
    try:
        return _as_text(cast(dict[object, object], tomllib.loads(inside.replace("\r\n", "\n"))))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def _as_text(fields: dict[object, object]) -> Metadata:
    found: Metadata = {}
    for key, value in fields.items():
        text = _value(value)
        if text:
            found[str(key).strip().lower()] = text
    return found


def _value(value: object) -> str | list[str]:
    if isinstance(value, list):
        return [text for item in cast(list[object], value) if (text := _scalar(item))]
    return _scalar(value)


def _scalar(value: object) -> str:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).strip() if isinstance(value, str | int | float) else ""
