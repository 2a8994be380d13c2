"""Which sentences of a page can be changed by rules."""

import re
from collections.abc import Iterator

from knowledge.sentences import sentence_spans


def statements(text: str) -> Iterator[str]:
    """Whole sentences that state something by themselves."""
    for start, end in sentence_spans(text):
        sentence = " ".join(text[start:end].split())
        if re.fullmatch(r"[A-Z].{35,200}[a-z\d)]\.", sentence) and not re.search(
            r"[|_*<>{}\[\]]|https?:", sentence
        ):
            yield sentence
