"""What people wrote in Slack, as plain text for the platform (Slack: "Formatting text for app surfaces").

Slack marks links, people and channels in angle brackets and escapes `&`, `<` and `>` around them.
"""

import re
from collections.abc import Iterable

_MARKED = re.compile(r"<([^<>\n]{1,8000})>")
_OURS = "\ue000"
"""Stands for a mention of us until the text is whole (Slack sends no private characters of its own)."""
_AROUND = re.compile(rf"[ \t]*{_OURS}[ \t]*")
_CALLED = re.compile(rf"^\s*(?:{_OURS}[ \t]*[,:;]?\s*)+")


def said(text: object, without: Iterable[str] = ()) -> str:
    """Plain text; mentions of `without` (our own ids) are taken out, others become names."""
    if not isinstance(text, str):
        return ""
    ours = {f"@{user}" for user in without if user}
    given = text.replace(_OURS, "")
    whole = _MARKED.sub(lambda found: _OURS if _target(found[1]) in ours else _shown(found[1]), given)
    return _clean(_AROUND.sub(" ", _CALLED.sub("", whole))).strip()


def mentions(text: object, user: str) -> bool:
    if not isinstance(text, str) or not user:
        return False
    return any(_target(found) == f"@{user}" for found in _MARKED.findall(text))


def _target(marked: str) -> str:
    return marked.partition("|")[0]


def _shown(marked: str) -> str:
    target, _, label = marked.partition("|")
    match target[:1]:
        case "@":
            return f"@{label.removeprefix('@') or target[1:]}"
        case "#":
            return f"#{label.removeprefix('#') or target[1:]}"
        case "!":
            return _special(target[1:], label)
        case _:
            return _link(target, label)


def _special(name: str, label: str) -> str:
    if label:
        return label if name.startswith("date") else f"@{label.removeprefix('@')}"
    return "" if name.startswith("date") else f"@{name.partition('^')[2] or name}"


def _link(target: str, label: str) -> str:
    address = re.sub(r"^(?:mailto|tel):", "", target)
    bare = re.sub(r"^https?://", "", address).rstrip("/")
    if not label or label in (target, address) or label.rstrip("/") == bare:
        return address
    return f"{label} ({address})"


def _clean(text: str) -> str:
    """Unescaped, and only what can be stored: no NUL, no half of a surrogate pair."""
    shown = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return shown.replace("\0", "").encode("utf-8", "ignore").decode()
