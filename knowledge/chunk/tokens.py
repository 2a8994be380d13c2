"""How long a text is for the embedder."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CountTokens = Callable[[str], int]
Embed = Callable[[Sequence[str]], NDArray[np.float32]]

_PIECE = re.compile(r"[A-Za-z]+|\d+|[^\w\s]|_|[^\W\d_]", re.UNICODE)
# English words of up to this many letters are mostly one word piece; longer ones break about every five.
_WHOLE_WORD = 8
_PIECE_LENGTH = 5


@dataclass(frozen=True, slots=True)
class Measure:
    """What a strategy cuts by. limit: word pieces in a chunk. embed: one row per text, of unit length."""

    limit: int
    count: CountTokens
    embed: Embed | None = None


def estimate_tokens(text: str) -> int:
    """Word pieces, without the two marks at the ends; meant to be a little too high rather than too low."""
    return sum(_pieces(match.group()) for match in _PIECE.finditer(text))


def _pieces(word: str) -> int:
    if word.isdigit():
        return 1 + (len(word) - 1) // 3
    return 1 if len(word) <= _WHOLE_WORD else 1 + (len(word) - 1) // _PIECE_LENGTH
