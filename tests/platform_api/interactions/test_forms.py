"""From what tools ask to what people fill in: no flat form is lost, none passes for ours."""

import math
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.wire.interactions import Respond
from platform_api.interactions.errors import AnswerInvalid, Unaskable
from platform_api.interactions.filling import filled, input_responses
from platform_api.interactions.forms import asked
from tests.engines import full_run
from tests.platform_api.interactions.asks import BOOKING, NOTHING, elicit, page_to_open, suspended

Json = dict[str, Any]
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=6)
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
    st.sampled_from(
        [
            *("maya@example.com", "maya@", "https://example.com/a", "example", "2026-07-28", "2026-02-30"),
            *("2026-07-28T10:00:00Z", "2026-07-28T10:00:00+10:00", "2026-07-28T10:00:00", "a", "b", ""),
        ]
    ),
)
NUMBERS = st.one_of(st.integers(-20, 20), st.floats(-20, 20).filter(lambda one: not math.isnan(one)))


@st.composite
def strings(draw: st.DrawFn) -> Json:
    limits = {"minLength": draw(st.integers(0, 5)), "maxLength": draw(st.integers(0, 8))}
    kept = {name: limit for name, limit in limits.items() if draw(st.booleans())}
    formats = draw(st.sampled_from([None, "email", "uri", "date", "date-time"]))
    return {"type": "string", **kept, **({"format": formats} if formats else {})}


@st.composite
def numbers(draw: st.DrawFn) -> Json:
    low, high = draw(st.integers(-10, 10)), draw(st.integers(-10, 10))
    kept = {name: limit for name, limit in (("minimum", low), ("maximum", high)) if draw(st.booleans())}
    return {"type": draw(st.sampled_from(["number", "integer"])), **kept}


@st.composite
def choices(draw: st.DrawFn) -> Json:
    """One or several options, in each way in which a revision of MCP writes them."""
    options = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
    titled = [{"const": option, "title": f"the {number}."} for number, option in enumerate(options)]
    one: Json = draw(
        st.sampled_from(
            [
                {"type": "string", "enum": options},
                {"type": "string", "enum": options, "enumNames": [f"the {one}" for one in options]},
                {"type": "string", "oneOf": titled},
            ]
        )
    )
    if draw(st.booleans()):
        return one
    items = draw(st.sampled_from([{"type": "string", "enum": options}, {"anyOf": titled}]))
    limits = {"minItems": draw(st.integers(0, 2)), "maxItems": draw(st.integers(0, 4))}
    return {"type": "array", "items": items, **{k: v for k, v in limits.items() if draw(st.booleans())}}


FIELDS = st.one_of(strings(), numbers(), choices(), st.just({"type": "boolean"}))


@st.composite
def forms(draw: st.DrawFn) -> tuple[Json, Json]:
    """A schema, and an answer that may or may not fit it."""
    fields = draw(st.dictionaries(WORDS, FIELDS, max_size=4))
    required = [name for name in fields if draw(st.booleans())]
    answers: Json = {}
    for name, field in fields.items():
        if draw(st.integers(0, 5)):
            answers[name] = draw(st.one_of(fitting(field), st.one_of(TEXTS, NUMBERS, st.booleans())))
    return {"type": "object", "properties": fields, "required": required}, answers


def fitting(field: Json) -> st.SearchStrategy[Any]:
    options = [option["const"] for option in field.get("oneOf", [])] or field.get("enum")
    if options:
        return st.sampled_from(options)
    if field["type"] == "array":
        items = field["items"]
        inner = items.get("enum") or [option["const"] for option in items["anyOf"]]
        return st.lists(st.sampled_from(inner), max_size=3)
    return {"string": TEXTS, "number": NUMBERS, "integer": st.integers(-20, 20)}.get(
        field["type"], st.booleans()
    )


@pytest.mark.proves("GOV-311")
@settings(max_examples=120 if full_run() else 40)
@given(forms())
def test_what_passes_here_passes_the_tool_s_own_schema_and_the_other_way_round(
    asked_for: tuple[Json, Json],
) -> None:
    schema, answer = asked_for
    _, [form] = asked(suspended(input_requests={"q": elicit(schema)}))
    content, errors = filled(form, answer)
    own = jsonschema_rs.validator_for({**schema, "additionalProperties": False}, validate_formats=True)
    assert (not errors) == own.is_valid(answer)
    if not errors:
        assert content == answer
    assert {error.field for error in errors} <= {*schema["properties"], *answer}
    assert all(error.message.endswith(".") for error in errors)


@pytest.mark.proves("GOV-311")
@given(forms(), WORDS)
def test_an_unknown_field_is_refused_by_name(asked_for: tuple[Json, Json], name: str) -> None:
    schema, answer = asked_for
    _, [form] = asked(suspended(input_requests={"q": elicit(schema)}))
    if name not in schema["properties"]:
        _, errors = filled(form, answer | {name: "x"})
        assert "There is no such field in this form." in [one.message for one in errors if one.field == name]


def test_defaults_fill_in_what_was_left_out_and_a_wrong_default_is_none() -> None:
    fields: Json = {
        "seats": {"type": "integer", "default": 2, "maximum": 8},
        "wrong": {"type": "integer", "default": "two"},
        "mail": {"type": "string", "format": "email", "default": "nobody"},
    }
    _, [form] = asked(suspended(input_requests={"q": elicit({"type": "object", "properties": fields})}))
    assert filled(form, {}) == ({"seats": 2}, [])
    assert filled(form, {"seats": None}) == ({"seats": 2}, [])


