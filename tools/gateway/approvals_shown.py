"""What a person reads before they allow a call: the tool and exactly its arguments, as text (SPEC 5, 13).

The arguments come from a model, and what a model read may have told it what to write. So nothing in them
changes how the rest is read: they are JSON with every character escaped that does not show, turns the
direction or passes for another, indented, which Markdown takes for code. What is left out is named with its
length and digest.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, cast

from kit.wire.tools import Approval, Risk
from tools.gateway.call import Call

KEY = "approval"
"""The one question's key in `inputRequests`."""
REMEMBER = "remember"
_STRING, _TAIL, _WHOLE, _TITLE = 2_000, 500, 6_000, 200
_A_WORD = 200
_INDENT = "    "
_RISK: Mapping[Risk, str] = {
    "read": "reads only",
    "write": "changes something",
    "destructive": "destructive: what it does may not be undone",
}
# beside the categories: fillers and blanks that have a category of letters or symbols
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_HIDDEN = frozenset(("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"))
_WORD = re.compile(r"\w+")
_LOOK_ALIKE = ("CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU", "MATHEMATICAL", "FULLWIDTH")


def asked(call: Call, policy: Approval) -> str:
    """The message of the question."""
    tool = call.known_tool()
    title = tool.policy.definition.get("title")
    named = f'"{line(title)}" ({line(tool.own_name)})' if isinstance(title, str) else line(tool.own_name)
    who = (
        "Somebody else has to agree before this call is made."
        if policy.mode == "second_person"
        else "Allow this call?"
    )
    return (
        f"{who}\n\nTool: {named}\nServer: {line(tool.server)}\nRisk: {_RISK[tool.policy.risk]}\n"
        f"Arguments:\n\n{readable(call.arguments)}"
    )


def form(*, remember: bool) -> dict[str, Any]:
    """The requestedSchema: yes and no are the action's; only remembering is a field."""
    if not remember:
        return {"type": "object", "properties": {}}
    ticked = {
        "type": "boolean",
        "title": "Do not ask again for this tool in this session",
        "default": False,
    }
    return {"type": "object", "properties": {REMEMBER: ticked}}


def readable(arguments: Mapping[str, Any]) -> str:
    """Indented JSON of the arguments, at most some 6,000 characters."""
    whole = json.dumps(_shortened(arguments), ensure_ascii=False, indent=2)
    # what is not shown is not looked at: letter by letter, a megabyte would hold everybody up for seconds
    head = whole[: _WHOLE + _A_WORD]
    text = _INDENT + neutral(head).replace("\n", f"\n{_INDENT}")
    if len(text) <= _WHOLE:
        return text
    left_out = _left_out(len(text) - _WHOLE + len(whole) - len(head), json.dumps(arguments, sort_keys=True))
    return f"{text[:_WHOLE]}\n{_INDENT}{left_out}"


def storable(value: Any) -> Any:
    """The same without NUL, which no database text holds: shown as its escape."""
    if isinstance(value, str):
        return value.replace("\0", "\\u0000")
    if isinstance(value, dict):
        return {storable(name): storable(inner) for name, inner in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [storable(inner) for inner in cast(list[Any], value)]
    return value


def line(text: str) -> str:
    """A name in one line: cut, and nothing in it but what it shows."""
    return neutral(text.replace("\n", " "))[:_TITLE]


def neutral(text: str) -> str:
    """The same with what does not show, or passes for something else, escaped as JSON escapes it."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    text = _WORD.sub(_unmixed, text)
    return "".join(_shown(text, place) for place in range(len(text)))


def _shown(text: str, place: int) -> str:
    character = text[place]
    if character == "\n" or " " <= character <= "~":
        return character
    kind = unicodedata.category(character)
    hidden = kind in _HIDDEN or character in _BLANK or (kind == "Zs" and character != " ")
    # a mark belongs to a letter; heaps of them cover the lines around, and selectors show nothing
    selector = "VARIATION SELECTOR" in unicodedata.name(character, "")
    heaped = kind in ("Mn", "Me") and place >= 2 and all(_is_mark(c) for c in text[place - 2 : place])
    return _escaped(character) if hidden or selector or heaped else character


def _is_mark(character: str) -> bool:
    return unicodedata.category(character) in ("Mn", "Me")


def _unmixed(word: re.Match[str]) -> str:
    """A word of Latin letters with some that only look like them: those are escaped."""
    text = word[0]
    if text.isascii() or not any("a" <= letter <= "z" or "A" <= letter <= "Z" for letter in text):
        return text
    return "".join(
        _escaped(letter) if unicodedata.name(letter, "").startswith(_LOOK_ALIKE) else letter
        for letter in text
    )


def _escaped(character: str) -> str:
    return json.dumps(character)[1:-1] if not character.isascii() else f"\\u{ord(character):04x}"


def _shortened(value: Any) -> Any:
    if isinstance(value, str) and len(value) > _STRING + _TAIL:
        left_out = value[_STRING:-_TAIL]
        return f"{value[:_STRING]} {_left_out(len(left_out), value)} {value[-_TAIL:]}"
    if isinstance(value, dict):
        return {
            str(_shortened(name)): _shortened(inner) for name, inner in cast(dict[str, Any], value).items()
        }
    if isinstance(value, list):
        return [_shortened(inner) for inner in cast(list[Any], value)]
    return value


def _left_out(characters: int, whole: str) -> str:
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"… {characters:,} more characters, sha256 of the whole {digest} …"
