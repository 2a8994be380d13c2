"""The Python client of Switchboard: everything that the REST API offers, typed."""

from switchboard_sdk.client import Switchboard
from switchboard_sdk.errors import ApiError
from switchboard_sdk.library import Content, NamedFile
from switchboard_sdk.transport import Patience

__all__ = ["ApiError", "Content", "NamedFile", "Patience", "Switchboard"]
