from hypothesis import given
from hypothesis import strategies as st
from switchboard_sdk.sse import Decoder


def test_an_event_is_what_stands_between_empty_lines() -> None:
    assert Decoder().feed(b"id: 1\nevent: x\ndata: one\n\ndata: two\n\n") == ["one", "two"]


def test_comments_and_unfinished_events_say_nothing() -> None:
    assert Decoder().feed(b": ping\n\ndata: half") == []


def test_several_data_lines_are_one_event() -> None:
    assert Decoder().feed(b"data: one\ndata: two\n\n") == ["one\ntwo"]


def test_a_line_separator_inside_json_does_not_cut_the_event() -> None:
    data = '{"text": "page one\u2028page two\x85three"}'
    assert Decoder().feed(f"data: {data}\n\n".encode()) == [data]


@given(
    events=st.lists(st.text(alphabet="aé€𝄞 :\u2028", min_size=1), min_size=1, max_size=5),
    end=st.sampled_from([b"\n", b"\r\n"]),
    data=st.data(),
)
def test_where_the_network_cuts_does_not_matter(events: list[str], end: bytes, data: st.DataObject) -> None:
    stream = b"".join(b"data: " + event.encode() + end + end for event in events)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    decoder = Decoder()
    assert [found for piece in pieces for found in decoder.feed(piece)] == events
