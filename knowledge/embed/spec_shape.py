"""What names an embedder, wherever it runs."""

from dataclasses import dataclass
from typing import Literal

from knowledge.embed.weights import VERSION, WIDTH

Kind = Literal["packaged", "onnx", "openai", "azure"]


@dataclass(frozen=True, slots=True)
class EmbedderSpec:
    """Everything that moves a vector, and where the model is; no secret; goes through JSON (msgspec).

    version: names model and build; what a collection and the vector cache are named after.
    parts: it gives the vectors of sentences with those of the texts that they stand in.
    """

    kind: Kind = "packaged"
    version: str = VERSION
    dimensions: int = WIDTH
    model: str = ""
    folder: str = ""
    url: str = ""
    query_prefix: str = ""
    passage_prefix: str = ""
    parts: bool = True
