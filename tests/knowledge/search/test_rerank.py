"""A reranker from a folder: real files, written here, read by the real runtime."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from knowledge.search.rerank import CrossEncoder, RerankerUnavailable, RerankSettings, make_reranker
from tests.knowledge.embed.cross_encoders import INPUTS, write_cross_encoder

WORDS = {"leave": (2.0,), "pay": (-3.0,), "boat": (0.5,)}
EITHER = {"leave": (0.0, 4.0), "pay": (4.0, 0.0), "boat": (0.0, 0.0)}


def sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value))


def test_without_a_folder_there_is_no_reranker() -> None:
    assert make_reranker(RerankSettings()) is None


@pytest.mark.proves("SEARCH-021")
def test_each_text_gets_its_score_in_the_order_asked(tmp_path: Path) -> None:
    reranker = make_reranker(RerankSettings(folder=str(write_cross_encoder(tmp_path, WORDS))))
    assert reranker
    texts = ["pay", "leave leave boat", "", "boat " * 20, "leave"]
    wanted = [-3.0, 4.5, 0.0, 10.0, 2.0]

    found = reranker.scores("pay pay", texts)

    # The query's own words count nothing in this model, and padding to the longest of a batch neither.
    assert found == pytest.approx([sigmoid(value) for value in wanted])
    assert reranker.scores("pay", []) == []


def test_many_texts_are_read_in_batches_and_come_back_in_order(tmp_path: Path) -> None:
    reranker = CrossEncoder(write_cross_encoder(tmp_path, WORDS))
    counts = [(at * 7) % 40 for at in range(100)]
    found = reranker.scores("boat", ["boat " * count for count in counts])
    assert found == pytest.approx([sigmoid(0.5 * count) for count in counts])


def test_a_long_passage_is_cut_and_the_question_kept(tmp_path: Path) -> None:
    reranker = CrossEncoder(write_cross_encoder(tmp_path, WORDS, max_tokens=16))
    [found] = reranker.scores("boat boat", ["boat " * 500])
    # 16 tokens, less three marks and the two of the question.
    assert found == pytest.approx(sigmoid(0.5 * 11))
    assert reranker.scores("boat " * 500, ["boat " * 500])[0] > 0.5


def test_of_two_labels_the_relevant_one_counts(tmp_path: Path) -> None:
    plain = CrossEncoder(write_cross_encoder(tmp_path / "plain", EITHER))
    named = CrossEncoder(write_cross_encoder(tmp_path / "named", EITHER, ["relevant", "irrelevant"]))
    assert plain.scores("boat", ["leave"]) == pytest.approx([sigmoid(4)])
    assert named.scores("boat", ["leave"]) == pytest.approx([sigmoid(-4)])


def test_an_export_for_one_pair_at_a_time_works_too(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path, WORDS, batch=1, model="onnx/model.onnx")
    assert CrossEncoder(folder).scores("boat", ["leave", "pay pay"]) == pytest.approx(
        [sigmoid(2), sigmoid(-6)]
    )


def test_the_version_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    first = CrossEncoder(write_cross_encoder(tmp_path / "a" / "model", WORDS))
    moved = CrossEncoder(write_cross_encoder(tmp_path / "b" / "model", WORDS))
    other = CrossEncoder(write_cross_encoder(tmp_path / "c" / "model", {**WORDS, "pay": (1.0,)}))
    assert first.version == moved.version != other.version


def test_a_folder_that_is_not_there_is_named_with_the_setting(tmp_path: Path) -> None:
    with pytest.raises(RerankerUnavailable, match=r"SWITCHBOARD_RERANK__FOLDER.*does not exist"):
        CrossEncoder(tmp_path / "none")


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "config.json"])
def test_a_missing_file_is_named_with_the_next_step(tmp_path: Path, name: str) -> None:
    (write_cross_encoder(tmp_path, WORDS) / name).unlink()
    with pytest.raises(RerankerUnavailable, match=rf"has no .*{name}.*Export the model"):
        CrossEncoder(tmp_path)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    (write_cross_encoder(tmp_path / "a", WORDS) / "config.json").write_text("{")
    with pytest.raises(RerankerUnavailable, match="not valid JSON"):
        CrossEncoder(tmp_path / "a")
    (write_cross_encoder(tmp_path / "b", WORDS) / "model.onnx").write_bytes(b"no model")
    with pytest.raises(RerankerUnavailable, match="does not run"):
        CrossEncoder(tmp_path / "b")


def test_a_model_with_three_labels_is_no_reranker(tmp_path: Path) -> None:
    words = {"leave": (0.0, 1.0, 2.0)}
    folder = write_cross_encoder(tmp_path, words, ["contradiction", "neutral", "entailment"])
    with pytest.raises(RerankerUnavailable, match="3 labels"):
        CrossEncoder(folder)


def test_an_embedder_is_no_reranker(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path, WORDS)
    table = numpy_helper.from_array(np.zeros((7, 4), np.float32), "table")
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["a", "b"]) for name in INPUTS],
        [helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["a", "b", 4])],
        [table],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(RerankerUnavailable, match="for sequence classification"):
        CrossEncoder(folder)


def test_labels_that_config_does_not_name_are_no_error(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path, WORDS)
    (folder / "config.json").write_text(json.dumps({}))
    assert CrossEncoder(folder).scores("boat", ["leave"]) == pytest.approx([sigmoid(2)])
