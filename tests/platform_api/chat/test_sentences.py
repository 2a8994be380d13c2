"""A model's text, cut into sentences while it arrives."""

from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kit.wire.events import AnswerDelta, TurnFailed
from platform_api.chat.answer import Answer
from platform_api.chat.log import TurnLog
from platform_api.chat.sentences import LONGEST, Sentence, SentenceStream


def cut(*pieces: str) -> list[Sentence]:
    stream = SentenceStream()
    return [*(one for piece in pieces for one in stream.feed(piece)), *stream.end()]


def test_a_sentence_is_given_out_as_soon_as_the_next_begins() -> None:
    stream = SentenceStream()
    assert list(stream.feed("Staff get 25 days.")) == []
    assert list(stream.feed(" Unused")) == [Sentence("Staff get 25 days.")]
    assert list(stream.end()) == [Sentence("Unused")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. [1] Two [2]. Three [1, 2].", ["One.", "Two.", "Three."]),
        ("Dr. Smith, e.g. on 1.5 days, agrees. Yes.", ["Dr. Smith, e.g. on 1.5 days, agrees.", "Yes."]),
        ("**Leave** is `25` days.", ["Leave is 25 days."]),
        ("A line\nthat goes on. Next.", ["A line that goes on.", "Next."]),
        ("## Leave\nStaff get 25 days.", ["Staff get 25 days."]),
        ("| Place | Days |\n|---|---|\n| Sydney | 25 |", ["Place: Sydney; Days: 25"]),
        ("| Sydney | 25 |\n| Perth | 20 |\nEnd.", ["Sydney | 25", "Perth | 20", "End."]),
        ("**Leave**\nStaff get 25 days.", ["Staff get 25 days."]),
        ("Run:\n```bash\ngit push\n```\nThen wait.", ["Run:", "git push", "Then wait."]),
        ("> Staff *get* ~~25~~ days.", ["Staff get 25 days."]),
        (
            "See [the portal](https://evil.example/x)![](http://evil/x.png).",
            ["See the portal."],
        ),
        ("A\u200bn item\u202e here.", ["An item here."]),
        ("---\n***\n", []),
        ("[1] Staff get 25 days.", ["Staff get 25 days."]),
    ],
)
def test_markers_and_markup_are_gone(text: str, expected: list[str]) -> None:
    assert [one.text for one in cut(text)] == expected


@pytest.mark.proves("ANSWER-004")
@pytest.mark.parametrize(
    ("written", "numbers", "quotes"),
    [
        ("Staff get 25 days. [1]", [1], []),
        ("Staff get 25 days [1].", [1], []),
        ("Staff get 25 days.[1][2]", [1, 2], []),
        ("Staff get 25 days. [1, 2]", [1, 2], []),
        ("Staff [^1] get 25 days.", [1], []),
        ("[2] Staff get 25 days.", [2], []),
        ("Staff get 25 days. [Source 2]", [2], []),
        ("Staff get 25 days. [doc #2]", [2], []),
        ("Staff get 25 days. 【2†handbook】", [2], []),
        ("Staff get 25 days. [1](https://x.example/a)", [1], []),
        ('Staff get 25 days. [1 "Staff get 25 days."]', [1], ["Staff get 25 days."]),
        ("Staff get 25 days. [1: “Staff get 25 days.”]", [1], ["Staff get 25 days."]),
        ('Staff get 25 days. [1 "All "staff" get. Really. [sic] 25"; 2 "Two."]', [1], None),
        ("Staff get 25 days. [1 - 'They don't get more.']", [1], ["They don't get more."]),
    ],
)
def test_every_way_of_pointing_at_a_source_is_understood_and_gone(
    written: str, numbers: list[int], quotes: list[str] | None
) -> None:
    for size in (1, 5, 1000):
        pieces = [written[at : at + size] for at in range(0, len(written), size)]
        (sentence,) = cut(*pieces)
        assert sentence.text == "Staff get 25 days."
        seen = [n for one in sentence.citings for n in one.numbers]
        # A letter at a time the sentence has gone before a second pointer begins.
        assert seen == numbers or (size == 1 and seen == numbers[:1])
        if quotes is not None:
            assert [quote for one in sentence.citings for quote in one.quotes] == quotes


