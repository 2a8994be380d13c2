"""What is embedded for a chunk: its text under the titles that it stands below."""

from knowledge.document import Chunk


def embedding_text(chunk: Chunk) -> str:
    """Page title, section path and text, one line each; a title is not repeated."""
    titles = dict.fromkeys(title for title in (chunk.page_title, *chunk.section_path) if title)
    return "\n".join([*titles, chunk.text])
