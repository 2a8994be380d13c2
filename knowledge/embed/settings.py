"""Which embedder turns texts into vectors."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SecretStr

from kit.settings import Settings


class EmbedSettings(Settings):
    section: ClassVar[str] = "embed"

    kind: Annotated[
        Literal["packaged", "onnx", "openai", "azure"],
        Field(
            description="Where vectors come from: packaged (on this machine, no network), onnx (a model "
            "folder, on this machine), openai (any OpenAI-compatible address) or azure. With openai and "
            "azure, the text of every document and every question is sent to that service. Another "
            "embedder means that all documents are embedded anew, in the background."
        ),
    ] = "packaged"
    folder: Annotated[
        str, Field(description="onnx: the folder with model.onnx (or onnx/model.onnx) and tokenizer.json.")
    ] = ""
    url: Annotated[
        str,
        Field(
            description="openai: the address up to and with /v1; azure: the resource's address. "
            "An address of your own network keeps texts in it."
        ),
    ] = ""
    model: Annotated[str, Field(description="openai: the model's name; azure: the deployment's.")] = ""
    api_key: Annotated[SecretStr, Field(description="openai, azure: the key.")] = SecretStr("")
    api_version: Annotated[str, Field(description="azure: the version of the API.")] = "2024-10-21"
    dimensions: Annotated[
        int,
        Field(ge=0, description="openai, azure: numbers in a vector; 0 where the model is well known."),
    ] = 0
    shorten: Annotated[
        bool, Field(description="openai, azure: ask the service for vectors of that many dimensions.")
    ] = False
    query_prefix: Annotated[
        str | None,
        Field(description="What the model wants before a question; unset: as its folder says."),
    ] = None
    passage_prefix: Annotated[
        str | None,
        Field(description="What the model wants before a passage; unset: as its folder says."),
    ] = None
    price_per_million_tokens: Annotated[
        float, Field(ge=0, description="openai, azure: what a million tokens cost; for the metrics.")
    ] = 0.0
    batch_texts: Annotated[
        int, Field(ge=1, le=2048, description="openai, azure: most texts in one request.")
    ] = 256
    batch_tokens: Annotated[
        int, Field(ge=1000, description="openai, azure: about how many tokens in one request at most.")
    ] = 60_000
    timeout_s: Annotated[
        float, Field(gt=0, description="openai, azure: seconds that one request of ingestion may take.")
    ] = 60.0
    query_timeout_s: Annotated[
        float, Field(gt=0, description="openai, azure: seconds that embedding a question may take.")
    ] = 4.0
    attempts: Annotated[
        int, Field(ge=1, le=20, description="openai, azure: how often ingestion asks before it gives up.")
    ] = 6
