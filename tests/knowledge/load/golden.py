"""The golden texts beside the files in files/: `python -m tests.knowledge.load.golden` writes them anew."""

from pathlib import Path

from knowledge.document import Block, LoadedDocument
from knowledge.load import load

FILES = Path(__file__).parent / "files"
SUFFIX = ".golden.txt"


def samples() -> list[Path]:
    return sorted(
        path for path in FILES.iterdir() if path.is_file() and not path.name.endswith((SUFFIX, "README.md"))
    )


def golden_of(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)


def dump(document: LoadedDocument) -> str:
    """Everything that a reader or a citation sees."""
    metadata = [f"{key}: {value}" for key, value in sorted(document.metadata.items())]
    head = [f"title: {document.title}", f"type: {document.content_type}", *metadata]
    return "\n\n".join(["\n".join(head), *map(_block, document.blocks)]) + "\n"


def _block(block: Block) -> str:
    facts = [
        f"{block.kind}{block.level or ''}",
        f"page {block.page}" if block.page else "",
        f"#{block.anchor}" if block.anchor else "",
        block.language,
    ]
    return f"[{' · '.join(filter(None, facts))}]\n{block.text}"


def main() -> None:
    for path in samples():
        golden_of(path).write_text(dump(load(path.read_bytes(), path.name)), encoding="utf-8")


if __name__ == "__main__":
    main()
