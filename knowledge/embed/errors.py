"""What can be wrong with an embedder."""

from kit.errors import UpstreamFailed


class EmbedderUnavailable(RuntimeError):
    """The embedder that the settings name cannot be used; the message says what to do."""


class EmbeddingFailed(UpstreamFailed):
    """The embedding service gave no usable answer."""

    code = "embedding_failed"
    title = "The embedding service gave no usable answer"
    default_hint = "Try again in a few minutes. An operator can check SWITCHBOARD_EMBED__* and the service."
    retryable = True


class EmbeddingRefused(UpstreamFailed):
    """The embedding service refuses what we ask; trying again changes nothing."""

    code = "embedding_refused"
    title = "The embedding service refuses our requests"
    default_hint = "Ask an operator to check SWITCHBOARD_EMBED__URL, __MODEL, __DIMENSIONS and __API_KEY."
