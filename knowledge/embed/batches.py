"""Tokenised texts in batches of about the same length, so that little is padding."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Per run, padding included: what keeps memory flat and the processor busy.
_BATCH_TOKENS = 4096
BATCH_TEXTS = 32
INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


def by_length(lengths: Sequence[int], most: int = BATCH_TEXTS) -> Iterator[list[int]]:
    """Positions of at most `most` texts each, of about the same length."""
    batch: list[int] = []
    for at in sorted(range(len(lengths)), key=lambda at: lengths[at]):
        if batch and (len(batch) == most or (len(batch) + 1) * lengths[at] > _BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(at)
    if batch:
        yield batch


def padded(encodings: Sequence[Any]) -> dict[str, NDArray[np.int64]]:
    """What a BERT takes, one row for each encoding of `tokenizers`, to the length of the longest."""
    longest = max(len(each.ids) for each in encodings)
    ids, mask, types = (np.zeros((len(encodings), longest), np.int64) for _ in range(3))
    for row, each in enumerate(encodings):
        ids[row, : len(each.ids)] = each.ids
        mask[row, : len(each.ids)] = 1
        types[row, : len(each.ids)] = each.type_ids
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": types}
