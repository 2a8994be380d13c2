import pytest

from knowledge.verify import DEFAULT_THRESHOLD, Explanation, explain, verify
from tests.knowledge.verify.handbook import SENTENCES, source


def explained(sentence: str) -> Explanation:
    return explain(verify(sentence, [source()]), DEFAULT_THRESHOLD)


def test_the_sources_own_words_need_no_further_layer() -> None:
    told = explained(SENTENCES[0])
    assert told.supported
    assert [(step.layer, step.passed) for step in told.steps] == [("verbatim", True)]


@pytest.mark.proves("VERIFY-010")
@pytest.mark.parametrize(
    ("sentence", "layer", "code"),
    [
        ("You can carry over a maximum of 340 hours to the next year.", "number", "number_missing"),
        ("Award leave is paid out when you quit.", "negation", "negation_differs"),
        ("Tom reports to Maya on Fridays.", "name", "name_missing"),
        ("Contractors must use the Quiet Room only after 5 p.m.", "modality", "modal_exchanged"),
        ("Write to the front desk after your first visit.", "direction", "opposite"),
        ("Maya reports to Tom on Mondays.", "order", "exchanged"),
    ],
)
def test_a_sentence_that_fails_says_in_which_layer_and_why(sentence: str, layer: str, code: str) -> None:
    told = explained(sentence)
    assert not told.supported
    failed = {step.layer: step for step in told.steps if not step.passed}
    assert code in failed[layer].found
    assert told.summary.startswith("The nearest passage disagrees: ")
    assert told.measures["same_words"] > 0.5


def test_an_unrelated_sentence_is_told_so() -> None:
    told = explained("Penguins rarely visit Ecuador.")
    assert told.summary == "No passage of the sources comes near this sentence."
    assert told.measures == {}
