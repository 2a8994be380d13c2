"""The extractive model as the router sees it."""

from platform_api.llm.extractive.client import NAME, ExtractiveChatClient
from platform_api.llm.extractive.likeness import Likenesses
from platform_api.llm.port import Model
from platform_api.llm.settings import LlmSettings


def build(settings: LlmSettings, likenesses: Likenesses | None = None) -> Model:
    """Local, free, always there; the settings hold nothing for it."""
    del settings
    return Model(name=NAME, tier=0, client=ExtractiveChatClient(likenesses), local=True)
