"""A cross-encoder small enough to be written in a test: real files, read by the real runtime."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

_FRAME = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def write_cross_encoder(
    folder: Path,
    words: Mapping[str, Sequence[float]],
    labels: Sequence[str] | None = None,
    *,
    max_tokens: int = 64,
    batch: int | None = None,
    model: str = "model.onnx",
) -> Path:
    """Each word of the *second* text adds its row to the logits; a pair is told apart by token types.

    batch: pairs that one run takes; None: any. Padding is masked out, so an unmasked one would show.
    """
    width = len(next(iter(words.values())))
    folder.mkdir(parents=True, exist_ok=True)
    _tokenizer([*_FRAME, *words]).save(str(folder / "tokenizer.json"))
    named = {"id2label": {str(at): name for at, name in enumerate(labels)}} if labels else {}
    config = {"model_type": "bert", "max_position_embeddings": max_tokens, **named}
    (folder / "config.json").write_text(json.dumps(config))
    table = np.array([[7.0] * width, *[[0.0] * width] * (len(_FRAME) - 1), *words.values()], np.float32)
    target = folder / model
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(_graph(table, batch).SerializeToString())
    return folder


def _tokenizer(words: Sequence[str]) -> Tokenizer:
    tokenizer: Any = Tokenizer(WordLevel({word: at for at, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    # As many exports do: cut and padded at 128.
    tokenizer.enable_truncation(128)
    tokenizer.enable_padding(length=128)
    return tokenizer


def _graph(table: NDArray[np.float32], batch: int | None) -> ModelProto:
    shape = ["pairs" if batch is None else batch, "tokens"]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["each"]),
        helper.make_node("Mul", ["attention_mask", "token_type_ids"], ["second"]),
        helper.make_node("Cast", ["second"], ["counted"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["counted", "last"], ["weights"]),
        helper.make_node("Mul", ["each", "weights"], ["weighed"]),
        helper.make_node("ReduceSum", ["weighed", "tokens"], ["logits"], keepdims=0),
    ]
    fixed = [
        numpy_helper.from_array(table, "table"),
        numpy_helper.from_array(np.array([-1], np.int64), "last"),
        numpy_helper.from_array(np.array([1], np.int64), "tokens"),
    ]
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name in INPUTS],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [shape[0], table.shape[1]])],
        fixed,
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
