"""The payload of a stored chunk: what filters read, field by field, and the rest in one piece."""

# Raise it with every change of what is stored: it is part of the collection's name.
SCHEMA = "v1"

ACCESS_KEYS = "access_keys"
DOCUMENT = "doc_id"
KNOWLEDGE_BASE = "knowledge_base_id"
LAST_MODIFIED = "last_modified"
TAGS = "tags"
SECTIONS = "sections"
"""Titles above the chunk and its anchor, as `section_key` writes them."""
FIRST = "first"
""" "yes" on one chunk of each document, so that counting these counts documents."""
PENDING = "pending"
""" "yes" from writing until `reveal`; such a chunk has no keys, and set_access gives it none."""
BODY = "body"
"""All of Chunk and DocumentFacts as JSON: one string is read five times faster than thirty fields."""
YES, NO = "yes", "no"

PLAIN = ("service_scope", "doc_type", "source", "privacy_level")
FACETS = (*PLAIN, TAGS)
KEYWORDS = (ACCESS_KEYS, DOCUMENT, KNOWLEDGE_BASE, SECTIONS, FIRST, *FACETS)

DENSE = "dense"
SPARSE = "bm25"


def collection(embedder_version: str) -> str:
    """Names of what is stored and by which embedder: neither may be mixed."""
    return f"chunks-{SCHEMA}-{embedder_version}"


def section_key(title: str) -> str:
    return " ".join(title.casefold().split())
