"""Which model answers, where it is, and what it costs."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from kit.settings import Settings

ProviderName = Literal["extractive", "openai"]


class LlmSettings(Settings):
    """The model that writes answers; the built-in extractive one stands behind it."""

    section = "llm"

    provider: ProviderName = Field(
        default="extractive",
        description="`extractive`: built in, no network. `openai`: any OpenAI-compatible address.",
    )
    base_url: str = Field(default="", description="Address of the API, such as https://api.openai.com/v1.")
    api_key: SecretStr = Field(default=SecretStr(""), description="Key for that address.")
    model: str = Field(default="", description="Name of the model there.")
    tier: Annotated[int, Field(ge=0, le=3)] = Field(
        default=1, description="0 local, 1 cheap hosted, 2 vision or local, 3 frontier."
    )
    price_input: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="Price of a million tokens read."
    )
    price_output: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="Price of a million tokens written."
    )
    fallback: bool = Field(
        default=True, description="Answer with the extractive model when the configured one is down."
    )
    stream_timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=120.0, description="A streamed call at most."
    )
    first_token_timeout_s: Annotated[float, Field(gt=0)] = Field(
        default=60.0, description="Until the first piece of a streamed call."
    )

    retry_pauses_s: tuple[float, ...] = Field(
        default=(0.0, 1.0, 4.0),
        description="Pauses before repeating a failed call; where another model stands by, the first only.",
    )

    @model_validator(mode="after")
    def _complete(self) -> "LlmSettings":
        if self.provider == "openai" and not (self.base_url and self.model):
            raise ValueError("provider 'openai' needs SWITCHBOARD_LLM__BASE_URL and SWITCHBOARD_LLM__MODEL")
        return self
