"""Whatever bytes arrive: a message or `Malformed`, never anything else."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engines import full_run
from tools.gateway.protocol.envelope import Malformed, Message, parse

DEPTH = 20
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
fragments = st.sampled_from(
    [
        b'{"jsonrpc":"2.0"',
        b',"id":1',
        b',"method":"a"',
        b',"params":',
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"\\",
        b"\xff",
    ]
)


def outcome(body: bytes) -> Message | None:
    try:
        return parse(body, DEPTH)
    except Malformed:
        return None


@given(st.binary(max_size=400))
@pytest.mark.proves("GATEWAY-005")
def test_any_bytes_give_a_message_or_an_error(body: bytes) -> None:
    outcome(body)


@given(st.lists(fragments, max_size=30).map(b"".join))
def test_any_pieces_of_an_envelope_give_a_message_or_an_error(body: bytes) -> None:
    outcome(body)


@settings(max_examples=100 if full_run() else 40)
@given(json_values)
def test_any_json_gives_a_message_or_an_error(value: object) -> None:
    outcome(json.dumps(value).encode())


@settings(max_examples=100 if full_run() else 40)
@given(
    st.integers() | st.text(max_size=200), st.text(min_size=1), st.dictionaries(st.text(), st.integers(0, 9))
)
def test_a_request_is_read_as_it_was_written(id: int | str, method: str, params: dict[str, int]) -> None:
    written = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
    for body in (json.dumps(written), json.dumps(written, indent=2)):
        read = outcome(body.encode())
        if read is not None:
            assert read == Message(method, id, params)
        else:
            assert not json.dumps(written, ensure_ascii=False).isprintable() or abs(int(id)) > 2**63


@given(st.integers(1, 60))
def test_nesting_is_cut_exactly_at_the_limit(depth: int) -> None:
    # the message and `params` are two levels themselves
    body = b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":%b%b}}' % (b"[" * depth, b"]" * depth)
    assert (outcome(body) is not None) == (depth + 2 <= DEPTH)


@settings(max_examples=100 if full_run() else 40)
@given(st.dictionaries(st.text(), st.integers(), min_size=1, max_size=5), st.data())
def test_a_key_that_comes_twice_is_always_seen(pairs: dict[str, int], data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(sorted(pairs)))
    members = [f"{json.dumps(key)}:{value}" for key, value in [*pairs.items(), (again, 0)]]
    body = f'{{"jsonrpc":"2.0","id":1,"method":"m","params":{{{",".join(members)}}}}}'
    assert outcome(body.encode("utf-8", "surrogatepass")) is None
