"""The payload of a stored chunk: what filters read, field by field, and the rest in one piece."""

# Raise it with every change of what is stored: it is part of the collection's name.
SCHEMA = "v2"

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
LEAVING = "leaving"
""" "yes" on a chunk that the document's new version does not have; it goes when the version turns."""
TURNED = "turned"
""" "yes" from the step that shows the new version: what is leaving and turned is gone for every reader."""
VERSION = "version"
BODY = "body"
"""All of Chunk and DocumentFacts as JSON: one string is read five times faster than thirty fields."""
SENTENCES = "sentences"
"""Sentence vectors in one string (`sentences.py`): only `Index.sentences` reads it."""
YES, NO = "yes", "no"

PLAIN = ("service_scope", "doc_type", "source", "privacy_level")
FACETS = (*PLAIN, TAGS)
KEYWORDS = (ACCESS_KEYS, DOCUMENT, KNOWLEDGE_BASE, SECTIONS, FIRST, LEAVING, *FACETS)
MARKS = [DOCUMENT, VERSION, FIRST, PENDING, LEAVING, TURNED, ACCESS_KEYS]

DENSE = "dense"
SPARSE = "bm25"


def collection(embedder_version: str) -> str:
    """Names of what is stored and by which embedder: neither may be mixed."""
    return f"chunks-{SCHEMA}-{embedder_version}"


def section_key(title: str) -> str:
    return " ".join(title.casefold().split())