def test_a_pointer_that_never_closes_loses_nothing() -> None:
    assert " ".join(one.text for one in cut('Staff get 25 days. [1 "Unused days', " expire. Always.")) == (
        "Staff get 25 days. Unused days expire. Always."
    )


@pytest.mark.proves("ANSWER-003")
@pytest.mark.parametrize("pointer", ["[1]", '[1 "Staff get 25 days."]', "[Source 1]."])
def test_a_sentence_with_its_pointer_waits_for_no_other(pointer: str) -> None:
    stream = SentenceStream()
    given_out = list(stream.feed(f"Staff get 25 days. {pointer} "))
    assert [one.text for one in given_out] == ["Staff get 25 days."]


def test_layout_is_kept_as_the_lead_of_each_sentence() -> None:
    assert cut("Intro.\n\n- One. Still one.\n- Two.\n\nEnd.") == [
        Sentence("Intro."),
        Sentence("One.", "\n- "),
        Sentence("Still one."),
        Sentence("Two.", "\n- "),
        Sentence("End.", "\n\n"),
    ]


def test_text_without_an_end_is_cut_all_the_same() -> None:
    stream = SentenceStream()
    given_out = list(stream.feed("word " * LONGEST))
    assert given_out
    assert all(len(one.text) < 2 * LONGEST for one in [*given_out, *stream.end()])


@pytest.mark.proves("HOSTILE-001")
@pytest.mark.parametrize(
    "piece", ["!", "?", "...", "\n", " \n", "[1]", "a. ", "**", "| a ", "```\n", '[1: "', "<t "]
)
def test_a_model_that_writes_the_same_for_ever_is_read_to_its_end(piece: str) -> None:
    """Patterns that read what they have read again would take minutes, on the loop of all other turns."""
    stream = SentenceStream()
    text = f"Staff, {piece * (30_000 // len(piece))}x."
    given_out = [*stream.feed(text), *stream.end()]
    assert all(len(one.text) < 2 * LONGEST for one in given_out)


PARTS = [
    "Staff get 25 days. ",
    "See [1]",
    " [2]. ",
    "\n- An item. ",
    "\n\n",
    "e.g. ",
    "1.5 ",
    "Dr. Who? ",
    "**B** ",
]
TEXT = st.lists(
    st.sampled_from(PARTS),
    max_size=12,
).map("".join)


@example("Staff get 25 days. See [1]See [1] [2]. **B** \n- An item. ", [42])
@given(TEXT, st.lists(st.integers(0, 60), max_size=8))
def test_how_the_text_arrives_loses_and_repeats_no_word(text: str, at: list[int]) -> None:
    bounds = [0, *sorted(min(one, len(text)) for one in at), len(text)]
    pieces = [text[start:end] for start, end in pairwise(bounds)]
    arrived = " ".join(one.text for one in cut(*pieces)).split()
    whole = " ".join(one.text for one in cut(text)).split()
    assert arrived == whole


@pytest.mark.proves("TURN-006")
@given(st.text(max_size=200))
def test_without_sources_only_frames_are_shown(text: str) -> None:
    answer = Answer(threshold=0.85)
    shown = [answer.offer(one) for one in cut(text)]
    assert all(one == [] for one in shown)
    assert answer.text == ""


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6))
async def test_every_follower_of_a_log_gets_every_event_once(starts: list[int]) -> None:
    log = TurnLog(uuid4())
    for number in range(8):
        log.say(AnswerDelta, text=str(number))
    log.say(TurnFailed, code="x", detail="x", hint="x", request_id="x", retryable=False)
    log.say(AnswerDelta, text="too late")
    for start in starts:
        heard = [entry.seq async for batch in log.follow(start, 1) for entry in batch]
        assert heard == (list(range(start + 1, 10)) or [9])
