"""What reading documents may take."""

from typing import Annotated, ClassVar

from pydantic import Field

from kit.settings import Settings


class PrepareSettings(Settings):
    section: ClassVar[str] = "prepare"

    time_limit_s: Annotated[float, Field(description="Seconds that one document may take to be read.")] = 600
    memory_mb: Annotated[int, Field(description="Memory of each process that reads documents, in MB.")] = 1200
    idle_s: Annotated[float, Field(description="Seconds without work after which such a process ends.")] = 20
    readers: Annotated[
        int, Field(ge=1, description="Processes that read documents at once, where some documents are slow.")
    ] = 3
    patience_s: Annotated[
        float, Field(description="Seconds that a document waits for a reader before another one is started.")
    ] = 2
    threads: Annotated[int, Field(description="Processor threads for embedding during ingestion.")] = 1
    embed_limit_s: Annotated[
        float, Field(description="Seconds that one batch of texts may take to be embedded.")
    ] = 120
