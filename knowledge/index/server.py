"""A Qdrant server (1.16 or newer), through its own client."""

from knowledge.embed.spec import EmbedderSpec
from knowledge.index.generation import Generations


def connect_server(url: str, spec: EmbedderSpec, api_key: str = "") -> Generations:
    """The generations on this server; `spec` is the embedder of the first where there is none.

    All calls, those of its indexes included, raise IndexUnavailable where it does not answer within 10 s.
    """
    # lazy: the client takes 0.6 s and 60 MB, and the embedded shape never needs it
    from knowledge.index.server_generations import connect

    return connect(url, api_key, spec)
