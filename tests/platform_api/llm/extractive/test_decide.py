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
        ("see you tomorrow", "goodbye"),
        ("have a nice weekend!", "goodbye"),
        ("How are you?", "well"),
        ("hi, how's it going?", "well"),
        ("You are great!", "pleased"),
        ("love it", "pleased"),
        ("you're useless", "sorry"),
        ("Who made you?", "identity"),
        ("can you help me?", "capabilities"),
        ("what can I ask you?", "capabilities"),
        ("tell me a joke", "joke"),
        ("Guten Tag!", "greeting"),
        ("merci beaucoup", "thanks"),
        ("hasta luego", "goodbye"),
        ("how much?", "vague"),
        ("how long does it take?", "vague"),
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


@pytest.mark.parametrize("message", ["and for contractors?", "why?", "what about Fridays"])
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
    assert decide("and when does it open?", earlier).query == ("when does travel desk in Sydney open?")


def test_a_new_question_stands_alone() -> None:
    message = "Which form do I need for parental leave in Canada?"
    assert decide(message, ["How do I renew my badge?"]).query == message


def test_a_query_is_never_longer_than_the_search_takes() -> None:
    query = decide("where is the " + "very " * 4000 + "long corridor").query
    assert query is not None
    assert len(query) <= 2000


@pytest.mark.parametrize(
    ("message", "language"),
    [
        ("Wie viele Tage Urlaub habe ich im Jahr?", "de"),
        ("Combien de jours de congé est-ce que j'ai ?", "fr"),
        ("¿Cuántos días de vacaciones tengo?", "es"),
        ("Quanti giorni di ferie ho?", "it"),
        ("Hoeveel vakantiedagen heb ik?", "nl"),
        ("How many days of leave do I get in the first year?", "en"),
        ("Heron battery", "en"),
        ("die casting safety rules", "en"),
    ],
)
def test_a_question_in_another_language_is_searched_and_known_as_such(message: str, language: str) -> None:
    decision = decide(message)
    assert (decision.language, decision.frame) == (language, None)
    assert decision.query == message


@pytest.mark.parametrize(
    ("message", "query"),
    [
        ("who approves it?", "who approves days of leave?"),
        ("what about part-time staff?", "How many days of leave do I get? what about part-time staff?"),
        ("where is the canteen?", "where is the canteen?"),
        ("who is the fire warden at Quay Street", "who is the fire warden at Quay Street"),
    ],
)
def test_what_points_back_is_made_whole_and_what_stands_alone_is_left(message: str, query: str) -> None:
    assert decide(message, ["How many days of leave do I get?"]).query == query


@pytest.mark.proves("HOSTILE-001")
@pytest.mark.parametrize("piece", [", ", ". ", "!", "...", "please ", "1 ", "and ", "hi, ", "\n"])
def test_a_message_without_end_is_decided_on(piece: str) -> None:
    message = f"How much leave do I get?{piece * (16_000 // len(piece))}x"
    decided = decide(message, [message])
    assert decided.frame is not None or decided.query
