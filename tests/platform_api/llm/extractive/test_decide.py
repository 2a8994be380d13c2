import pytest

from platform_api.llm.extractive import decide
from platform_api.llm.frames import FrameName


@pytest.mark.parametrize(
    ("message", "frame"),
    [
        ("Hello!", "greeting"),
        ("good morning everyone", "greeting"),
        ("hey there 👋", "greeting"),
        ("Thanks a lot, that was very helpful!", "thanks"),
        ("thank you", "thanks"),
        ("bye for now", "goodbye"),
        ("ok, got it", "fine"),
        ("No, thanks", "fine"),
        ("Are you sure about that?", "sure"),
        ("really?", "sure"),
        ("How do you know that?", "sure"),
        ("That's not what I asked!", "sorry"),
        ("no, that is wrong", "sorry"),
        ("Who are you?", "identity"),
        ("hi, are you a bot?", "identity"),
        ("What can you do?", "capabilities"),
        ("help", "capabilities"),
        ("???", "unclear"),
        ("🙂", "unclear"),
    ],
)
def test_small_talk_gets_a_frame_and_no_search(message: str, frame: FrameName) -> None:
    decision = decide(message)
    assert (decision.frame, decision.query) == (frame, None)


@pytest.mark.parametrize(
    ("message", "query"),
    [
        ("hey, can you tell me how many days of leave I get? thanks", "how many days of leave I get?"),
        ("Hi! Please help me find the travel form", "the travel form"),
        ("who are your suppliers", "who are your suppliers"),
        ("help desk phone number", "help desk phone number"),
        ("good practice for reviews", "good practice for reviews"),
        ("What is the thank you policy", "What is the thank you policy"),
    ],
)
def test_a_question_is_searched_without_the_chit_chat(message: str, query: str) -> None:
    decision = decide(message)
    assert (decision.frame, decision.query) == (None, query)


@pytest.mark.parametrize(
    "message", ["and for contractors?", "how long does it take?", "why?", "what about Fridays"]
)
def test_a_message_that_goes_on_is_read_with_the_question_before_it(message: str) -> None:
    earlier = ["How do I renew my badge?", "thanks!"]
    decision = decide(message, earlier)
    assert decision.query is not None
    assert decision.query.startswith("How do I renew my badge?")
    assert message.rstrip("?") in decision.query


@pytest.mark.proves("ANSWER-007")
def test_a_second_follow_up_still_goes_on_from_the_question() -> None:
    earlier = ["How many days of leave do interns get?", "and contractors?", "are you sure?", "thanks"]
    decision = decide("what about Fridays?", earlier)
    assert decision.goes_on
    assert decision.query == "How many days of leave do interns get? and contractors? what about Fridays?"


@pytest.mark.proves("ANSWER-007")
def test_a_follow_up_of_another_topic_forgets_the_one_before() -> None:
    earlier = ["How many days of leave do interns get?", "Where is the travel desk in Sydney?"]
    assert decide("and when does it open?", earlier).query == (
        "Where is the travel desk in Sydney? and when does it open?"
    )


def test_a_new_question_stands_alone() -> None:
    message = "Which form do I need for parental leave in Canada?"
    assert decide(message, ["How do I renew my badge?"]).query == message


def test_a_query_is_never_longer_than_the_search_takes() -> None:
    query = decide("where is the " + "very " * 4000 + "long corridor").query
    assert query is not None
    assert len(query) <= 2000
