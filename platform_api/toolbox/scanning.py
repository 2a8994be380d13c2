"""What an admin should read twice in a definition before approving it (SPEC 9).

A definition is text that a stranger wrote and a model obeys: every string of it is looked at, names of
properties, enum values and defaults included. It finds what is known; that nothing was found proves nothing.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, cast

from kit.wire.governance import Finding, Severity
from platform_api.toolbox.legible import hidden_message, is_control, look_alikes, plain, shown, unseen

_DEEPEST = 60
_MOST = 100
_QUOTED = 120
_LONGEST: Final[Mapping[str, tuple[int, int]]] = {"name": (64, 128), "title": (120, 400)}
_LONGEST_TEXT = (4_000, 16_000)
_NAME = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_WHO = r"(?:the |an?y? |your )?(?:end[- ])?(?:users?|humans?|persons?|people|anyone|anybody|operators?|customers?)"
_RULES = r"(?:instructions?|prompts?|rules?|messages?|directions?|directives?|guidelines?|constraints?|policies|safeguards?)"
_PRIVATE = (
    r"(?:conversation|chat|message) ?(?:history|log|transcript)?s?|chat history|system prompts?|private keys?|"
    r"ssh keys?|id_(?:rsa|ed25519)|\.env\b|environment variables|credentials|passwords?|secrets?|"
    r"mcp\.json|session cookies?|everything (?:you|the user)|previous messages?|(?:your|full|entire) context"
)
_FILES = r"(?:~/\.|\$home/\.|/home/[^ ]*/\.|/root/\.|/etc/(?:passwd|shadow)|id_rsa|\.ssh\b|\.aws\b|\.env\b|mcp\.json)"
_PATTERNS: Final[tuple[tuple[str, Severity, re.Pattern[str], str], ...]] = tuple(
    (kind, cast(Severity, severity), re.compile(pattern), detail)
    for kind, severity, pattern, detail in (
        (
            "instruction",
            "severe",
            r"\b(?:ignore|disregard|forget|override|bypass)\b(?: \w+){0,3} "
            r"(?:previous|prior|above|earlier|preceding|other|existing|all|your|system|safety)\b(?: \w+){0,3}? "
            + _RULES,
            "It asks to set other instructions aside",
        ),
        (
            "instruction",
            "severe",
            r"\b(?:do not|don't|dont|never|must not|should not|avoid|without)\b(?: \w+){0,2} "
            r"(?:tell(?:ing)?|mention(?:ing)?|inform(?:ing)?|reveal(?:ing)?|show(?:ing)?|notify(?:ing)?|"
            r"disclos(?:e|ing)|alert(?:ing)?|explain(?:ing)?|ask(?:ing)?|let(?:ting)?|warn(?:ing)?)\b"
            r"(?: \w+){0,5}? " + _WHO,
            "It asks to keep something from the person",
        ),
        (
            "instruction",
            "severe",
            r"\b(?:keep|remain|stay) (?:this|it|that|these)? ?(?:a )?(?:secret|hidden|confidential|quiet)\b|"
            r"\b(?:secretly|covertly|surreptitiously)\b|\bhide (?:this|it|these|that) from\b",
            "It asks for secrecy",
        ),
        (
            "instruction",
            "severe",
            r"\b(?:new|updated|real|actual|hidden|secret) (?:system )?instructions?\b|"
            r"\byou are now\b|\bsystem prompt\b|\bdeveloper mode\b|\bjailbreak",
            "It speaks to the model about its instructions",
        ),
        (
            "instruction",
            "warning",
            r"\b(?:you|the (?:assistant|model|agent|ai|llm)) (?:must|shall|should always|have to|need to)\b|"
            r"\b(?:important|critical|mandatory|note to (?:the )?(?:ai|assistant|model|llm|agent))(?:!|:)",
            "It gives the model orders",
        ),
        (
            "other_tool",
            "severe",
            r"\b(?:before|prior to|instead of|after|whenever|when) (?:you )?(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|"
            r"run(?:ning)?|execut(?:e|ing)) (?:any|all|every|other|another|the other|each)\b(?: \w+){0,2} tools?\b|"
            r"\b(?:always|must|first) (?:use|call|invoke|run) this (?:tool )?(?:first|before)\b",
            "It wants to be called around other tools",
        ),
        (
            "exfiltration",
            "severe",
            r"\b(?:send|post|upload|forward|include|pass|attach|append|copy|e-?mail|exfiltrate|leak|transmit|submit|put)"
            r"\b[^.]{0,100}?\b(?:" + _PRIVATE + ")",
            "It asks for what is none of its business",
        ),
        (
            "exfiltration",
            "severe",
            r"\b(?:read|open|load|cat|get|fetch|access|include|contents? of)\b[^.]{0,60}?" + _FILES,
            "It asks for a file that holds secrets",
        ),
        (
            "markup",
            "severe",
            r"</?\s*(?:important|system|instructions?|secret|assistant|user|human|admin|tool_calls?|"
            r"function_calls?|invoke|prompt|hidden|context)\b[^>]{0,80}>|<\|[^|]{1,40}\|>|\[/?(?:inst|system)\]",
            "It holds marks by which models tell who speaks",
        ),
        ("markup", "severe", r"<!--|<script\b|javascript:", "It holds markup that a page would not show"),
        (
            "markup",
            "warning",
            r"!\[[^\]]*\]\(\s*https?:",
            "It holds a picture from outside, which tells who reads it",
        ),
        ("encoded", "warning", r"[a-z0-9+/_-]{120,}={0,2}", "It holds a long encoded text"),
    )
)


def scan(definition: Mapping[str, Any], other_tools: Collection[str] = ()) -> list[Finding]:
    """Findings in the order of their severity, then of their place; at most 100.

    definition: the MCP tool object. other_tools: names that it has no reason to mention.
    """
    own = str(definition.get("name", ""))
    others = [name for name in other_tools if name != own and len(name) > 3]
    found = [finding for place, text in strings(definition) for finding in _of(place, text, others)]
    unique = {(one.place, one.kind, one.detail): one for one in found}
    return sorted(unique.values(), key=lambda one: _RANK[one.severity])[:_MOST]


_RANK: Final[Mapping[str, int]] = {"severe": 0, "warning": 1, "note": 2}


def is_severe(finding: Finding) -> bool:
    return finding.severity == "severe"


def strings(value: Any, place: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """(place, text) of every string within; a key is a text at `<place>.{key}`, too."""
    if isinstance(value, str):
        yield place, value
    elif depth > _DEEPEST:
        yield place, "\x00nested too deeply"
    elif isinstance(value, dict):
        for key, inner in cast(dict[str, Any], value).items():
            inside = f"{place}.{shown(key)}" if place else shown(key)
            if not key.isascii() or len(key) > _LONGEST["name"][0] or " " in key or not key.isprintable():
                yield f"{inside} (key)", key
            yield from strings(inner, inside, depth + 1)
    elif isinstance(value, list):
        for at, inner in enumerate(cast(list[Any], value)):
            yield from strings(inner, f"{place}[{at}]", depth + 1)


def _of(place: str, text: str, others: list[str]) -> Iterator[Finding]:
    yield from _characters(place, text)
    yield from _length(place, text)
    yield from _name(place, text)
    read = plain(text)
    for kind, severity, pattern, detail in _PATTERNS:
        match = pattern.search(read)
        if match:
            yield _finding(place, kind, severity, f"{detail}: “{_cut(match.group())}”.")
    yield from _mentions(place, read, others)


def _characters(place: str, text: str) -> Iterator[Finding]:
    hidden = unseen(text)
    if hidden:
        points = ", ".join(sorted({f"U+{ord(c):04X}" for _, c in hidden})[:8])
        spelt = hidden_message(text)
        said = f" They spell “{_cut(spelt)}”." if spelt else ""
        yield _finding(place, "invisible", "severe", f"{len(hidden)} characters do not show: {points}.{said}")
    controls = sorted({f"U+{ord(c):04X}" for c in text if is_control(c)})
    if controls:
        yield _finding(place, "control", "severe", f"Control characters: {', '.join(controls[:8])}.")
    masked = look_alikes(text)
    if masked:
        words = ", ".join(f"“{shown(word)}”" for word in sorted(set(masked))[:5])
        yield _finding(place, "look_alike", "severe", f"Letters that pass for others: {_cut(words)}.")


def _length(place: str, text: str) -> Iterator[Finding]:
    notable, extreme = _LONGEST.get(place, _LONGEST_TEXT)
    if len(text) > notable:
        severity: Severity = "severe" if len(text) > extreme else "warning"
        yield _finding(place, "overlong", severity, f"{len(text)} characters are unusually many here.")


def _name(place: str, text: str) -> Iterator[Finding]:
    if place == "name" and not _NAME.fullmatch(text):
        yield _finding(
            place, "look_alike", "severe", "The name has other characters than letters, digits and _./-."
        )
    elif place.endswith(" (key)"):
        yield _finding(
            place, "look_alike", "warning", "The name of a property is not plain ASCII, or is long."
        )


def _mentions(place: str, read: str, others: list[str]) -> Iterator[Finding]:
    named = [name for name in others if re.search(rf"(?<![\w.]){re.escape(name.casefold())}(?![\w])", read)]
    if named and re.search(r"\b(?:use|call|invoke|run|instead|before|after|then|replace)", read):
        yield _finding(place, "other_tool", "warning", f"It mentions other tools: {_cut(', '.join(named))}.")


def _finding(place: str, kind: Any, severity: Severity, detail: str) -> Finding:
    return Finding(place=place, kind=kind, severity=severity, detail=detail)


def _cut(text: str) -> str:
    text = shown(text)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"
