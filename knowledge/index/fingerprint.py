"""What makes two texts the same for a reader. Pure.

Equal for texts that differ in white space, case, punctuation, markup, articles; never for texts that differ
in a number, a name, a negation, a unit, a sign or any other word.
"""

import re
from hashlib import blake2b

from knowledge.document import Chunk

_FEW = 12
_CODE = frozenset(["code", "json"])
# Numbers with what stands inside and before them; words, with the signs that make "C" into "C#"; then any
# sign that says something itself: currency, per cent, arrows, ticks, operators.
_MEANING = re.compile(
    r"[-−]?\d+(?:[.,:/'’-]\d+)*|[^\W\d_](?:\w|['’](?=\w))*[#+]*|_\w+"
    r"|[^\w\s!-/:-@\[-`{-~\u2000-\u206f¡-¿]|[$%&+<=>^~¢-©°±]"
)
_NOTHING = frozenset(["a", "an", "the"])


def fingerprint(chunk: Chunk) -> str:
    """Of the text; of a short one under its title, since "9 to 5" says something else elsewhere."""
    if chunk.chunk_strategy in _CODE:
        return _hashed([chunk.section_title, " ".join(chunk.text.split())])
    words = meaning(chunk.text)
    return _hashed(words if len(words) > _FEW else [chunk.page_title, chunk.section_title, *words])


def meaning(text: str) -> list[str]:
    """The words and signs that carry it, in order; "US" and "us" are two words."""
    words = (word.replace("’", "'") for word in _MEANING.findall(text))
    return [
        word if word.isupper() else word.casefold()
        for word in words
        if word == "A" or word.casefold() not in _NOTHING
    ]


def _hashed(words: list[str]) -> str:
    return blake2b("\x00".join(words).encode("utf-8", "replace"), digest_size=12).hexdigest()
