"""A folder with an ONNX export: real files, written here, read by the real runtime."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from knowledge.embed import EmbedderSpec, EmbedderUnavailable, EmbedSettings, Marked, make_embedder, wanted
from knowledge.embed.port import ReadsParts
from knowledge.embed.spec import local_embedder
from knowledge.prepare import Preparer

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "boat",
    "rope",
    "anchor",
    "leave",
    "pay",
    "day",
    "query:",
    "passage:",
]
WIDTH = 8
TABLE = np.random.default_rng(7).normal(size=(len(WORDS), WIDTH)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model that gives each token its row of a table."""
    made = tmp_path / "Tiny Model"
    (made / "onnx").mkdir(parents=True)
    write_model(made / "onnx" / "model.onnx")
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    # As many exports do: cut and padded at 128.
    tokenizer.enable_truncation(128)
    tokenizer.enable_padding(length=128)
    tokenizer.save(str(made / "tokenizer.json"))
    write(made / "config.json", {"hidden_size": WIDTH, "max_position_embeddings": 64, "model_type": "bert"})
    return made


def write_model(path: Path, output: str = "last_hidden_state") -> None:
    names = ("input_ids", "attention_mask", "token_type_ids")
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], [output])],
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in names],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", "tokens", WIDTH])],
        [numpy_helper.from_array(TABLE, "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, path)


def write(file: Path, content: Any) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(content))


def settings(folder: Path, **more: Any) -> EmbedSettings:
    return EmbedSettings(kind="onnx", folder=str(folder), **more)


def embedder_of(folder: Path, **more: Any) -> Any:
    chosen = settings(folder, **more)
    return make_embedder(wanted(chosen), chosen)


def mean(*words: str) -> Any:
    return unit(sum(TABLE[WORDS.index(word)] for word in ("[CLS]", *words, "[SEP]")))


def unit(vector: Any) -> Any:
    return vector / np.linalg.norm(vector)


@pytest.mark.proves("EMBED-001")
def test_a_folder_gives_the_mean_of_its_tokens(folder: Path) -> None:
    embedder = embedder_of(folder)

    found = embedder.embed(["boat rope anchor", "leave", "boat boat"])

    assert embedder.dimensions == WIDTH
    assert np.allclose(
        found, [mean("boat", "rope", "anchor"), mean("leave"), mean("boat", "boat")], atol=1e-6
    )


@pytest.mark.proves("EMBED-001")
def test_a_folder_that_pools_by_the_first_token_is_read_so(folder: Path) -> None:
    write(folder / "modules.json", [
        {"path": "", "type": "sentence_transformers.models.Transformer"},
        {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
    ])  # fmt: skip
    write(
        folder / "1_Pooling" / "config.json",
        {
            "word_embedding_dimension": WIDTH,
            "pooling_mode_cls_token": True,
            "pooling_mode_mean_tokens": False,
        },
    )
    embedder = embedder_of(folder)

    assert np.allclose(embedder.embed(["boat rope"]), [unit(TABLE[2])], atol=1e-6)
    assert not isinstance(embedder, ReadsParts)
    assert not wanted(settings(folder)).parts


def test_prompts_go_in_front_of_questions_and_passages(folder: Path) -> None:
    write(
        folder / "config_sentence_transformers.json",
        {"prompts": {"query": "query: ", "passage": "passage: "}},
    )
    spec = wanted(settings(folder))

    asked = make_embedder(spec, settings(folder)).embed(["boat"])
    told = local_embedder(spec, "passage").embed(["boat"])

    assert np.allclose(asked, [mean("query:", "boat")], atol=1e-6)
    assert np.allclose(told, [mean("passage:", "boat")], atol=1e-6)
    assert wanted(settings(folder, passage_prefix="")).version != spec.version


def test_parts_are_the_means_of_their_own_words(folder: Path) -> None:
    embedder = embedder_of(folder, query_prefix="query: ")
    text = "boat rope anchor leave"

    found = embedder.embed_marked([Marked(text, ((0, 9), (10, 22))), Marked("pay", ())])

    rows = {word: TABLE[WORDS.index(word)] for word in WORDS}
    assert np.allclose(found[0], mean("query:", *text.split()), atol=1e-6)
    assert np.allclose(found[1], unit(rows["boat"] + rows["rope"]), atol=1e-6)
    assert np.allclose(found[2], unit(rows["anchor"] + rows["leave"]), atol=1e-6)
    assert np.allclose(found[3], mean("query:", "pay"), atol=1e-6)


def test_a_text_longer_than_the_model_reads_is_read_to_its_end(folder: Path) -> None:
    embedder = embedder_of(folder)

    long = embedder.embed(["boat " * 62 + "leave " * 200])[0]

    rows = {word: TABLE[WORDS.index(word)] for word in WORDS}
    marks = 5 * (rows["[CLS]"] + rows["[SEP]"])
    assert np.allclose(long, unit(marks + 62 * rows["boat"] + 200 * rows["leave"]), atol=1e-5)


def test_a_vector_does_not_depend_on_the_batch(folder: Path) -> None:
    embedder = embedder_of(folder)
    texts = ["boat " * (n % 17 + 1) + "rope" for n in range(100)]

    together = embedder.embed(texts)

    assert np.allclose(together, np.concatenate([embedder.embed([text]) for text in texts]), atol=1e-6)
    assert embedder.embed([]).shape == (0, WIDTH)


def test_the_version_goes_by_what_is_in_the_folder_not_by_where_it_is(folder: Path, tmp_path: Path) -> None:
    before = wanted(settings(folder))
    moved = folder.rename(tmp_path / "other")
    after = wanted(settings(moved))

    assert before.version.startswith("onnx-tiny-model-")
    assert before.version.rsplit("-", 1)[1] == after.version.rsplit("-", 1)[1]


def test_another_model_in_the_same_place_is_noticed(folder: Path) -> None:
    spec = wanted(settings(folder))
    write_model(folder / "onnx" / "model.onnx", output="token_embeddings")

    with pytest.raises(EmbedderUnavailable, match="not the one that the documents were embedded with"):
        make_embedder(spec, settings(folder))


@pytest.mark.proves("EMBED-001")
async def test_the_worker_embeds_by_the_folder_in_a_child(folder: Path) -> None:
    spec = wanted(settings(folder))
    preparer = Preparer()

    vectors = await preparer.embed_marked(spec, [Marked("boat rope", ((5, 9),))])

    assert np.allclose(vectors, [mean("boat", "rope"), unit(TABLE[WORDS.index("rope")])], atol=1e-6)
    await preparer.close()


def remove(name: str) -> Any:
    return lambda folder: (folder / name).unlink()


def spoil(name: str, content: str) -> Any:
    def change(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)

    return change


@pytest.mark.proves("EMBED-001")
@pytest.mark.parametrize(
    ("change", "says"),
    [
        (remove("onnx/model.onnx"), "has none of model.onnx.*Export the model to ONNX"),
        (remove("tokenizer.json"), "has no tokenizer.json"),
        (spoil("config.json", "{"), "not valid JSON"),
        (spoil("config.json", "{}"), "hidden_size"),
        (spoil("config.json", '{"hidden_size": 99}'), "gives 8 numbers a text, its config.json says 99"),
        (spoil("onnx/model.onnx", "nothing"), "does not run"),
        (spoil("tokenizer.json", "{}"), "does not run"),
        (spoil("modules.json", '[{"type": "x.Dense", "path": "3_Dense"}]'), "has a module Dense"),
        (spoil("1_Pooling/config.json", '{"pooling_mode_max_tokens": true}'), "pools by pooling_mode_max"),
    ],
)
def test_a_wrong_folder_says_what_is_wrong_and_what_to_do(folder: Path, change: Any, says: str) -> None:
    change(folder)

    with pytest.raises(EmbedderUnavailable, match=says):
        embedder_of(folder)


def test_a_folder_that_is_not_there_is_told_so(tmp_path: Path) -> None:
    with pytest.raises(EmbedderUnavailable, match="does not exist"):
        wanted(settings(tmp_path / "missing"))
    with pytest.raises(EmbedderUnavailable, match="Set SWITCHBOARD_EMBED__FOLDER"):
        wanted(EmbedSettings(kind="onnx"))


def test_without_settings_it_is_the_packaged_model() -> None:
    assert wanted(EmbedSettings()) == EmbedderSpec()
