"""Where a Qdrant server is."""

from pydantic import Field, SecretStr

from kit.settings import Settings


class QdrantSettings(Settings):
    """The vector database of the separate processes; `switchboard up` embeds its engine."""

    section = "qdrant"

    url: str = Field(default="", description="A Qdrant server: http://host:6333. Empty: the embedded engine.")
    api_key: SecretStr = Field(default=SecretStr(""), description="Its API key, where it wants one.")
