"""The embeddings API of OpenAI, its compatibles and Azure: what is sent, what comes back, what went wrong."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import msgspec
import numpy as np

from knowledge.embed.errors import EmbeddingFailed, EmbeddingRefused
from knowledge.embed.port import Vectors
from knowledge.embed.settings import EmbedSettings
from knowledge.embed.spec_shape import EmbedderSpec

# A word piece has about four letters in English, fewer elsewhere: too high rather than too low.
_LETTERS_PER_TOKEN = 3
_RETRIED = (408, 409, 425, 429, 500, 502, 503, 504, 529)
_LONGEST_WAIT_S = 120.0


class Busy(EmbeddingFailed):
    """The service asks for patience; says nothing about its health."""

    code = "embedding_busy"
    title = "The embedding service is busy"


class _Item(msgspec.Struct):
    index: int
    embedding: list[float]


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0


class _Answer(msgspec.Struct):
    data: list[_Item]
    usage: _Usage | None = None


_answers = msgspec.json.Decoder(_Answer)


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as httpx takes it."""

    url: str
    headers: Mapping[str, str]
    json: Mapping[str, Any]


def request_of(spec: EmbedderSpec, settings: EmbedSettings, texts: Sequence[str]) -> Request:
    """The request for these texts."""
    key = settings.api_key.get_secret_value()
    body: dict[str, Any] = {"input": list(texts), "encoding_format": "float"}
    if settings.shorten:
        body["dimensions"] = spec.dimensions
    base = spec.url.rstrip("/")
    if spec.kind == "azure":
        place = f"/openai/deployments/{spec.model}/embeddings?api-version={settings.api_version}"
        return Request(base + place, {"api-key": key}, body)
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return Request(f"{base}/embeddings", headers, {**body, "model": spec.model})


def read_answer(response: httpx.Response, texts: Sequence[str], dimensions: int) -> tuple[Vectors, int]:
    """Vectors of unit length in the order of the texts, and how many tokens they cost.

    Raises EmbeddingRefused, Busy and EmbeddingFailed. What the service says is not repeated: it may quote
    the texts.
    """
    if response.status_code != 200:
        raise _failure(response)
    try:
        answer = _answers.decode(response.content)
    except msgspec.DecodeError as error:
        raise EmbeddingFailed("The embedding service answered with something else than vectors.") from error
    ordered = sorted(answer.data, key=lambda item: item.index)
    if [item.index for item in ordered] != list(range(len(texts))):
        raise EmbeddingFailed("The embedding service did not answer for every text.")
    widths = {len(item.embedding) for item in ordered}
    if widths != {dimensions}:
        given = ", ".join(map(str, sorted(widths)))
        raise EmbeddingRefused(
            f"The embedding service gives {given} numbers a text; {dimensions} are expected.",
            hint=f"Set SWITCHBOARD_EMBED__DIMENSIONS={given}, or name another model.",
        )
    used = answer.usage.prompt_tokens if answer.usage else 0
    rows = np.array([item.embedding for item in ordered], np.float32)
    return _units(rows), used or sum(map(estimate, texts))


def _units(rows: Vectors) -> Vectors:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(rows).all() or not lengths.all():
        raise EmbeddingFailed("The embedding service gave a vector without direction.")
    return rows / lengths


def _failure(response: httpx.Response) -> EmbeddingFailed | EmbeddingRefused:
    status = response.status_code
    if status in (401, 403):
        return EmbeddingRefused("The embedding service does not accept our key.")
    if status not in _RETRIED:
        return EmbeddingRefused(f"The embedding service refuses the request (HTTP {status}).")
    wait = retry_after(response.headers.get("Retry-After"), response.headers.get("retry-after-ms"))
    kind = Busy if status == 429 else EmbeddingFailed
    return kind(f"The embedding service cannot answer now (HTTP {status}).", retry_after=wait)


def retry_after(value: str | None, milliseconds: str | None = None) -> float | None:
    """Seconds, from a number or a date (RFC 9110 10.2.3), or as Azure says it."""
    try:
        if milliseconds:
            return _within(float(milliseconds) / 1000)
        if value and value.strip().replace(".", "", 1).isdigit():
            return _within(float(value))
        return _within(parsedate_to_datetime(value).timestamp() - time.time()) if value else None
    except ValueError:
        return None


def _within(seconds: float) -> float:
    return min(max(seconds, 0.0), _LONGEST_WAIT_S)


def estimate(text: str) -> int:
    """Tokens, too many rather than too few."""
    return len(text) // _LETTERS_PER_TOKEN + 1


def batches(texts: Sequence[str], most_texts: int, most_tokens: int) -> Iterator[list[str]]:
    """In order; a text that is too long by itself goes alone."""
    batch: list[str] = []
    tokens = 0
    for text in texts:
        cost = estimate(text)
        if batch and (len(batch) == most_texts or tokens + cost > most_tokens):
            yield batch
            batch, tokens = [], 0
        batch.append(text)
        tokens += cost
    if batch:
        yield batch
