"""Hybrid search: by meaning and by words, within access keys."""

from knowledge.search.service import Search, found_chunk, section_url
from knowledge.search.settings import SearchSettings

__all__ = ["Search", "SearchSettings", "found_chunk", "section_url"]
