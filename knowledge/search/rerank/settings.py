"""Whether a reranker takes a second look at what was found."""

from typing import Annotated, ClassVar

from pydantic import Field

from kit.settings import Settings


class RerankSettings(Settings):
    section: ClassVar[str] = "rerank"

    folder: Annotated[
        str,
        Field(
            description="A folder with the ONNX export of a cross-encoder: model.onnx (or onnx/model.onnx), "
            "tokenizer.json, config.json. It reads the question together with the best passages where the "
            "first ranking is close. Empty: none."
        ),
    ] = ""
    threads: Annotated[int, Field(ge=1, le=64, description="Processor threads that one look may use.")] = 1
