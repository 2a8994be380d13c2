"""Documents that say of themselves that they no longer hold."""

import re
from collections.abc import Iterable
from functools import lru_cache
from uuid import UUID

from knowledge.verify import Source

_NO_LONGER = r"""(?:outdated|out[\ -]of[\ -]date|obsolete|superseded|replaced\ by|archived|withdrawn
    |deprecated|retired|expired
    |no\ longer\ (?:valid|current|in\ (?:force|use|effect)|applicable|applies|used|maintained|supported))"""
_STATUS = frozenset(
    [
        "outdated",
        "out of date",
        "obsolete",
        "superseded",
        "archived",
        "deprecated",
        "retired",
        "withdrawn",
        "expired",
    ]
)
_ITSELF = r"this\ (?:page|guide|document|policy|handbook|version|procedure|manual|article|notice)"
_TITLE = re.compile(rf"\b{_NO_LONGER}\b | \((?:old|archive)\)", re.IGNORECASE | re.VERBOSE)
_TEXT = re.compile(
    rf"""\b{_ITSELF}\ [^.\n]{{0,60}}?\b{_NO_LONGER}\b
       | ^\W*(?:outdated|obsolete|superseded|archived|deprecated)\b\s*[:.!—–-]""",
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_DENIED = re.compile(r"\b(?:not|never|n't|until|unless|if|when|once)\b", re.IGNORECASE)


def outdated_among(sources: Iterable[Source]) -> frozenset[UUID]:
    """The documents of which their status, their title or one of these chunks says so."""
    return frozenset(
        one.doc_id for one in sources if one.status in _STATUS or _says_so(one.title, one.section, one.text)
    )


@lru_cache(maxsize=4096)
def _says_so(title: str, section: str, text: str) -> bool:
    said = _TEXT.search(text)
    return bool(_TITLE.search(f"{title}\n{section}") or (said and not _DENIED.search(said.group())))
