"""Where a citation leads."""

from knowledge.index import StoredChunk


class Links:
    """Addresses of sections. What we keep ourselves is stored without a host, so that the platform may move.

    public_url: where people reach the platform, such as `https://ask.example.com`.
    """

    def __init__(self, public_url: str) -> None:
        self._base = public_url.rstrip("/")

    def to(self, stored: StoredChunk) -> str:
        """The source, opened at the chunk's section."""
        url = section_url(stored.facts.source_url, stored.chunk.anchor)
        return self._base + url if url.startswith("/") else url


def section_url(url: str, anchor: str) -> str:
    """The URL with the section's anchor in place of any fragment."""
    return f"{url.partition('#')[0]}#{anchor}" if anchor else url
