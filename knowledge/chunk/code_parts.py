"""Source code: its definitions as parts, comments and decorators with what they belong to."""

import ast
import re
import warnings
from collections.abc import Iterator

from knowledge.chunk.parts import Lines, Part

_MODIFIERS = (
    r"(?:export|default|public|private|protected|internal|static|async|abstract|final|override|virtual|"
    r"pub(?:\([^)]*\))?|unsafe|extern|inline|const|sealed|open|data|suspend|partial|declare|local|"
    r"create(?:\s+or\s+replace)?)\s+"
)
_DEFINITION = re.compile(
    rf"\s*(?:{_MODIFIERS})*"
    r"(?:def|class|func|fn|function\*?|interface|struct|enum|trait|impl|module|namespace|object|record|"
    r"protocol|extension|sub|procedure|macro_rules!|defmodule|defp?|type|union|message|service|rpc|"
    r"table|view|trigger|resource|variable)\b"
    r"\s*(?:<[^>]*>\s*)?(?:\([^)]*\)\s*)?[\"'`]?([\w$.:!?-]*[\w$!?])?",
    re.IGNORECASE,
)
# `int main(int argc) {`, `void Boat::sail() const {`, `name() {`, `const sail = async (x) => {`
_FUNCTION = re.compile(r"\s*(?:[\w<>\[\],:&*~.]+\s+)*?[*&]*([\w$:~]+)\s*\([^;]*\)[^;=]*\{?\s*$")
_ARROW = re.compile(rf"\s*(?:{_MODIFIERS})*(?:const|let|var)\s+([\w$]+)\s*=.*(?:=>|function)")
_ABOVE = re.compile(r"\s*(?://|/\*|\*|#(?!include)|--|;;|%|@|\[|'''|\"\"\"|<!--)")
_CLOSES = re.compile(r"\s*(?:[)\]}]|end\b|fi\b|done\b|esac\b)")
_STATEMENTS = re.compile(
    r"\s*(?:if|else|elif|for|while|switch|catch|return|do|try|with|using|foreach|case|when|match|lock)\b"
)


# Longer lines are data or minified; the patterns take quadratic time on some of them.
_LONGEST = 300


def code_parts(lines: Lines, language: str) -> list[Part]:
    """Definitions with those inside them; what is between them belongs to no part."""
    if language == "python":
        try:
            return _python(lines)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            # Of another version, or not a whole file.
            pass
    return _indented(lines, 0, len(lines.spans))


def _python(lines: Lines) -> list[Part]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(lines.placed.block.text)
    return list(_defined(lines, tree.body, 0))


def _defined(lines: Lines, body: list[ast.stmt], after: int) -> Iterator[Part]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)]) - 1
            first = _with_comments(lines, first, after)
            last = node.end_lineno or node.lineno
            inner = list(_defined(lines, node.body, first)) if isinstance(node, ast.ClassDef) else []
            yield Part(first, last, node.name, inner)
        after = node.end_lineno or after


def _with_comments(lines: Lines, first: int, after: int) -> int:
    while first > after and _ABOVE.match(lines.text(first - 1, first)):
        first -= 1
    return first


def _indented(lines: Lines, first: int, last: int) -> list[Part]:
    """A definition ends where a line stands no deeper than its first, closing brackets left out."""
    parts: list[Part] = []
    at, after = first, first
    while at < last:
        name = _name_of(lines.text(at, at + 1))
        if name is None:
            at += 1
            continue
        end = _end(lines, at, last)
        if end - at > 1:
            inner = _indented(lines, at + 1, end)
            parts.append(Part(_with_comments(lines, at, after), end, name, inner))
            after = end
        at = end
    return parts


def _name_of(line: str) -> str | None:
    if _STATEMENTS.match(line) or not line.strip() or len(line) > _LONGEST:
        return None
    for pattern in (_ARROW, _DEFINITION, _FUNCTION):
        if found := pattern.match(line):
            return found.group(1) or ""
    return None


def _end(lines: Lines, at: int, last: int) -> int:
    depth = _depth(lines.text(at, at + 1))
    end = at + 1
    while end < last:
        line = lines.text(end, end + 1)
        if line.strip() and _depth(line) <= depth:
            opens_body = line.strip() == "{"
            if not (opens_body or (_CLOSES.match(line) and _depth(line) == depth)):
                break
        end += 1
    return end


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
