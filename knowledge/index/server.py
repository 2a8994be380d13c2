"""A Qdrant server (1.16 or newer), through its own client."""

from knowledge.index.port import Index
from knowledge.index.stored import StoredIndex


def connect_server(url: str, embedder_version: str, dimensions: int, api_key: str = "") -> Index:
    """The index on this server; its collection is made at the first call where it is missing.

    The calls of the index raise IndexUnavailable where the server does not answer within 10 s.
    """
    # lazy: the client takes 0.6 s and 60 MB, and the embedded shape never needs it
    from knowledge.index.server_store import connect

    return StoredIndex(connect(url, embedder_version, dimensions, api_key))
