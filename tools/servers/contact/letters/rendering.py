"""The one home of Jinja2: letters as HTML, where every value is escaped, and as plain text."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent / "templates"


def render(name: str, facts: dict[str, Any]) -> str:
    """name: of a file in `templates`. A fact that is missing is an error, never an empty place."""
    return _environment().get_template(name).render(facts)


@cache
def _environment() -> "Environment":
    # lazy: 40 ms, and a process that only finds slots never writes a letter
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=_is_markup,  # noqa: S701  off for plain text only, where nothing reads markup
        undefined=StrictUndefined,
        trim_blocks=False,
        keep_trailing_newline=True,
    )


def _is_markup(name: str | None) -> bool:
    return name is None or not name.endswith(".txt.j2")