@pytest.mark.proves("GOV-312")
@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (elicit(BOOKING), "form"),
        (elicit(NOTHING), "form"),
        (elicit({"type": "object", "properties": {"ok": {"type": "boolean"}}, "required": ["ok"]}), "form"),
        (
            elicit(
                {"type": "object", "properties": {"s": {"type": "string", "enum": ["a"]}}, "required": ["s"]}
            ),
            "choice",
        ),
        (page_to_open("https://example.com/sign-in?x=1"), "connect_account"),
        (page_to_open("http://127.0.0.1:8000/connect"), "connect_account"),
        (elicit(NOTHING, _meta={"switchboard/kind": "approval"}), "approval"),
        # a page to open is no approval, whatever it says
        (page_to_open("https://example.com", _meta={"switchboard/kind": "approval"}), "connect_account"),
    ],
)
def test_the_kind_follows_from_the_form_and_approval_only_from_the_gateway(request_: Any, kind: str) -> None:
    found, [form] = asked(suspended(input_requests={"q": request_}))
    assert found == kind
    assert (form.arguments is not None) == (kind == "approval")


@pytest.mark.proves("GOV-312")
@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://bank.example@evil.example/",
        "https://ex\u0430mple.com/",
        "https://example.com/\u202egnp.exe",
        "https://example.com\\@evil.example/",
        "https://example.com/a b",
        "https:///nowhere",
        "https://example.com:port/",
        "file:///etc/passwd",
        f"https://example.com/{'x' * 5000}",
        "",
        None,
    ],
)
def test_a_page_is_opened_only_at_a_plain_address(url: Any) -> None:
    with pytest.raises(Unaskable):
        asked(suspended(input_requests={"q": page_to_open(url)}))


@pytest.mark.proves("GOV-312")
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}},
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "string"}}}},
        {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/x"}}},
        {"type": "object", "properties": {"a": {"type": "string", "minLength": "x"}}},
        {"type": "object", "properties": {"a\u202eb": {"type": "string"}}},
        {"type": "object", "properties": {"": {"type": "string"}}},
        {"type": "object", "properties": {"a": {"type": "string", "enum": []}}},
        {"type": "object", "properties": {"a": {"type": "string", "enum": [1]}}},
        {"type": "object", "properties": {}, "required": ["never"]},
        {"type": "object", "properties": {f"f{n}": {"type": "string"} for n in range(65)}},
        {"type": "array"},
        {"type": "object", "properties": []},
        [],
        "x",
    ],
)
def test_a_form_that_cannot_be_asked_is_refused_in_words(schema: Any) -> None:
    request = {"method": "elicitation/create", "params": {"message": "m", "requestedSchema": schema}}
    with pytest.raises(Unaskable):
        asked(suspended(input_requests={"q": request}))


@pytest.mark.parametrize(
    "requests",
    [
        {},
        {"q": {"method": "sampling/createMessage", "params": {}}},
        {"q": {"method": "roots/list"}},
        {"q": "x"},
        {"q": elicit(message="x" * 600_000)},
        {"q": elicit(message="a\0b")},
        {f"q{n}": elicit(NOTHING) for n in range(9)},
    ],
)
def test_what_is_no_question_to_a_person_is_refused(requests: Any) -> None:
    with pytest.raises(Unaskable):
        asked(suspended(input_requests=requests))


@pytest.mark.proves("GOV-312")
def test_no_text_of_a_tool_hides_or_reorders_what_is_read() -> None:
    hidden = "Pay\u202e 1\u200b0\x1b[31m \U000e0041dollars"
    schema: Json = {
        "type": "object",
        "properties": {
            "s": {
                "type": "string",
                "title": hidden,
                "description": hidden,
                "oneOf": [{"const": "a\u202eb", "title": hidden}, {"const": "\u200b"}],
            }
        },
    }
    _, [form] = asked(
        suspended(
            input_requests={"q": elicit(schema, hidden, _meta={"switchboard/kind": "approval"})},
            arguments={"to": "a\u202eb", "list": ["x\u200by"], "plain": "ü 1"},
        )
    )
    field = form.requested_schema["properties"]["s"]
    assert form.message == "Pay 10[31m dollars"
    assert (field["title"], field["description"]) == ("Pay 10[31m dollars", "Pay 10[31m dollars")
    assert field["oneOf"] == [
        # what is sent back stays exact, what is shown is plain
        {"const": "a\u202eb", "title": "Pay 10[31m dollars"},
        {"const": "\u200b", "title": "\\u200b"},
    ]
    assert form.arguments == {"to": "a\\u202eb", "list": ["x\\u200by"], "plain": "ü 1"}


def test_no_argument_hides_another_one() -> None:
    given = {"path\u200b": 1, "path\\u200b": 2, "path": 3}
    approval = elicit(NOTHING, _meta={"switchboard/kind": "approval"})
    _, [form] = asked(suspended(input_requests={"q": approval}, arguments=given))
    assert form.arguments is not None
    assert sorted(form.arguments.values()) == [1, 2, 3]


def test_a_long_message_is_cut_and_says_so() -> None:
    _, [form] = asked(suspended(input_requests={"q": elicit(NOTHING, "x" * 9000)}))
    assert len(form.message) == 4000
    assert form.message.endswith("…")


def test_answers_to_several_forms_are_named_by_their_keys() -> None:
    _, several = asked(suspended(input_requests={"a": elicit(NOTHING), "b": elicit(BOOKING)}))
    with pytest.raises(AnswerInvalid) as refused:
        input_responses(several, Respond(action="accept", content={"b": "x", "c": {}}))
    assert {error.field for error in refused.value.errors} == {"b", "c"}
    assert input_responses(several, Respond(action="cancel")) == {
        "a": {"action": "cancel"},
        "b": {"action": "cancel"},
    }
