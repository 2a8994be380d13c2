"""Nothing that a document, a tool or a person writes is markup in a card."""

import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.teams import cards
from bot.teams.cards.texts import escaped, plain
from tests.bot.teams.cards.rules import broken, markdown, of_type
from tests.bot.teams.cards.samples import MAYA, asked, cited, form

reader = MarkdownIt("js-default", {"html": False, "linkify": False})
MARKED = st.text(alphabet="ab1 *_[]()<>!#-+.`~\\&;{}:/|=@'\"", max_size=40)
MENTION = re.compile(r"<at[ >]|</at>", re.IGNORECASE)
MACRO = re.compile(r"\{\{\s*(DATE|TIME)")


def read(markdown_: str) -> str:
    """As it is shown; raises where it is more than one paragraph of text."""
    tokens = reader.parse(markdown_)
    assert [token.type for token in tokens] in (["paragraph_open", "inline", "paragraph_close"], [])
    children = tokens[1].children or [] if tokens else []
    assert {child.type for child in children} <= {"text", "text_special"}, markdown_
    return "".join(child.content for child in children)


@pytest.mark.proves("TEAMS-208")
@given(MARKED | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40))
@example("[click](https://evil.example)")
@example("<https://evil.example>")
@example("&lt;at&gt;")
@example("1. first")
@example("## head")
@example("a_b_c _d_ __e__")
@example("crm.upsert_lead")
def test_what_is_escaped_reads_as_it_is_written(text: str) -> None:
    shown = escaped(text, 500)
    assert read(shown).replace("\u2060", "") == " ".join(plain(text).replace("\u2060", "").split())


@pytest.mark.proves("TEAMS-208")
def test_names_of_tools_stay_as_they_are() -> None:
    assert escaped("May crm.upsert_lead be called?", 100) == "May crm.upsert_lead be called?"
    assert escaped("Tue 1 December, 10:00–10:30 (Australia/Sydney)", 100) == (
        "Tue 1 December, 10:00–10:30 (Australia/Sydney)"
    )


HOSTILE = [
    "<at>everyone</at>",
    "<AT id=1>everyone</AT>",
    "[click](https://evil.example)",
    "**Approved by IT**",
    "{{DATE(2020-01-01T00:00:00Z,SHORT)}}",
    "# Heading",
]


@pytest.mark.proves("TEAMS-208")
@pytest.mark.parametrize("text", HOSTILE)
def test_no_mention_link_or_date_comes_out_of_somebody_elses_words(text: str) -> None:
    field: dict[str, Any] = {"type": "string", "title": text, "description": text}
    box = {"type": "boolean", "title": text}
    several = {
        "type": "array",
        "title": text,
        "items": {"type": "string", "anyOf": [{"const": text, "title": text}]},
    }
    one = form({"a": field, "b": box, "c": several}, message=text, arguments={text: text})
    for card in (
        cards.asking(asked("form", one, title=text, asked_by=text), MAYA, False),
        cards.sources([cited(1, title=text, section=text, quote=text)]),
        cards.notice(text),
        cards.booked({"what": "confirmed", "text": text, "host": text, "topic": text}),
        cards.not_theirs(text),
        cards.welcome([(text, text)], text),
    ):
        assert broken(card) == []
        shown = str({**card, "refresh": None}).replace("{{DATE(2026-07-28T04:30:00Z,SHORT)}}", "")
        typed = [one["data"]["msteams"]["value"] for one in of_type(card, "Action.Submit")]
        for what in typed:
            shown = shown.replace(repr(what), "")
        assert not MENTION.search(shown)
        assert not MACRO.search(shown.replace("{{TIME(2026-07-28T04:30:00Z)}}", ""))
        for block in markdown(card):
            assert "](" not in block.replace("\\](", "")
            assert "**Approved" not in block
