"""Answers as activities: citations with their hover, the label, the thumbs, and 28 KB."""

from uuid import UUID

import pytest

from bot.core.reply import Answer
from bot.teams import render
from kit.wire.chat import Citation
from tests.scripted_platform import MESSAGE, SESSION, citation


def answer(text: str, count: int = 1, **cited: object) -> Answer:
    citations = tuple(Citation.model_validate(citation(n, **cited)) for n in range(1, count + 1))
    return Answer("answered", text, citations, (), SESSION, MESSAGE, "req-1")


def entity(activity: render.Json) -> render.Json:
    return next(one for one in activity["entities"] if one["type"] == "https://schema.org/Message")


def test_an_answer_is_labelled_cited_and_voted_on() -> None:
    (made,) = render.answer(answer("You get 25 days. [1]"))
    said = entity(made)
    assert said["additionalType"] == ["AIGeneratedContent"]
    (claim,) = said["citation"]
    assert claim["position"] == 1
    look = claim["appearance"]
    assert look["abstract"] == "Full-time staff get 25 days of leave."
    assert look["name"] == "Leave › Days"
    assert look["keywords"] == ["Days", "very high confidence"]
    assert look["url"].endswith("/content#days")
    assert made["channelData"]["feedbackLoop"] == {"type": "default"}
    assert made["text"] == "You get 25 days. [1]"


def test_a_refusal_is_not_voted_on() -> None:
    refused = Answer("refused", "I cannot help with that.", (), (), SESSION, MESSAGE, "r")
    (made,) = render.answer(refused)
    assert "channelData" not in made
    assert "citation" not in entity(made)


def test_a_citation_is_never_longer_than_teams_takes() -> None:
    long = {"quote": "word " * 200, "title": "Title " * 60, "section": "Section " * 30}
    (made,) = render.answer(answer("x [1]", 40, **long))
    claims = entity(made)["citation"]
    assert len(claims) == render.CITED
    for claim in claims:
        look = claim["appearance"]
        assert len(look["name"]) <= render.NAME
        assert len(look["abstract"]) <= render.ABSTRACT
        assert all(len(word) <= render.KEYWORD for word in look["keywords"])


def test_an_address_that_no_browser_opens_is_left_out() -> None:
    (made,) = render.answer(answer("x [1]", url="file:///etc/passwd"))
    assert "url" not in entity(made)["citation"][0]["appearance"]


@pytest.mark.proves("TEAMS-102")
@pytest.mark.parametrize("sign", ["word ", "ä€ 𝄞 ", '"\\\n', "日本語"])
def test_a_long_answer_is_several_messages_of_28_kb_at_most(sign: str) -> None:
    text = "\n\n".join(sign * 60 for _ in range(300)) + " [1]"
    made = render.answer(answer(text, 20))
    assert len(made) > 1
    assert all(render.weight(one) <= 28 * 1024 for one in made)
    assert f"*({len(made)} of {len(made)})*" in made[-1]["text"]
    assert sum("channelData" in one for one in made) == 1


def test_the_end_of_a_stream_has_its_id_and_no_number() -> None:
    (made,) = render.answer(answer("x [1]"))
    info = render.closing(made, "a-1")["entities"][-1]
    assert info == {"type": "streaminfo", "streamId": "a-1", "streamType": "final"}
    assert render.informative("Searching", 1)["entities"] == [
        {"type": "streaminfo", "streamType": "informative", "streamSequence": 1}
    ]


def test_words_of_others_are_no_markup() -> None:
    said = render.notice("**bold** <at>all</at> [x](http://evil)")["text"]
    assert "<at" not in said
    assert "\\*\\*bold" in said
    assert "\\[x\\]" in said


def test_ids_are_nowhere_in_what_is_read() -> None:
    (made,) = render.answer(answer("x [1]"))
    assert str(UUID(int=1)) not in made["text"]
