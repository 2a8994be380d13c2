"""A second opinion passes more, and never what the rules forbid."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing

from knowledge.verify import undecided, verify
from knowledge.verify.nli import NliJudge, NliUnavailable
from tests.knowledge.verify.handbook import source

PAGE = source("Requests for annual leave go to Priya Raman, who answers within 5 business days.")
FREE = "Whoever wants annual leave sends requests to Priya Raman."
FALSE = "Requests for annual leave go to Priya Raman, who answers within 8 business days."


class Sure:
    def __init__(self, entailed: float) -> None:
        self.asked: list[tuple[str, str]] = []
        self._entailed = entailed

    def entailed(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        self.asked += pairs
        return [self._entailed for _ in pairs]


def test_a_judge_may_pass_what_nothing_forbids() -> None:
    assert undecided(verify(FREE, [PAGE]))
    judge = Sure(0.95)
    verdict = verify(FREE, [PAGE], judge=judge)
    assert verdict.supported
    assert verdict.layer == "judge"
    assert judge.asked == [(verdict.quote, FREE)]


@pytest.mark.proves("VERIFY-012")
def test_a_judge_is_not_even_asked_about_what_the_rules_forbid() -> None:
    judge = Sure(1.0)
    assert not verify(FALSE, [PAGE], judge=judge).supported
    assert judge.asked == []


def test_a_judge_that_doubts_changes_nothing() -> None:
    before = verify(FREE, [PAGE])
    assert verify(FREE, [PAGE], judge=Sure(0.1)).confidence == before.confidence


def test_an_nli_folder_is_read_and_asked(tmp_path: Path) -> None:
    nli_folder(tmp_path, {"0": "contradiction", "1": "entailment"})
    judge = NliJudge(tmp_path)
    yes, no = judge.entailed([("a yes", "b"), ("a no", "b")])
    assert yes > 0.9 > 0.1 > no


def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(NliUnavailable, match=r"model\.onnx, tokenizer\.json, config\.json"):
        NliJudge(tmp_path)


def test_a_model_without_the_label_is_refused(tmp_path: Path) -> None:
    nli_folder(tmp_path, {"0": "positive", "1": "negative"})
    with pytest.raises(NliUnavailable, match="trained on NLI"):
        NliJudge(tmp_path)


def nli_folder(folder: Path, labels: dict[str, str]) -> None:
    """A cross-encoder of one embedding table: the word "yes" speaks for label 1, "no" for label 0."""
    vocabulary = {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "a": 3, "b": 4, "yes": 5, "no": 6}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps({"id2label": labels}))
    table = np.zeros((len(vocabulary), 2), np.float32)
    table[5], table[6] = (0, 9), (9, 0)
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, None])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 2])
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["each"]),
        helper.make_node("ReduceSum", ["each", "axis"], ["logits"], keepdims=0),
    ]
    fixed = [
        numpy_helper.from_array(table, "table"),
        numpy_helper.from_array(np.array([1], np.int64), "axis"),
    ]
    graph = helper.make_graph(nodes, "nli", [ids], [logits], fixed)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
