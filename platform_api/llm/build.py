"""The models of this deployment, in the order in which they are tried."""

import importlib
from collections.abc import Callable
from typing import cast

from platform_api.llm.extractive.likeness import Likenesses
from platform_api.llm.invocations import Invocations
from platform_api.llm.port import Model
from platform_api.llm.router import Router
from platform_api.llm.settings import LlmSettings, ProviderName

Builder = Callable[[LlmSettings, Likenesses | None], Model]

# A vendor's SDK costs a second to import, so only the chosen one is.
PROVIDERS: dict[ProviderName, str] = {
    "extractive": "platform_api.llm.extractive.model",
    "openai": "platform_api.llm.providers.openai",
}


def build_models(settings: LlmSettings, likenesses: Likenesses | None = None) -> list[Model]:
    """The configured model, and behind it the extractive one unless it is that, or not wanted.

    likenesses: for the extractive one; without them it goes by words.
    """
    names: list[ProviderName] = [settings.provider]
    if settings.provider != "extractive" and settings.fallback:
        names.append("extractive")
    return [_builder(name)(settings, likenesses) for name in names]


def build_model(settings: LlmSettings) -> Model:
    """The configured one alone."""
    return _builder(settings.provider)(settings, None)


def build_router(
    settings: LlmSettings, invocations: Invocations, likenesses: Likenesses | None = None
) -> Router:
    return Router(
        build_models(settings, likenesses),
        invocations,
        stream_timeout_s=settings.stream_timeout_s,
        first_token_timeout_s=settings.first_token_timeout_s,
        retry_pauses_s=settings.retry_pauses_s,
    )


def _builder(name: ProviderName) -> Builder:
    # lazy: see PROVIDERS
    module = importlib.import_module(PROVIDERS[name])
    return cast(Builder, module.build)
