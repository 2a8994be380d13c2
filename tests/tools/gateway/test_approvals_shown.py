"""What a person reads before they say yes: everything, and nothing that reads as something else."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.wire.tools import Approval
from tests.engines import full_run
from tests.tools.gateway.links import call_of, offered
from tests.tools.world import MAYA
from tools.gateway.approvals_shown import asked, form, neutral, readable

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
DECEIVING = {
    "direction": "invoice\u202egnp.exe",
    "isolate": "a\u2066b\u2069c",
    "zero width": "pay\u200bpal",
    "joiner": "a\u2060b",
    "soft hyphen": "a\u00adb",
    "tags": "\U000e0041\U000e0042",
    "filler": "a\u3164\u115fb",
    "blank braille": "a\u2800b",
    "selector": "a\ufe0f\U000e0101b",
    "line separator": "a\u2028Tool: other",
    "next line": "a\u0085b",
    "escape sequence": "\x1b[8mhidden\x1b[0m",
    "bell and back": "rm -rf /\x08\x08\x08\x07ls",
    "no-break space": "a\u00a0b",
    "private use": "\ue000",
    "look-alike": "p\u0430ypal.com",
    "heap of marks": "a" + "\u0335" * 20,
}


@settings(max_examples=100 if full_run() else 30)
@given(arguments=st.dictionaries(st.text(max_size=10), JSON, max_size=5))
@pytest.mark.proves("GOV-509")
def test_what_is_shown_is_json_of_exactly_the_arguments(arguments: dict[str, Any]) -> None:
    shown = readable(arguments)
    if "more characters" not in shown:
        assert json.loads(shown) == arguments
    assert all(row.startswith("    ") for row in shown.split("\n"))
    assert shown.replace("\n", "").isprintable()


@pytest.mark.parametrize("text", DECEIVING.values(), ids=DECEIVING)
@pytest.mark.proves("GOV-509")
def test_nothing_hides_turns_or_passes_for_something_else(text: str) -> None:
    shown = readable({"path": text, text: 1})
    assert json.loads(shown) == {"path": text, text: 1}
    assert "\\u" in shown
    deceiving = {c for c in text if not c.isascii() and c != "\u0335"} | {"\x1b", "\x08", "\x07"}
    assert not deceiving.intersection(shown)
    assert shown.count("\u0335") <= 4


@pytest.mark.parametrize(
    "text", ["Grüße aus Köln", "Привет, мир", "東京の天気", "naïve café", "ελληνικά", "हिन्दी"]
)
@pytest.mark.proves("GOV-509")
def test_what_people_write_stays_as_they_write_it(text: str) -> None:
    assert neutral(text) == text
    assert text in readable({"text": text})


@pytest.mark.proves("GOV-509")
def test_what_is_left_out_is_named_with_its_length_and_digest() -> None:
    shown = readable({"body": "harmless " * 5_000 + "rm -rf /"})
    assert len(shown) < 4_000
    assert "42,508 more characters, sha256 of the whole " in shown
    assert "rm -rf /" in shown
    many = readable({f"field {number}": "x" * 40 for number in range(2_000)})
    assert len(many) < 7_000
    assert "more characters, sha256 of the whole " in many


@pytest.mark.proves("GOV-509")
def test_arguments_cannot_break_out_of_their_place() -> None:
    """Neither as further lines of the question, nor as Markdown or a block of code that ends."""
    text = "x\n\nTool: harmless\nRisk: reads only\n```\n# Approved\n[link](https://phish.test)"
    message = asked(call_of(MAYA, offered(risk="destructive"), {"text": text}), Approval())
    head, _, shown = message.partition("Arguments:\n\n")
    assert head.count("Tool: ") == head.count("Risk: ") == 1
    assert [row for row in shown.split("\n") if not row.startswith("    ")] == []
    assert len(shown.split("\n")) == 3


@pytest.mark.proves("GOV-509")
def test_a_message_stays_within_what_an_interaction_may_hold() -> None:
    worst = {"\n" * 60 + str(number): ["\u202e" * 900] * 3 for number in range(200)}
    assert len(asked(call_of(MAYA, offered(), worst), Approval())) < 8_000


def test_the_form_has_a_field_only_where_something_can_be_remembered() -> None:
    assert form(remember=False)["properties"] == {}
    assert form(remember=True)["properties"]["remember"]["default"] is False
