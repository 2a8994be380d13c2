"""The payload of a stored chunk: what filters read, field by field, and the rest in one piece."""

import hashlib
import re

_UNFIT = re.compile(r"[^A-Za-z0-9._-]")
_LONGEST = 100

# Raise it with every change of what is stored: it is part of the collection's name.
SCHEMA = "v3"

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
UPDATED = "updated_at"
BODY = "body"
"""All of Chunk and DocumentFacts as JSON: one string is read five times faster than thirty fields."""
SENTENCES = "sentences"
"""Sentence vectors in one string (`sentences.py`): only `Index.sentences` reads it."""
YES, NO = "yes", "no"

PLAIN = ("service_scope", "doc_type", "source", "privacy_level")
FACETS = (*PLAIN, TAGS)
KEYWORDS = (ACCESS_KEYS, DOCUMENT, KNOWLEDGE_BASE, SECTIONS, FIRST, LEAVING, *FACETS)
MARKS = [DOCUMENT, VERSION, UPDATED, FIRST, PENDING, LEAVING, TURNED, ACCESS_KEYS]

DENSE = "dense"
SPARSE = "bm25"


def collection(embedder_version: str) -> str:
    """Names what is stored and by which embedder: neither may be mixed. Fit for a folder and an address."""
    name = _UNFIT.sub("-", embedder_version)
    if name != embedder_version or len(name) > _LONGEST:
        name = f"{name[:_LONGEST]}-{hashlib.sha256(embedder_version.encode()).hexdigest()[:12]}"
    return f"chunks-{SCHEMA}-{name}"


def section_key(title: str) -> str:
    return " ".join(title.casefold().split())
