"""What Teams users see: every kind of card, of anything that can be asked and said."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.filling import complaints, content, slots
from bot.teams import cards
from bot.teams.cards.asking import pages_of
from bot.teams.cards.inputs import kept, values
from kit.wire.channels import LinkState
from kit.wire.interactions import Form, Interaction
from kit.wire.problem import FieldError
from platform_api.interactions.filling import filled
from platform_api.interactions.forms import schema_of
from tests.bot.teams.cards.rules import broken, of_type, texts
from tests.bot.teams.cards.samples import (
    BOOKING_FORM,
    CONFIRM,
    CONNECT,
    EVERYTHING,
    ID,
    MANY,
    MAYA,
    SLOT_CHOICE,
    answered,
    approval,
    asked,
    choice,
    cited,
    every_card,
    form,
)

HOSTILE = (
    "<at>everyone</at> [click](https://evil.example) **bold** _it_ {{DATE(2020-01-01T00:00:00Z)}} 1. # <b>"
)


def titles(card: dict[str, Any]) -> list[str]:
    return [one["title"] for one in of_type(card, "Action.Execute") if one["title"] != "Refresh"]


@pytest.mark.proves("TEAMS-201")
@pytest.mark.parametrize("name", sorted(every_card()))
def test_every_kind_of_card_is_taken_by_teams(name: str) -> None:
    assert broken(every_card()[name]) == []


@pytest.mark.proves("TEAMS-202")
def test_every_kind_of_field_has_its_own_input() -> None:
    everything = asked("form", form(EVERYTHING, ["name", "times"]))
    card = cards.asking(everything, MAYA, False, filled=cards.Filled(zone="Australia/Melbourne"))
    inputs = [part for part in card["body"] if part["type"].startswith("Input.")]
    assert [(each["id"], each["type"], each.get("style", "")) for each in inputs] == [
        ("f0.0", "Input.Text", ""),
        ("f0.1", "Input.Text", "Email"),
        ("f0.2", "Input.Text", ""),
        ("f0.3", "Input.Text", ""),
        ("f0.4", "Input.Text", ""),
        ("f0.5", "Input.Toggle", ""),
        ("f0.6", "Input.Number", ""),
        ("f0.7", "Input.Number", ""),
        ("f0.8", "Input.ChoiceSet", "expanded"),
        ("f0.9", "Input.ChoiceSet", "compact"),
        ("f0.10", "Input.ChoiceSet", "expanded"),
        ("f0.11", "Input.Date", ""),
        ("f0.12.date", "Input.Date", ""),
        ("f0.12.time", "Input.Time", ""),
        ("f0.13", "Input.Text", "Url"),
    ]
    by_id = {each["id"]: each for each in inputs}
    assert by_id["f0.0"]["value"] == "Maya Lind"
    assert by_id["f0.0"]["isRequired"]
    assert by_id["f0.3"]["isMultiline"]
    assert by_id["f0.10"]["value"] == "1"
    assert (by_id["f0.12.date"]["value"], by_id["f0.12.time"]["value"]) == ("2026-12-01", "10:00")


@pytest.mark.proves("TEAMS-202")
def test_what_is_filled_in_comes_back_as_the_platform_wants_it() -> None:
    everything = asked("form", form(EVERYTHING, ["name", "times"]))
    typed = {
        "f0.0": "Maya",
        "f0.1": "maya@example.com",
        "f0.5": "true",
        "f0.6": "3",
        "f0.7": "12.5",
        "f0.8": "1",
        "f0.9": "39",
        "f0.10": "0,2",
        "f0.11": "2026-12-05",
        "f0.12.date": "2026-12-05",
        "f0.12.time": "14:30",
        "interaction": str(ID),
        "action": "accept",
    }
    found, wrong = values(everything, kept(everything, typed), "Australia/Melbourne")
    assert wrong == {}
    sent = content(everything, found)
    assert sent == {
        "name": "Maya",
        "email": "maya@example.com",
        "consent": True,
        "people": 3,
        "budget": 12.5,
        "city": "SYD",
        "course": "c39",
        "times": ["morning", "evening"],
        "day": "2026-12-05",
        "at": "2026-12-05T14:30:00+11:00",
    }
    checked, problems = filled(everything.forms[0], sent)
    assert problems == []
    assert checked


@pytest.mark.proves("TEAMS-202")
def test_a_box_that_nobody_ticked_says_no() -> None:
    found, _ = values(BOOKING_FORM, {"f0.0": "Maya"}, "")
    assert content(BOOKING_FORM, found)["consent"] is False


@pytest.mark.proves("TEAMS-203")
def test_complaints_stand_at_their_fields_and_what_was_typed_stays() -> None:
    typed = {"f0.0": "Maya", "f0.1": "maya at example", "f0.5": "true"}
    wrong = complaints(BOOKING_FORM, [FieldError(field="email", message="This is no e-mail address.")])
    card = cards.asking(BOOKING_FORM, MAYA, False, filled=cards.Filled(typed, wrong))
    at = next(n for n, part in enumerate(card["body"]) if part.get("id") == "f0.1")
    assert "This is no e-mail address." in json.dumps(card["body"][at + 1])
    by_id = {part["id"]: part["value"] for part in card["body"] if "id" in part and "value" in part}
    assert by_id == {"f0.0": "Maya", "f0.1": "maya at example", "f0.5": "true"}
    assert broken(card) == []


@pytest.mark.proves("TEAMS-202")
def test_half_a_moment_is_asked_for_again() -> None:
    one = asked("form", form({"at": {"type": "string", "format": "date-time"}}))
    _, wrong = values(one, {"f0.0.date": "2026-12-05"}, "")
    assert wrong == {"f0.0": "Please give both, day and time."}


@pytest.mark.proves("TEAMS-204")
def test_few_slots_take_one_press_each() -> None:
    card = cards.asking(SLOT_CHOICE, MAYA, False)
    assert titles(card) == [
        "Tue 1 December, 10:00–10:30",
        "Tue 1 December, 13:30–14:00",
        "Wed 2 December, 9:00–9:30",
        "Other times",
        "Decline",
    ]
    second = of_type(card, "Action.Execute")[1]
    found, wrong = values(SLOT_CHOICE, kept(SLOT_CHOICE, second["data"]), "")
    assert (content(SLOT_CHOICE, found), wrong) == ({"slot": "2026-12-01T13:30:00+11:00"}, {})


@pytest.mark.proves("TEAMS-204")
def test_many_options_fold_into_a_list() -> None:
    card = cards.asking(choice(MANY, "Which course?"), MAYA, False)
    (listed,) = of_type(card, "Input.ChoiceSet")
    assert (listed["style"], len(listed["choices"])) == ("compact", len(MANY))
    assert titles(card) == ["Choose", "Decline"]


@pytest.mark.proves("TEAMS-205")
def test_an_approval_shows_exactly_what_would_be_called() -> None:
    card = cards.asking(approval({"path": "/srv/<at>all</at>", "note": "p\u0430ypal\u202e"}), MAYA, False)
    shown = texts(card).replace("\u2060", "").replace("\u00a0", " ")
    assert '"path": "/srv/<at>all</at>"' in shown
    assert "p\\u0430ypal\\u202e" in shown


@pytest.mark.proves("TEAMS-205")
def test_long_arguments_are_read_through_before_they_are_allowed() -> None:
    long = approval({"lines": [f"line {number}" for number in range(600)]})
    pages = [cards.asking(long, MAYA, False, page=page) for page in range(pages_of(long))]
    assert len(pages) > 2
    assert not any("Allow" in " ".join(titles(card)) for card in pages[:-1])
    assert "Allow" in titles(pages[-1])
    shown = "\n".join(map(texts, pages))
    assert all(f'"line {number}"' in shown for number in range(600))
    assert all(broken(card) == [] for card in pages)


@pytest.mark.proves("TEAMS-205")
def test_what_is_destructive_takes_a_second_press() -> None:
    card = cards.asking(approval({}), MAYA, False)
    (asks_again,) = of_type(card, "Action.ShowCard")
    assert "may not be undone" in texts(asks_again["card"])
    assert [one["title"] for one in card["body"][-1]["actions"]] == ["Allow …", "Deny"]


@pytest.mark.proves("TEAMS-206")
def test_in_a_shared_place_a_card_says_only_that_somebody_is_asked() -> None:
    for interaction in (CONFIRM, BOOKING_FORM, approval({"secret": "4711"})):
        card = cards.asking(interaction, MAYA, True)
        assert card["refresh"]["userIds"] == ["29:maya"]
        assert "Maya Lind" in texts(card)
        shown = json.dumps(card)
        assert not any(form.message.split("\n")[0] in shown for form in interaction.forms)
        assert "4711" not in shown
        over = interaction.model_copy(update={"status": "answered", "outcome": "accept"})
        assert "4711" not in json.dumps(cards.state(over, True, by="Maya Lind"))


@pytest.mark.proves("TEAMS-205")
def test_a_page_to_open_is_shown_whole() -> None:
    card = cards.asking(CONNECT, MAYA, False)
    (button,) = of_type(card, "Action.OpenUrl")
    assert button["url"] == CONNECT.forms[0].url
    assert CONNECT.forms[0].url in texts(card).split("\n")


@pytest.mark.proves("TEAMS-206")
def test_how_it_ended_has_no_buttons() -> None:
    for status, outcome in (
        ("answered", "accept"),
        ("answered", "decline"),
        ("expired", None),
        ("cancelled", None),
    ):
        over = CONFIRM.model_copy(
            update={"status": status, "outcome": outcome, "answered_at": datetime.now(UTC)}
        )
        card = cards.state(over, False, by="Maya Lind")
        assert not of_type(card, "Action.Execute")
        assert ("Maya Lind" in texts(card)) is (status == "answered")


@pytest.mark.proves("TEAMS-207")
def test_sources_beyond_those_of_teams_stand_below_and_link() -> None:
    assert cards.answer(answered(20), False) is None
    card = cards.answer(answered(22), False)
    assert card is not None
    links = [part for part in of_type(card, "TextRun") if "selectAction" in part]
    assert [link["selectAction"]["url"] for link in links] == [cited().url] * 2
    privately = cards.answer(answered(1), True)
    assert privately is not None
    assert titles(privately) == ["Answer me privately"]


@pytest.mark.proves("TEAMS-207")
def test_more_sources_than_fit_are_counted() -> None:
    many = [cited(number, quote="q" * 300, title="t" * 300) for number in range(1, 300)]
    card = cards.sources(many)
    assert broken(card) == []
    shown = sum("selectAction" in part for part in of_type(card, "TextRun"))
    assert f"and {299 - shown} more" in texts(card)


@pytest.mark.proves("TEAMS-201")
def test_a_form_that_teams_cannot_show_says_where_it_can_be_answered() -> None:
    options = [{"const": str(n), "title": f"{n} {'x' * 190}"} for n in range(400)]
    card = cards.asking(choice(options, "Which?"), MAYA, False)
    assert broken(card) == []
    assert f"switchboard answer {ID}" in texts(card)
    assert titles(card) == ["Decline"]


@pytest.mark.proves("TEAMS-201")
def test_a_code_that_links_is_shown_with_a_warning() -> None:
    link = LinkState(identity=MAYA.identity, linked=False, code="WXYZ-2345", expires_at=None)
    shown = texts(cards.link(link, "https://sb.example"))
    assert "switchboard link WXYZ-2345" in shown.replace("\u00a0", " ")
    assert "Give this code to nobody" in shown


words = st.text(max_size=60) | st.sampled_from(
    [HOSTILE, "", " ", "\n", "a\nb", "`x`", "- y", "1) z", "漢" * 300]
)
options = st.lists(st.tuples(words, words), min_size=1, max_size=30).map(
    lambda pairs: [{"const": const, "title": title} for const, title in pairs]
)
described: Any = st.fixed_dictionaries({}, optional={"title": words, "description": words})
limits = st.integers(-(2**60), 2**60)
fields: Any = st.one_of(
    st.builds(
        lambda d, f: {**d, "type": "string", **f},
        described,
        st.sampled_from(
            [
                {},
                {"format": "email"},
                {"format": "uri"},
                {"format": "date"},
                {"format": "date-time"},
                {"maxLength": 500},
                {"default": "x\ny"},
            ]
        ),
    ),
    st.builds(
        lambda d, kind, low: {**d, "type": kind, "minimum": low},
        described,
        st.sampled_from(["number", "integer"]),
        limits,
    ),
    st.builds(lambda d, default: {**d, "type": "boolean", "default": default}, described, st.booleans()),
    st.builds(lambda d, o: {**d, "type": "string", "oneOf": o}, described, options),
    st.builds(
        lambda d, o: {**d, "type": "array", "items": {"type": "string", "anyOf": o}}, described, options
    ),
)


@st.composite
def interactions(draw: Any) -> Interaction:
    names = draw(st.lists(st.text("abcdef_", min_size=1, max_size=8), max_size=12, unique=True))
    properties = {name: draw(fields) for name in names}
    required = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    schema = schema_of({"type": "object", "properties": properties, "required": required})
    kind = draw(st.sampled_from(["form", "choice", "approval"]))
    arguments = draw(st.dictionaries(words, words, max_size=5)) if kind == "approval" else None
    one = Form(key="k", message=draw(words), requested_schema=schema, arguments=arguments)
    return asked(kind, one, title=draw(words), asked_by=draw(words))


@pytest.mark.proves("TEAMS-201", "TEAMS-202")
@settings(max_examples=40)
@given(interactions(), st.booleans(), words)
def test_whatever_is_asked_makes_a_card_that_teams_takes(
    interaction: Interaction, shared: bool, name: str
) -> None:
    who = MAYA.__class__(MAYA.tenant, MAYA.user, MAYA.mri, name)
    assert broken(cards.asking(interaction, who, shared)) == []
    over = interaction.model_copy(update={"status": "answered", "outcome": "accept"})
    assert broken(cards.state(over, shared, by=name)) == []


@pytest.mark.proves("TEAMS-202")
@settings(max_examples=40)
@given(interactions())
def test_what_a_card_is_filled_with_is_what_comes_back(interaction: Interaction) -> None:
    """Sending a card as it is gives the form's defaults."""
    card = cards.asking(interaction, MAYA, False)
    given_ = {part["id"]: str(part["value"]) for part in card["body"] if "id" in part and "value" in part}
    found, wrong = values(interaction, given_, "")
    assert wrong == {}
    for slot in slots(interaction):
        if slot.field.default is not None and f"{slot.place}" in given_:
            assert found[slot.place] == slot.field.default


@pytest.mark.proves("TEAMS-202")
@settings(max_examples=40)
@given(
    interactions(),
    st.dictionaries(st.from_regex(r"\Af0\.[0-9]{1,2}(\.date|\.time)?\Z"), words | st.integers() | st.none()),
)
def test_whatever_comes_back_is_understood_or_complained_about(
    interaction: Interaction, given_: dict[str, Any]
) -> None:
    found, wrong = values(interaction, kept(interaction, given_), "Australia/Lord_Howe")
    content(interaction, found)
    places = {slot.place for slot in slots(interaction)}
    assert {*found, *wrong} <= places
    card = cards.asking(
        interaction, MAYA, False, filled=cards.Filled(kept(interaction, given_), wrong, "x/y")
    )
    assert broken(card) == []
