"""Where a citation leads: our own page of the source, at the section, with the quote marked in it.

Addresses of other hosts stay as they are: a text fragment (`#:~:text=`) would take the place of the section
wherever a browser does not know it, and our quote is of the text as we read it, not as their page shows it.
"""

import re
from urllib.parse import quote as percent_encoded
from uuid import UUID

MOST_QUOTED = 1_200
"""Characters of the encoded quote: addresses beyond 2,000 are cut by mail programs and chat clients."""
_UNFINISHED = re.compile(r"\s+\S*\Z")


def opened_at(url: str, doc_id: UUID, quote: str) -> str:
    """The address with `?quote=`, the quote cut between words where it is long; other addresses unchanged."""
    address, hash_sign, anchor = url.partition("#")
    if not address.endswith(f"/api/v1/documents/{doc_id}/content"):
        return url
    encoded = percent_encoded(" ".join(quote.split()), safe="")
    if len(encoded) > MOST_QUOTED:
        encoded = percent_encoded(_beginning(quote), safe="")
    return f"{address}?quote={encoded}{hash_sign}{anchor}" if encoded else url


def _beginning(quote: str) -> str:
    """As many whole words as fit; of a text without blanks as many letters."""
    text = " ".join(quote.split())
    least, most = 0, len(text)
    while least < most:  # the encoded length grows with the text
        middle = (least + most + 1) // 2
        fits = len(percent_encoded(text[:middle], safe="")) <= MOST_QUOTED
        least, most = (middle, most) if fits else (least, middle - 1)
    cut = text[:least]
    return _UNFINISHED.sub("", cut) if text[least : least + 1].strip() else cut.rstrip()
