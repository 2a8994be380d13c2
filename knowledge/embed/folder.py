"""A folder with an ONNX export of a sentence embedder, as Optimum and sentence-transformers write it."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from knowledge.embed.errors import EmbedderUnavailable

Pooling = Literal["mean", "cls"]
MODELS = ("model.onnx", "onnx/model.onnx", "model_quantized.onnx", "onnx/model_quantized.onnx")
_LONGEST = 8192
_USUAL_LENGTH = 512
_PASSAGE_PROMPTS = ("passage", "document", "corpus")


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What the files say. max_length: tokens that the model reads, marks at the ends included."""

    model: Path
    tokenizer: Path
    pooling: Pooling
    max_length: int
    dimensions: int
    query_prefix: str
    passage_prefix: str
    version: str


def describe(folder: Path) -> ModelFolder:
    """Raises EmbedderUnavailable with what is missing or not supported."""
    model = model_in(folder)
    if model is None:
        raise _wrong(folder, f"has none of {', '.join(MODELS)}", "Export the model to ONNX")
    tokenizer = folder / "tokenizer.json"
    if not tokenizer.is_file():
        raise _wrong(folder, "has no tokenizer.json", "Save the fast tokenizer beside the model")
    config = json_of(folder / "config.json")
    pooling = _pooling(folder)
    prompts: dict[str, str] = json_of(folder / "config_sentence_transformers.json").get("prompts") or {}
    passage = next((prompts[name] for name in _PASSAGE_PROMPTS if name in prompts), "")
    return ModelFolder(
        model,
        tokenizer,
        pooling,
        length_in(folder, config),
        _dimensions(folder, config),
        prompts.get("query", ""),
        passage,
        version_of(folder, (model, tokenizer), pooling),
    )


def model_in(folder: Path) -> Path | None:
    return next((folder / name for name in MODELS if (folder / name).is_file()), None)


def _pooling(folder: Path) -> Pooling:
    """Mean of the tokens, where nothing else is said."""
    modules: Any = json_of(folder / "modules.json", [])
    kinds = [str(module.get("type", "")).rsplit(".", 1)[-1] for module in modules]
    unknown = [kind for kind in kinds if kind not in ("Transformer", "Pooling", "Normalize")]
    if unknown:
        raise _wrong(folder, f"has a module {unknown[0]}", "Use a model of transformer and pooling alone")
    place = next(
        (module["path"] for module, kind in zip(modules, kinds, strict=True) if kind == "Pooling"), ""
    )
    said = json_of(folder / (place or "1_Pooling") / "config.json")
    chosen = [name for name, on in said.items() if name.startswith("pooling_mode_") and on is True]
    mode = said.get("pooling_mode") or (chosen[0] if len(chosen) == 1 else "+".join(chosen))
    known: dict[str, Pooling] = {
        "": "mean",
        "mean": "mean",
        "cls": "cls",
        "pooling_mode_mean_tokens": "mean",
        "pooling_mode_cls_token": "cls",
    }
    if mode not in known:
        raise _wrong(folder, f"pools by {mode}", "Use a model that pools by mean or by the first token")
    return known[mode]


def length_in(folder: Path, config: dict[str, Any]) -> int:
    """Tokens that the model reads, marks at the ends included."""
    said = json_of(folder / "sentence_bert_config.json").get("max_seq_length")
    tokenizer = json_of(folder / "tokenizer_config.json").get("model_max_length")
    positions = config.get("max_position_embeddings")
    if positions and config.get("model_type") in ("roberta", "xlm-roberta", "camembert", "mpnet"):
        # These count positions from the padding token's.
        positions -= 2
    known = [
        value for value in (said, tokenizer, positions) if isinstance(value, int) and 8 <= value <= _LONGEST
    ]
    return min(known, default=_USUAL_LENGTH)


def _dimensions(folder: Path, config: dict[str, Any]) -> int:
    pooling = json_of(folder / "1_Pooling" / "config.json")
    found = (
        config.get("hidden_size")
        or config.get("dim")
        or config.get("d_model")
        or pooling.get("word_embedding_dimension")
    )
    if not isinstance(found, int):
        raise _wrong(folder, "says its width (hidden_size) nowhere", "Save config.json beside the model")
    return found


def version_of(folder: Path, files: Sequence[Path], more: str = "") -> str:
    """By content: a folder that moves keeps its vectors, one that changes does not."""
    digest = hashlib.sha256(more.encode())
    # Large weights stand beside the model, in a file of their own.
    for file in (part for each in files for part in (each, each.with_name(f"{each.name}_data"))):
        if file.is_file():
            with file.open("rb") as data:
                digest.update(hashlib.file_digest(data, "sha256").digest())
    name = re.sub(r"[^a-z0-9.]+", "-", folder.resolve().name.lower()).strip("-")[:60]
    return f"onnx-{name}-{digest.hexdigest()[:12]}"


def json_of(file: Path, missing: Any = None) -> Any:
    """What the file says, `missing` where there is none. Raises EmbedderUnavailable."""
    if not file.is_file():
        return {} if missing is None else missing
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EmbedderUnavailable(f"{file} is not valid JSON. Export the model again.") from error


def _wrong(folder: Path, what: str, step: str) -> EmbedderUnavailable:
    where = f"The folder {folder} (SWITCHBOARD_EMBED__FOLDER)"
    if not folder.is_dir():
        return EmbedderUnavailable(f"{where} does not exist. Name a folder with an ONNX export.")
    return EmbedderUnavailable(f"{where} {what}. {step}, or name another folder.")
