"""Whether sentences in doubt get a second opinion, and whose."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from kit.settings import Settings


class JudgeSettings(Settings):
    """A judge of sentences that the rules neither prove nor forbid; without one they are withheld."""

    section = "judge"

    kind: Literal["none", "model", "nli"] = Field(
        default="none",
        description="`model`: the configured language model. `nli`: a local ONNX model in `folder`.",
    )
    model: str = Field(
        default="",
        description="Another model at the address of SWITCHBOARD_LLM__BASE_URL; a small one will do.",
    )
    folder: str = Field(
        default="", description="For `nli`: a folder with model.onnx, tokenizer.json and config.json."
    )
    timeout_s: Annotated[float, Field(gt=0, le=60)] = Field(
        default=5.0, description="How long an answer may wait for a judge; then the sentence is withheld."
    )
    most_sentences: Annotated[int, Field(ge=1, le=100)] = Field(
        default=12, description="Sentences of one answer that a judge is asked about at most."
    )

    @model_validator(mode="after")
    def _complete(self) -> "JudgeSettings":
        if self.kind == "nli" and not self.folder:
            raise ValueError("judge 'nli' needs SWITCHBOARD_JUDGE__FOLDER")
        return self
