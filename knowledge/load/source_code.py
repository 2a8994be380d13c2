"""Source code: its language by name and first line; one block for each stretch between empty lines at the
left margin, so that definitions stay whole. It is text for us: never parsed, imported or run."""

import re
from pathlib import PurePosixPath

from knowledge.document import LoadedDocument
from knowledge.load.outline import Outline

CONTENT_TYPE = "text/x-source"

# Ending → name of the language as Pygments has it.
_BY_ENDING = {
    ending: language
    for language, endings in {
        "python": "py pyi pyw", "javascript": "js mjs cjs", "jsx": "jsx", "typescript": "ts mts cts",
        "tsx": "tsx", "java": "java", "kotlin": "kt kts", "scala": "scala", "groovy": "groovy gradle",
        "c": "c h", "cpp": "cc cpp cxx hpp hh hxx ino", "csharp": "cs", "fsharp": "fs fsx", "vb.net": "vb",
        "go": "go", "rust": "rs", "swift": "swift", "objective-c": "m mm", "dart": "dart", "zig": "zig",
        "ruby": "rb rake gemspec", "php": "php", "perl": "pl pm", "lua": "lua", "r": "r", "julia": "jl",
        "haskell": "hs", "ocaml": "ml mli", "elixir": "ex exs", "erlang": "erl hrl", "clojure": "clj cljs",
        "common-lisp": "lisp el", "scheme": "scm", "bash": "sh bash zsh ksh", "fish": "fish",
        "powershell": "ps1 psm1", "bat": "bat cmd", "sql": "sql", "graphql": "graphql gql",
        "protobuf": "proto", "thrift": "thrift", "css": "css", "scss": "scss", "less": "less", "sass": "sass",
        "vue": "vue", "svelte": "svelte", "yaml": "yaml yml", "toml": "toml",
        "ini": "ini cfg conf editorconfig",
        "properties": "properties", "terraform": "tf tfvars hcl", "nix": "nix", "cmake": "cmake",
        "make": "mk mak", "docker": "dockerfile", "fortran": "f f90 f95", "pascal": "pas", "ada": "adb ads",
        "cobol": "cob cbl", "verilog": "v sv", "vhdl": "vhd vhdl", "nasm": "asm s", "matlab": "matlab",
        "solidity": "sol", "diff": "diff patch", "awk": "awk", "tcl": "tcl", "tex": "tex sty bib",
    }.items()
    for ending in endings.split()
}  # fmt: skip
_BY_NAME = {
    "dockerfile": "docker", "containerfile": "docker", "makefile": "make", "gnumakefile": "make",
    "cmakelists.txt": "cmake", "jenkinsfile": "groovy", "rakefile": "ruby", "gemfile": "ruby",
    "vagrantfile": "ruby", "justfile": "make", "build.bazel": "python", "workspace.bazel": "python",
}  # fmt: skip
_BY_INTERPRETER = {
    "python": "python", "bash": "bash", "sh": "bash", "zsh": "bash", "ksh": "bash", "dash": "bash",
    "node": "javascript", "deno": "typescript", "ruby": "ruby", "perl": "perl", "php": "php", "lua": "lua",
    "awk": "awk", "fish": "fish", "pwsh": "powershell", "rscript": "r", "tclsh": "tcl",
}  # fmt: skip
_SHEBANG = re.compile(r"\A\ufeff?#![ \t]*(?:/\S*/)?(?:env[ \t]+(?:-\S+[ \t]+)*)?([A-Za-z]+)[\d.]*\s")


def language_of(name: str, head: str) -> str:
    """The language of a file, or '' where it is not code. `head`: how its text begins."""
    path = PurePosixPath(name.replace("\\", "/"))
    base = path.name.lower()
    named = _BY_NAME.get(base) or _BY_ENDING.get(path.suffix.lower()[1:]) or _BY_NAME.get(path.stem.lower())
    if named:
        return named
    # Without an ending only the first line tells.
    shebang = _SHEBANG.match(head)
    return _BY_INTERPRETER.get(shebang.group(1).lower(), "") if shebang else ""


def load_code(source: str, name: str) -> LoadedDocument:
    """The title is the file's name, ending included: that is what developers call it."""
    text = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    language = language_of(name, text[:200])
    outline = Outline()
    for piece in _stretches(text.expandtabs(4)):
        outline.code(piece, language)
    return LoadedDocument(PurePosixPath(name.replace("\\", "/")).name, CONTENT_TYPE, outline.blocks())


def _stretches(text: str) -> list[str]:
    """Pieces that begin at the left margin after an empty line: functions, classes, groups of imports."""
    pieces: list[list[str]] = [[]]
    after_gap = False
    for line in text.split("\n"):
        if not line.strip():
            after_gap = True
            continue
        if after_gap and not line[0].isspace() and line[0] not in ")}]":
            pieces.append([])
        pieces[-1].append(line)
        after_gap = False
    return ["\n".join(piece) for piece in pieces if piece]
