"""The Qdrant client's in-memory mode, answering as a server does where a collection is missing."""

from typing import Any

import httpx
from qdrant_client import AsyncQdrantClient
from qdrant_client.http.exceptions import UnexpectedResponse


class _Missing(UnexpectedResponse, ValueError):
    """ValueError is what the in-memory mode itself raises and catches."""

    def __init__(self, name: str) -> None:
        super().__init__(404, "Not Found", f"Collection {name} not found".encode(), httpx.Headers())


def local_server() -> AsyncQdrantClient:
    client = AsyncQdrantClient(location=":memory:")
    local: Any = client._client  # pyright: ignore[reportPrivateUsage] # what it is made of is replaced
    found = local._get_collection

    def get(name: str) -> Any:
        try:
            return found(name)
        except ValueError:
            raise _Missing(name) from None

    local._get_collection = get
    return client
