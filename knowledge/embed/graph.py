"""The encoder of all-MiniLM-L6-v2 as an ONNX graph, written straight from its safetensors.

Architecture: BERT (Devlin et al. 2018) with 6 layers, 384 wide, 12 heads; mean pooling (Reimers and
Gurevych 2019) over the whole text and over any part of it. Weights and embedding table are stored as int8
with one scale per column or row; activations are quantised at run time, per text: the graph takes one text
at a time, so that no text moves the vector of another and no padding is computed. Several short texts in
one run, kept apart by a mask, are not faster: the work is in the multiplications.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from knowledge.embed.weights import WIDTH

Array = NDArray[Any]
LAYERS = 6
HEADS = 12
EPSILON = 1e-12
# Without VNNI, x86 adds pairs of 8-bit products in 16 bits, which overflow at the full range.
WEIGHT_RANGE = 63
TABLE_RANGE = 127
_VENDOR = "com.microsoft"


def build(weights: Mapping[str, Array], positions: int) -> bytes:
    """A serialised model: `ids` (1 × n, int64, n ≤ `positions`), `pool` (k × n) → `sums` (k × 384).

    `pool` says how much each token counts in each sum: ones for the whole text, ones for a sentence in it.
    """
    return _Builder(weights).model(positions).SerializeToString()


class _Builder:
    def __init__(self, weights: Mapping[str, Array]) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def model(self, positions: int) -> onnx.ModelProto:
        hidden = self._embeddings(positions)
        for layer in range(LAYERS):
            hidden = self._layer(f"encoder.layer.{layer}", hidden)
        self._pool(hidden)
        graph = helper.make_graph(
            self._nodes,
            "all-MiniLM-L6-v2",
            [
                helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"]),
                helper.make_tensor_value_info("pool", TensorProto.FLOAT, ["sums", "tokens"]),
            ],
            [helper.make_tensor_value_info("sums", TensorProto.FLOAT, ["sums", WIDTH])],
            list(self._constants.values()),
        )
        opsets = [helper.make_opsetid("", 20), helper.make_opsetid(_VENDOR, 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)

    def _embeddings(self, positions: int) -> str:
        table, scales = quantise(self._weights["embeddings.word_embeddings.weight"], TABLE_RANGE, axis=1)
        types = self._weights["embeddings.token_type_embeddings.weight"][0]
        places = self._weights["embeddings.position_embeddings.weight"][:positions] + types
        rows = self._op("Gather", [self._constant("words", table), "ids"])
        real = self._op("Cast", [rows], to=TensorProto.FLOAT)
        scale = self._op("Gather", [self._constant("words.scales", scales), "ids"])
        words = self._op("Mul", [real, scale])
        length = self._op("Shape", ["ids"], start=1)
        zero = self._constant("zero", np.array([0], np.int64))
        place = self._op("Slice", [self._constant("places", places.astype(np.float32)), zero, length, zero])
        return self._normalise("embeddings.LayerNorm", self._op("Add", [words, place]))

    def _layer(self, name: str, hidden: str) -> str:
        attended = self._dense(f"{name}.attention.output.dense", self._attention(name, hidden))
        hidden = self._normalise(f"{name}.attention.output.LayerNorm", attended, skip=hidden)
        inner = self._op("Gelu", [self._dense(f"{name}.intermediate.dense", hidden)])
        return self._normalise(
            f"{name}.output.LayerNorm", self._dense(f"{name}.output.dense", inner), skip=hidden
        )

    def _attention(self, name: str, hidden: str) -> str:
        parts = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
        weight = np.concatenate([self._weights[f"{part}.weight"] for part in parts])
        bias = np.concatenate([self._weights[f"{part}.bias"] for part in parts])
        packed = self._multiply(f"{name}.attention.qkv", hidden, weight, bias)
        query, key, value = (f"{name}.{part}" for part in ("q", "k", "v"))
        self._nodes.append(helper.make_node("Split", [packed], [query, key, value], axis=-1, num_outputs=3))
        return self._op("MultiHeadAttention", [query, key, value], vendor=True, num_heads=HEADS)

    def _dense(self, name: str, hidden: str) -> str:
        return self._multiply(name, hidden, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _multiply(self, name: str, hidden: str, weight: Array, bias: Array) -> str:
        """hidden × weightᵀ + bias, in 8 bits."""
        table, scales = quantise(weight.T, WEIGHT_RANGE, axis=0)
        inputs = [
            hidden,
            self._constant(f"{name}.weight", table),
            self._constant(f"{name}.scales", scales.reshape(-1)),
            "",
            self._constant(f"{name}.bias", bias),
        ]
        return self._op("DynamicQuantizeMatMul", inputs, vendor=True)

    def _normalise(self, name: str, hidden: str, skip: str | None = None) -> str:
        # Not the fused SkipLayerNormalization: on processors it takes six times as long as these two.
        summed = self._op("Add", [hidden, skip]) if skip else hidden
        scale = self._constant(f"{name}.weight", self._weights[f"{name}.weight"])
        bias = self._constant(f"{name}.bias", self._weights[f"{name}.bias"])
        return self._op("LayerNormalization", [summed, scale, bias], axis=-1, epsilon=EPSILON)

    def _pool(self, hidden: str) -> None:
        tokens = self._op("Squeeze", [hidden, "zero"])
        self._nodes.append(helper.make_node("MatMul", ["pool", tokens], ["sums"]))

    def _op(self, kind: str, inputs: list[str], *, vendor: bool = False, **attributes: Any) -> str:
        output = f"{kind}_{len(self._nodes)}"
        domain = _VENDOR if vendor else ""
        self._nodes.append(helper.make_node(kind, inputs, [output], domain=domain, **attributes))
        return output

    def _constant(self, name: str, value: Array) -> str:
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(value), name)
        return name


def quantise(table: Array, limit: int, axis: int) -> tuple[Array, Array]:
    """Symmetric int8 with one scale per slice along `axis`: (int8 table, scales with that axis kept)."""
    scales = np.abs(table).max(axis=axis, keepdims=True) / limit
    scales = np.where(scales == 0, 1.0, scales).astype(np.float32)
    return np.clip(np.rint(table / scales), -limit, limit).astype(np.int8), scales
