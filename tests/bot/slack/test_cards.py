"""What the platform asks, as cards and modals in Slack."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.exact import exact
from bot.slack.forms import ask_modal, asked_in, content_of, done, errors_of, fits, modal, waiting
from bot.slack.parse import pressed_of, submitted_of
from bot.slack.render import ended, question
from kit.wire.interactions import Form, Interaction
from kit.wire.problem import FieldError
from platform_api.interactions.filling import filled
from platform_api.interactions.forms import schema_of
from tests.bot.slack.recorded import payload
from tests.bot.slack.things import ID, NOW, asked, buttons, form, refused_by_slack, refused_view, words

CITIES = [{"const": "MEL", "title": "Melbourne"}, {"const": "SYD", "title": "Sydney"}]
TIMES = [{"const": name, "title": name.title()} for name in ("morning", "noon", "evening")]
BOOKING = form(
    {
        "name": {"type": "string", "title": "Your name", "maxLength": 100},
        "email": {"type": "string", "format": "email"},
        "people": {"type": "integer", "minimum": 1, "maximum": 10, "description": "You included"},
        "consent": {"type": "boolean", "title": "I agree"},
        "city": {"type": "string", "oneOf": CITIES},
        "times": {"type": "array", "items": {"type": "string", "anyOf": TIMES}, "minItems": 1},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "page": {"type": "string", "format": "uri"},
    },
    ["name", "email", "consent", "city", "times"],
)
MESSAGE = (
    'Allow this call?\n\nTool: "Remove" (files.remove)\nServer: files\n'
    "Risk: destructive: what it does may not be undone\nArguments:\n\n    {}"
)


def approval(arguments: dict[str, Any], message: str = MESSAGE, **over: Any) -> Interaction:
    return asked("approval", form({}, message=message, tool="files.remove", arguments=arguments), **over)


def inputs(view: dict[str, Any]) -> list[dict[str, Any]]:
    return [block for block in view["blocks"] if block["type"] == "input"]


@pytest.mark.proves("SLACK-209")
def test_every_kind_of_field_has_its_own_input() -> None:
    view = modal(asked("form", BOOKING), {"where": "T/D/1"})
    assert [block["element"]["type"] for block in inputs(view)] == [
        "plain_text_input",
        "email_text_input",
        "number_input",
        "radio_buttons",
        "radio_buttons",
        "checkboxes",
        "datepicker",
        "datetimepicker",
        "url_text_input",
    ]
    required = [number for number, block in enumerate(inputs(view)) if not block["optional"]]
    assert required == [0, 1, 3, 4, 5]
    assert json.loads(view["private_metadata"]) == {"where": "T/D/1", "interaction": str(ID)}
    assert inputs(view)[2]["hint"]["text"] == "You included (at least 1, at most 10)"
    assert refused_view(view) == []


@pytest.mark.proves("SLACK-209")
def test_what_was_filled_in_is_what_the_platform_wants() -> None:
    submitted = submitted_of(payload("submitted_form"))
    assert submitted is not None
    content, wrong = content_of(asked("form", BOOKING), submitted.state)
    assert wrong == {}
    assert content == {
        "name": "Maya Lee",
        "email": "maya@example.com",
        "people": 3,
        "consent": True,
        "city": "SYD",
        "times": ["morning", "evening"],
        "day": "2026-07-28",
        "at": "2026-07-28T05:30:00+00:00",
    }
    assert filled(BOOKING, content)[1] == []


@pytest.mark.proves("SLACK-209")
def test_what_is_wrong_stands_at_its_field() -> None:
    interaction = asked("form", BOOKING)
    content, wrong = content_of(interaction, {"f0.2": {"value": {"value": "three"}}})
    assert wrong == {"f0.2": "Please write a number, such as 12."}
    assert content == {"times": []}
    errors = [FieldError(field="email", message="This is no address."), FieldError(field="x", message="No.")]
    assert errors_of(interaction, errors) == {"f0.1": "This is no address.", "f0.0": "x: No."}
    again = modal(interaction, {}, {"f0.1": "This is no address."})
    assert ":warning: email: This is no address." in words(again["blocks"][0])


def test_a_box_that_is_not_ticked_says_no() -> None:
    interaction = asked("form", form({"copy": {"type": "boolean", "title": "Send me a copy"}}))
    assert inputs(modal(interaction, {}))[0]["element"]["type"] == "checkboxes"
    assert content_of(interaction, {}) == ({"copy": False}, {})


def test_several_forms_are_told_apart() -> None:
    one = Form(key="a", message="One?", requested_schema=form({"n": {"type": "string"}}).requested_schema)
    two = one.model_copy(update={"key": "b"})
    state = {"f0.0": {"value": {"value": "x"}}, "f1.0": {"value": {"value": "y"}}}
    assert content_of(asked("form", one, two), state)[0] == {"a": {"n": "x"}, "b": {"n": "y"}}
    wrong = errors_of(asked("form", one, two), [FieldError(field="b.n", message="No.")])
    assert wrong == {"f1.0": "No."}


def test_an_emptied_field_is_empty_and_an_untouched_default_stays() -> None:
    interaction = asked("form", form({"note": {"type": "string", "default": "Hello"}}))
    assert inputs(modal(interaction, {}))[0]["element"]["initial_value"] == "Hello"
    assert content_of(interaction, {"f0.0": {"value": {"value": None}}})[0] == {"note": ""}


def test_a_choice_is_buttons_and_a_long_one_a_list() -> None:
    few = asked("choice", form({"city": {"type": "string", "oneOf": CITIES}}, ["city"]))
    pressed = json.loads(buttons(question(few, False))[1]["value"])
    assert pressed == {"interaction": str(ID), "action": "accept", "content": {"city": "SYD"}}
    options = [{"const": f"c{n}", "title": f"City {n}"} for n in range(250)]
    many = asked("choice", form({"city": {"type": "string", "oneOf": options}}, ["city"]))
    assert [one["action_id"] for one in buttons(question(many, False))] == ["open_form", "answer:decline"]
    select = inputs(modal(many, {}))[0]["element"]
    assert [len(group["options"]) for group in select["option_groups"]] == [100, 100, 50]
    chosen = {"f0.0": {"value": {"selected_option": select["option_groups"][2]["options"][7]}}}
    assert content_of(many, chosen) == ({"city": "c207"}, {})


@pytest.mark.proves("SLACK-210")
def test_an_approval_shows_exactly_what_would_be_called() -> None:
    arguments = {"path": "/plans/Müller.md", "note": "```\u202e<!channel>\u0430"}
    shown = question(approval(arguments), False)
    text = words(shown.blocks)
    assert '"path": "/plans/Müller.md"' in text
    assert '"note": "```\\u202e<!channel>\\u0430"' in text
    assert "Server: files" in text
    allow, deny = buttons(shown)
    assert (allow["style"], deny["style"]) == ("primary", "danger")
    assert "may not be undone" in allow["confirm"]["text"]["text"]
    assert refused_by_slack(shown) == []


@pytest.mark.proves("SLACK-210")
def test_what_no_message_holds_is_allowed_only_where_all_of_it_is_shown() -> None:
    interaction = approval({"text": "word " * 4_000})
    shown = question(interaction, False)
    assert [one["action_id"] for one in buttons(shown)] == ["open_form", "answer:decline"]
    assert "more characters" in words(shown.blocks)
    view = modal(interaction, {})
    assert "".join(words(view).split()).count("word") == 4_000
    assert view["submit"]["text"] == "Allow"
    assert refused_view(view) == []
    huge = approval({"text": "word " * 40_000})
    assert [one["action_id"] for one in buttons(question(huge, False))] == ["answer:decline"]
    with pytest.raises(ValueError, match="cannot show"):
        modal(huge, {})


def test_not_asking_again_is_a_button_of_its_own() -> None:
    remember = form(
        {"remember": {"type": "boolean", "title": "Do not ask again", "default": False}},
        message="Allow this call?\n\nRisk: reads only\nArguments:\n\n    {}",
        arguments={},
    )
    once, always, _ = buttons(question(asked("approval", remember), False))
    assert "confirm" not in once
    assert json.loads(once["value"])["content"] == {"remember": False}
    assert (always["text"]["text"], json.loads(always["value"])["content"]) == (
        "Allow – Do not ask again",
        {"remember": True},
    )


@pytest.mark.proves("SLACK-211")
@pytest.mark.parametrize("mine", [True, False])
def test_in_a_shared_place_nothing_is_shown_of_what_is_asked(mine: bool) -> None:
    shown = question(approval({"path": "/secret/plan.md"}, mine_to_answer=mine), True)
    assert "secret" not in json.dumps(shown.payload())
    labels = [one["text"]["text"] for one in buttons(shown)]
    assert labels == (["Review", "Deny"] if mine else ["Withdraw"])


def test_a_page_to_open_stands_whole() -> None:
    url = "https://idp.example/authorise?client_id=1"
    page = Form(key="k", message="Connect your account.", url=url)
    shown = question(asked("connect_account", page), False)
    assert url in words(shown.blocks)
    assert [one.get("url") for one in buttons(shown)] == [url, None, None]
    assert refused_view(modal(asked("connect_account", page), {})) == []


def test_whoever_waits_for_a_second_person_may_only_withdraw() -> None:
    waits = approval({}, asked_of="second_person", mine_to_answer=False)
    shown = question(waits, False)
    assert "Waiting for a second person" in words(shown.blocks)
    assert [json.loads(one["value"])["action"] for one in buttons(shown)] == ["cancel"]
    decides = approval({}, asked_of="second_person", asked_by="Sam Okafor")
    assert "Asked by Sam Okafor, who cannot decide it alone" in words(question(decides, False).blocks)


@pytest.mark.proves("SLACK-213")
@pytest.mark.parametrize(
    ("over", "word"),
    [
        ({"status": "answered", "outcome": "accept", "answered_at": NOW}, "Allowed"),
        ({"status": "answered", "outcome": "decline", "answered_at": NOW}, "Denied"),
        ({"status": "expired"}, "time to answer this is over"),
        ({"status": "cancelled"}, "Withdrawn"),
    ],
)
def test_a_settled_card_has_no_buttons(over: dict[str, Any], word: str) -> None:
    shown = ended(approval({"path": "/a"}, **over))
    assert buttons(shown) == []
    assert word in words(shown.blocks)


@pytest.mark.proves("SLACK-213")
def test_a_button_of_ours_comes_back_as_itself() -> None:
    (allow, _) = buttons(question(approval({"path": "/a"}), False))
    body = payload("pressed_allow")
    body["actions"] = [allow]
    pressed = pressed_of(body)
    assert pressed is not None
    assert (pressed.press, pressed.value) == ("answer", {"interaction": str(ID), "action": "accept"})


def test_asking_about_a_message() -> None:
    view = ask_modal("<!channel> *all* of it", {"channel": "C1"})
    assert refused_view(view) == []
    submitted = submitted_of(payload("submitted_question"))
    assert submitted is not None
    assert asked_in(submitted.state) == "What does this mean?"
    assert refused_view(waiting()) == refused_view(done("Allowed.")) == []


WORD = st.text(max_size=30) | st.sampled_from(["<!channel>", "*b*", "x" * 190, "`&<>" * 40])
LIMITS = st.integers(0, 5_000)
OPTION = st.lists(
    st.tuples(st.text(min_size=1, max_size=300), WORD), min_size=1, max_size=140, unique_by=lambda one: one[0]
)


def titled(options: list[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"const": const, "title": title} for const, title in options]


def text_field(least: int, more: int, default: str, kind: str) -> dict[str, Any]:
    field: dict[str, Any] = {"type": "string", "minLength": least, "maxLength": least + more}
    return field | ({"default": default} if default else {}) | ({"format": kind} if kind else {})


def several(options: list[tuple[str, str]], most: int) -> dict[str, Any]:
    items = {"anyOf": titled(options)}
    return {"type": "array", "items": items, "maxItems": most + 1, "default": [options[0][0]]}


FORMATS = st.sampled_from(["", "email", "uri", "date", "date-time"])
NUMBERS = st.floats(-1e300, 1e300) | st.integers()


def number_field(kind: str, least: int, default: float) -> dict[str, Any]:
    return {"type": kind, "minimum": least, "default": default}


def yes_no(default: bool) -> dict[str, Any]:
    return {"type": "boolean", "default": default}


def one_of(options: list[tuple[str, str]]) -> dict[str, Any]:
    return {"type": "string", "oneOf": titled(options), "default": options[0][0]}


def neutral_schema(fields: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return schema_of({"type": "object", "properties": fields, "required": list(fields)[::2]})


FIELD: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.builds(text_field, LIMITS, LIMITS, st.text(max_size=20), FORMATS),
    st.builds(number_field, st.sampled_from(["number", "integer"]), st.integers(-(10**18), 10**18), NUMBERS),
    st.builds(yes_no, st.booleans()),
    st.builds(one_of, OPTION),
    st.builds(several, OPTION, LIMITS),
)
SCHEMA = st.dictionaries(st.text("abcdefghij", min_size=1, max_size=20), FIELD, max_size=8).map(
    neutral_schema
)


@pytest.mark.proves("SLACK-205", "SLACK-206", "SLACK-209")
@settings(max_examples=30)
@given(
    st.lists(SCHEMA, min_size=1, max_size=3),
    WORD,
    st.sampled_from(["form", "choice", "approval"]),
    st.booleans(),
)
def test_any_form_is_one_that_slack_takes(schemas: list[Any], message: str, kind: str, shared: bool) -> None:
    forms = [
        Form(key=f"k{n}", message=message * 20, requested_schema=schema, arguments={"a": message})
        for n, schema in enumerate(schemas)
    ]
    interaction = asked(kind, *forms, title=message)
    assert refused_by_slack(question(interaction, shared)) == []
    assert refused_by_slack(ended(interaction, shared)) == []
    if fits(interaction):
        view = modal(interaction, {})
        assert refused_view(view) == []
        content_of(interaction, {})


@pytest.mark.proves("SLACK-210")
@given(st.dictionaries(st.text(), st.text() | st.floats(allow_nan=False) | st.lists(st.text())))
def test_what_is_exact_reads_back_and_hides_nothing(arguments: dict[str, Any]) -> None:
    text = exact(arguments)
    assert json.loads(text) == arguments
    assert all(char.isprintable() or char == "\n" for char in text)
