"""How this process meets the others: addresses and folders that more than one command needs."""

from pathlib import Path

from pydantic import Field

from kit.settings import Settings

DEFAULT_DATA = Path(".switchboard")
DEFAULT_PORT = 8000


class ShapeSettings(Settings):
    """Where the separate processes find each other. `switchboard up` needs none of it."""

    section = "shape"

    platform_url: str = Field(default="", description="Where the api answers: `http://api:8000`.")
    gateway_url: str = Field(default="", description="Where the gateway answers: `http://gateway:8000`.")
    keys_folder: str = Field(
        default="",
        description="Folder with `platform.pem`, `gateway.pem` and `contact.pem` (Ed25519), made where they"
        " are missing.",
    )
    index_socket: str = Field(
        default="",
        description="Socket of `switchboard index`, for several processes without a Qdrant server.",
    )
    blobs_folder: str = Field(default="", description="Folder for originals, shared by api and worker.")
    spool_folder: str = Field(default="", description="Folder of the gateway's spool and last good registry.")
    contact_url: str = Field(
        default="", description="Where the contact tool server answers: `http://contact:8000/mcp`."
    )
    docs_url: str = Field(
        default="", description="Where the docs tool server answers: `http://docs:8000/mcp`."
    )
