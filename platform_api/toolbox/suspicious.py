"""Words by which a definition speaks to the model instead of describing a tool.

Matched against `legible.plain` text: lower case, one space between words, twins and hidden characters undone.
Learnt from published attacks by tool descriptions (line jumping, shadowing, side notes), and kept narrow:
what half of all honest servers write would only teach admins to accept it unread.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal

from kit.wire.governance import Severity

Kind = Literal["instruction", "other_tool", "exfiltration", "markup", "encoded"]
_PERSON = (
    r"(?:the |an?y? |your )?(?:end[- ])?"
    r"(?:users?|humans?|persons?|people|anyone|anybody|operators?|customers?)\b"
)
_RULES = (
    r"(?:instructions?|prompts?|rules?|messages?|directions?|directives?|guidelines?|constraints?"
    r"|policies|safeguards?)\b"
)
_EARLIER = r"(?:previous|prior|above|earlier|preceding|other|existing|all|your|system|safety)\b"
_HIDE = (
    r"(?:tell|mention|inform|reveal|show|notify|disclose|disclosing|alert|explain|ask|let|warn)"
    r"(?:t?ing)?\b"
)
_PRIVATE = (
    r"(?:(?:conversation|chat|message) (?:history|log|transcript)s?|(?:whole|full|entire) conversation"
    r"|system prompts?|private keys?|ssh keys?|id_(?:rsa|ed25519)|\.env\b|environment variables"
    r"|credentials\b|passwords?\b|secrets\b|mcp\.json|session cookies?|everything (?:you|the user)"
    r"|previous messages?|(?:your|full|entire) context\b)"
)
_PRIVATE_FILES = (
    r"(?:~/\.|\$home/\.|/home/[^ ]{0,40}/\.|/root/\.|/etc/(?:passwd|shadow)\b|\bid_rsa|\.ssh\b|\.aws\b"
    r"|\.env\b|mcp\.json)"
)
_USING = r"(?:us(?:e|ing)|call(?:ing)?|invok(?:e|ing)|run(?:ning)?|execut(?:e|ing))"


@dataclass(frozen=True, slots=True)
class Sign:
    kind: Kind
    severity: Severity
    pattern: re.Pattern[str]
    says: str


def _sign(kind: Kind, severity: Severity, says: str, *patterns: str) -> Sign:
    return Sign(kind, severity, re.compile("|".join(patterns)), says)


SIGNS: Final = (
    _sign(
        "instruction",
        "severe",
        "It asks to set other instructions aside",
        rf"\b(?:ignore|disregard|forget|override|bypass)\b(?: \w+){{0,3}} {_EARLIER}"
        rf"(?: \w+){{0,3}}? {_RULES}",
    ),
    _sign(
        "instruction",
        "severe",
        "It asks to keep something from the person",
        r"\b(?:do not|don['’]?t|never|must not|should not|avoid|without)\b(?: \w+){0,2} "
        rf"{_HIDE}(?: \w+){{0,5}}? {_PERSON}",
    ),
    _sign(
        "instruction",
        "severe",
        "It asks for secrecy",
        r"\b(?:keep|remain|stay) (?:(?:this|it|that|these) )?(?:a )?(?:secret|hidden|confidential|quiet)\b",
        r"\b(?:secretly|covertly|surreptitiously)\b",
        r"\bhide (?:this|it|these|that) from\b",
    ),
    _sign(
        "instruction",
        "severe",
        "It speaks to the model about its instructions",
        r"\b(?:new|updated|real|actual|hidden|secret) (?:system )?instructions?\b",
        r"\byou are now\b",
        r"\bsystem prompt\b",
        r"\bdeveloper mode\b",
        r"\bjailbreak",
    ),
    _sign(
        "instruction",
        "warning",
        "It gives the model orders",
        r"\b(?:you|the (?:assistant|model|agent|ai|llm)) (?:must|shall|should always|have to|need to)\b",
        r"\b(?:important|critical|mandatory|note to (?:the )?(?:ai|assistant|model|llm|agent))(?:!|:)",
    ),
    _sign(
        "other_tool",
        "severe",
        "It wants to be called around other tools",
        rf"\b(?:before|prior to|instead of|after|whenever|when) (?:you )?{_USING} "
        r"(?:any|all|every|other|another|the other|each)\b(?: \w+){0,2} tools?\b",
        r"\b(?:always|must|first) (?:use|call|invoke|run) this (?:tool )?(?:first|before)\b",
    ),
    _sign(
        "exfiltration",
        "severe",
        "It asks for what is none of its business",
        r"\b(?:send|post|upload|forward|include|pass|attach|append|copy|e-?mail|exfiltrate|leak|transmit"
        rf"|submit|put)\b[^.]{{0,100}}?\b{_PRIVATE}",
    ),
    _sign(
        "exfiltration",
        "severe",
        "It asks for a file that holds secrets",
        r"\b(?:read|open|load|cat|get|fetch|access|include|contents? of)\b[^.]{0,60}?"
        rf"{_PRIVATE_FILES}",
    ),
    _sign(
        "markup",
        "severe",
        "It holds marks by which models tell who speaks",
        r"</?\s*(?:important|system|instructions?|secret|assistant|user|human|admin|tool_calls?"
        r"|function_calls?|invoke|prompt|hidden|context)\b[^>]{0,80}>",
        r"<\|[^|]{1,40}\|>",
        r"\[/?(?:inst|system)\]",
    ),
    _sign(
        "markup",
        "severe",
        "It holds markup that a page would not show",
        r"<!--",
        r"<script\b",
        r"javascript:",
    ),
    _sign("markup", "warning", "It holds a picture from outside", r"!\[[^\]]*\]\(\s*https?:"),
    _sign("encoded", "warning", "It holds a long encoded text", r"[a-z0-9+/_-]{120,}={0,2}"),
)
