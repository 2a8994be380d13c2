"""Which embedder turns texts into vectors."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from kit.settings import Settings


class EmbedSettings(Settings):
    section: ClassVar[str] = "embed"

    kind: Annotated[Literal["packaged"], Field(description="Where vectors come from.")] = "packaged"
