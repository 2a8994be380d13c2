"""Arguments as HTTP requests: what is sent can be read again, and stays where it belongs."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import httpx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kit.errors import Invalid
from tools.gateway.upstreams.openapi_request import Binding, Part, Place, prepared

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_primitives = st.one_of(_text, st.integers(), st.booleans())


def part(place: Place, style: str, explode: bool = False, **more: Any) -> Part:
    return Part("x", "x", place, style, explode, **more)


def sent(one: Part, value: Any, path: str = "/things/{x}/end") -> Any:
    return prepared(Binding("GET", path if one.place == "path" else "/things", (one,)), {"x": value})


def written(value: Any) -> str:
    return value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.proves("GOV-702")
@settings(max_examples=150, deadline=None)
@given(value=_primitives, style=st.sampled_from(["simple", "label", "matrix"]), slash=st.booleans())
def test_a_value_in_a_path_stays_one_segment_and_can_be_read_again(
    value: Any, style: str, slash: bool
) -> None:
    try:
        target = sent(part("path", style, slash=slash), value).target
    except Invalid:
        text = written(value)
        assert (
            not text
            or set("/\\%") & set(text)
            or text in (".", "..")
            or any(ord(s) < 32 for s in text)
            or ("\x7f" in text or (style == "label" and text == "."))
        )
        return
    # as a client library sends it, which may tidy a path on its own account
    raw = httpx.URL(f"https://api.example/v1{target}").raw_path.decode()
    assert raw == f"/v1{target}"
    before, segment, after = raw.removeprefix("/v1/").split("/")
    assert (before, after) == ("things", "end")
    prefix = {"simple": "", "label": ".", "matrix": ";x="}[style]
    assert unquote(segment.removeprefix(prefix)) == written(value)


@pytest.mark.proves("GOV-702")
@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "..",
        "../admin",
        "a/../b",
        "..\\admin",
        "%2e%2e",
        "%252e%252e/",
        "a%2Fb",
        "a/b",
        "\n",
        "a\x00",
    ],
)
def test_what_would_lead_to_another_path_is_refused_and_not_repeated(value: str) -> None:
    with pytest.raises(Invalid) as refused:
        sent(part("path", "simple"), value)
    assert "'x'" in refused.value.detail or "arguments" in refused.value.detail
    assert not value.strip("./\n") or value not in refused.value.detail


@pytest.mark.proves("GOV-702")
def test_dots_that_come_together_with_the_path_itself_are_refused() -> None:
    with pytest.raises(Invalid):
        sent(part("path", "simple"), ".", path="/files/.{x}")
    with pytest.raises(Invalid):
        sent(part("path", "label"), ".", path="/files/{x}")


@pytest.mark.proves("GOV-702")
def test_a_slash_is_encoded_where_the_document_allows_it_and_dots_stay_refused() -> None:
    assert sent(part("path", "simple", slash=True), "group/project").target == "/things/group%2Fproject/end"
    with pytest.raises(Invalid):
        sent(part("path", "simple", slash=True), "group/../admin")


@pytest.mark.proves("GOV-702")
@settings(max_examples=150, deadline=None)
@given(name=_text.filter(bool), value=st.one_of(_primitives, st.lists(_primitives, min_size=1, max_size=4)))
def test_a_value_in_a_query_stays_one_value(name: str, value: Any) -> None:
    one = Part("x", name, "query", "form", True)
    target = prepared(Binding("GET", "/t", (one,)), {"x": value}).target
    items: list[Any] = value if isinstance(value, list) else [value]
    wanted = [(name, written(item)) for item in items]
    assert parse_qsl(urlsplit(target).query, keep_blank_values=True) == wanted
    assert httpx.URL(f"https://api.example{target}").raw_path.decode() == target


@pytest.mark.proves("GOV-702")
@settings(max_examples=80, deadline=None)
@given(
    items=st.lists(_text, min_size=1, max_size=4),
    style=st.sampled_from([("form", ","), ("spaceDelimited", "%20"), ("pipeDelimited", "%7C")]),
)
def test_a_list_in_one_value_can_be_taken_apart_again(items: list[str], style: tuple[str, str]) -> None:
    name, between = style
    # the two others have no way to write their own separator inside a value (OpenAPI 3.1.1, 4.8.12)
    assume(name == "form" or not any(unquote(between) in item for item in items))
    query = sent(part("query", name, explode=False), items).target.partition("?x=")[2]
    assert [unquote(item) for item in query.split(between)] == items


@pytest.mark.proves("GOV-702")
@settings(max_examples=80, deadline=None)
@given(fields=st.dictionaries(_text.filter(bool), _text, min_size=1, max_size=3))
def test_objects_travel_as_their_fields(fields: dict[str, str]) -> None:

    def read(style: str) -> list[tuple[str, str]]:
        target = sent(part("query", style, explode=True), fields).target
        return parse_qsl(urlsplit(target).query, keep_blank_values=True)

    assert read("deepObject") == [(f"x[{name}]", value) for name, value in fields.items()]
    assert read("form") == list(fields.items())


@pytest.mark.proves("GOV-702")
@settings(max_examples=150, deadline=None)
@given(value=st.text(max_size=20))
def test_a_value_in_a_header_is_one_line_of_visible_text(value: str) -> None:
    try:
        headers = sent(part("header", "simple"), value).headers
    except Invalid:
        assert not value.isascii() or not value.isprintable() or value != value.strip()
        return
    assert headers == {"x": value}
    assert not set("\r\n\0") & set(headers["x"])


@pytest.mark.proves("GOV-702")
@settings(max_examples=80, deadline=None)
@given(value=_text)
def test_a_value_in_a_cookie_makes_no_second_cookie(value: str) -> None:
    cookie = sent(part("cookie", "form", explode=True), value).headers["cookie"]
    name, _, text = cookie.partition("=")
    assert (name, unquote(text)) == ("x", value)
    assert not set("; ,") & set(cookie)


@pytest.mark.proves("GOV-702")
def test_bodies_travel_as_the_document_says() -> None:
    def body(kind: Any, value: Any) -> bytes:
        return prepared(Binding("POST", "/t", (), kind, "m/t", "body"), {"body": value}).content

    assert body("json", {"a": ["ä", None, 1.5]}) == '{"a":["ä",null,1.5]}'.encode()
    assert body("form", {"a": "1&b=2", "c": [1, True], "d": {"e": 1}}) == (
        b"a=1%26b%3D2&c=1&c=true&d=%7B%22e%22%3A%201%7D"
    )
    assert body("text", "as it is") == b"as it is"
