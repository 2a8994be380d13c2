"""The one home of onnxruntime and tokenizers."""

from pathlib import Path
from typing import Any


def open_tokenizer(file: Path) -> Any:
    """A tokenizer that neither pads nor cuts, whatever its file says."""
    # lazy: 60 MB of native code that most who import this package never call
    from tokenizers import Tokenizer

    tokenizer: Any = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def open_session(model: Path, threads: int) -> Any:
    """A session on the processor, which keeps no memory of the longest text."""
    # lazy: 60 MB of native code that most who import this package never call
    import onnxruntime

    runtime: Any = onnxruntime  # has no types
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # An arena keeps the memory of the longest text for ever; allocating costs nothing measurable here.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The extended level fuses Add and LayerNormalization into the slower of the two forms.
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    return runtime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
