"""Hybrid search: by meaning and by words, within access keys."""

from knowledge.search.caching import DOCUMENTS, CachedSearch, Searching, asked, kept_for
from knowledge.search.finder import Current, Finder
from knowledge.search.links import Links, section_url
from knowledge.search.service import Search, found_chunk
from knowledge.search.settings import SearchSettings

__all__ = [
    "DOCUMENTS",
    "CachedSearch",
    "Current",
    "Finder",
    "Links",
    "Search",
    "SearchSettings",
    "Searching",
    "asked",
    "found_chunk",
    "kept_for",
    "section_url",
]
