"""Questions and claims in the format of golden.yaml and claims.yaml.

A question: id, question, kind, expected_sources (relative paths; any one is enough, unless source_groups is
given: then one of each group), answer_must_contain (literals). kind `unanswerable`: nothing answers it.
A claim: id, sentence, source_file, label (supported, contradicted, unsupported).
"""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter, model_validator


class Question(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    question: str
    kind: str
    expected_sources: list[str]
    source_groups: list[list[str]] = []
    answer_must_contain: list[str] = []

    @model_validator(mode="after")
    def _sources_fit_the_kind(self) -> "Question":
        if self.answerable != bool(self.expected_sources):
            raise ValueError(f"{self.id}: expected_sources and kind {self.kind!r} do not fit together")
        return self

    @property
    def answerable(self) -> bool:
        return self.kind != "unanswerable"

    @property
    def needed(self) -> list[list[str]]:
        """One page of each of these is needed."""
        return self.source_groups or [self.expected_sources]


class Claim(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    sentence: str
    source_file: str
    label: Literal["supported", "contradicted", "unsupported"]


def read_questions(path: Path) -> list[Question]:
    """Raises pydantic.ValidationError."""
    return TypeAdapter(list[Question]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))


def read_claims(path: Path) -> list[Claim]:
    """Raises pydantic.ValidationError."""
    return TypeAdapter(list[Claim]).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
