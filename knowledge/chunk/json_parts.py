"""JSON that is written with one value a line: its objects and arrays as parts, their keys as names.

It goes by lines and indentation and does not parse: what is not JSON after all comes out as single lines.
"""

import re

from knowledge.chunk.parts import Lines, Part

_KEY = re.compile(r'\s*"((?:[^"\\]|\\.)*)"\s*:')


def json_parts(lines: Lines) -> list[Part]:
    """The values of the outermost object or array, nested."""
    root = Part(0, len(lines.spans))
    # What is open: the part, and how many items its array has had; None for an object.
    above: list[tuple[Part, list[int] | None]] = [(root, None)]
    for number in range(len(lines.spans)):
        line = lines.text(number, number + 1).strip()
        if line.rstrip(",") in ("}", "]") and len(above) > 1:
            above.pop()[0].last = number + 1
            continue
        part = Part(number, number + 1, _name(line, above[-1][1]))
        above[-1][0].children.append(part)
        if line.endswith(("{", "[")):
            above.append((part, [0] if line.endswith("[") else None))
    for part, _ in above[1:]:
        part.last = len(lines.spans)
    # The outermost braces are a part without a name: its values are what counts.
    return root.children


def _name(line: str, counter: list[int] | None) -> str:
    if counter is not None:
        counter[0] += 1
        return f"[{counter[0] - 1}]"
    key = _KEY.match(line)
    return key.group(1) if key else ""
