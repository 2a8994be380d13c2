"""What the built-in model does with how near a statement is: asked once, for the asker alone, not needed."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from agent_framework import FunctionTool

from access.keys import AccessKeys
from knowledge.sentences import sentence_spans
from platform_api.llm.build import build_router
from platform_api.llm.extractive import compose
from platform_api.llm.extractive.likeness import Likeness, Near
from platform_api.llm.invocations import Invocations
from platform_api.llm.settings import LlmSettings
from tests.platform_api.llm.conftest import Asking
from tests.platform_api.llm.extractive.pages import found, result, sources

TEXT = (
    "Trips are planned by your team lead. Trips have to be entered in the calendar. "
    "Ten working days later your account has it."
)
MEANT = "Ten working days later your account has it."
QUESTION = "When is the money for trips paid back?"


def towards(sentence: str, chunk_id: UUID, text: str = TEXT) -> Likeness:
    """All that is known: one sentence is near, the others are not."""
    spans = sentence_spans(text)
    cosines = [0.9 if text[start:end] == sentence else 0.0 for start, end in spans]
    return Likeness({chunk_id: Near(spans, {QUESTION: cosines})})


class Knowing:
    def __init__(self, likeness: Likeness | None) -> None:
        self.asked: list[tuple[AccessKeys, list[str], list[UUID]]] = []
        self.likeness = likeness

    async def of(self, keys: AccessKeys, texts: Sequence[str], chunk_ids: Sequence[UUID]) -> Likeness | None:
        self.asked.append((keys, list(texts), list(chunk_ids)))
        return self.likeness


def test_what_means_it_is_told_before_what_has_its_words() -> None:
    (page,) = sources((TEXT, "Trips"))
    near = compose(QUESTION, [page], [0.8], likeness=towards(MEANT, page.chunk_id))
    assert near[0].text == MEANT
    assert compose(QUESTION, [page], [0.8])[0].text != MEANT


@pytest.mark.proves("EXTRACT-007")
@pytest.mark.parametrize("known", [True, False])
async def test_in_a_turn_it_is_asked_once_with_the_askers_own_keys(
    invocations: Invocations, known: bool
) -> None:
    chunk = found(TEXT, "Trips", 0.8)
    knowing = Knowing(towards(MEANT, chunk.chunk_id) if known else None)
    asking = Asking(build_router(LlmSettings(), invocations, knowing))

    async def search(**_: str) -> str:
        return result(chunk).dump()

    schema = {"type": "object", "properties": {"query": {"type": "string"}}}
    tool = FunctionTool(name="docs.search", description="", func=search, input_model=schema)
    said = "".join([update.text for update in await asking(QUESTION, [tool])])
    assert said.startswith(MEANT) == known
    keys = asking.spending.principal.access_keys
    assert knowing.asked == [(keys, [QUESTION], [chunk.chunk_id])]
