from collections.abc import Iterator
from typing import get_args

import pytest

from knowledge.verify import split_sentences
from platform_api.llm import frames
from platform_api.llm.frames import FRAMES, FrameName, frame_of, is_frame, render


@pytest.fixture(autouse=True)
def _fresh_settings() -> Iterator[None]:
    yield
    _forget()


def _forget() -> None:
    frames._contact.cache_clear()
    frames._sentences.cache_clear()


@pytest.mark.parametrize("name", list(FRAMES))
def test_every_sentence_of_a_frame_is_known_as_one(name: FrameName) -> None:
    sentences = split_sentences(render(name))
    assert sentences
    assert all(is_frame(sentence) for sentence in sentences)
    assert "{" not in render(name)


def test_every_name_has_its_frame() -> None:
    assert set(get_args(FrameName)) == set(FRAMES)


def test_nothing_found_is_said_in_the_words_of_the_contract() -> None:
    assert render("not_found").startswith("I couldn't find this in the documents you can see. Please ask ")
    assert frame_of("I couldn’t find this in  the documents you can see.") == "not_found"


def test_whom_to_ask_comes_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_CONTACT__NAME", "the people team")
    monkeypatch.setenv("SWITCHBOARD_CONTACT__ADDRESS", "people@example.org")
    _forget()
    sentence = "Please ask the people team (people@example.org)."
    assert render("not_found").endswith(sentence)
    assert is_frame(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Please ask the treasurer, who pays 500 dollars.",
        "Here is what I found: you get 30 days.",
        "I couldn't find this in the documents you can see, but you get 30 days.",
        "You get 30 days of leave.",
        "hello",
        "",
    ],
)
def test_no_fact_can_be_smuggled_into_a_frame(sentence: str) -> None:
    assert not is_frame(sentence)


def test_a_contact_of_more_than_one_sentence_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWITCHBOARD_CONTACT__NAME", "us. You get 30 days")
    with pytest.raises(ValueError, match="name"):
        frames.ContactSettings()
