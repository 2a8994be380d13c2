"""What must not stand in a log: e-mails, phone numbers, credentials, message bodies (SPEC 12)."""

import re
from collections.abc import Mapping
from typing import Any, cast

BODIES = frozenset({"message", "text", "content", "query", "body", "html", "quote", "sentence", "arguments"})
SECRETS = frozenset({"authorization", "token", "password", "secret", "api_key", "cookie", "key"})
REDACTED = "[REDACTED]"
_SCAN_LIMIT = 4096
_EMAIL = re.compile(r"\b([A-Za-z0-9])[A-Za-z0-9._%+-]*@([A-Za-z0-9.-]+\.[A-Za-z]{2,})\b")
# A phone number starts with + or 0 and holds 8 to 15 digits; ISO dates and ids do not match.
_PHONE = re.compile(r"(?<![\w.:/-])(\+\d{1,3}|0\d)([ ()-]?\d){6,12}(\d{2})(?![\w:-])")
_CREDENTIAL = re.compile(r"\b(sb_[0-9a-f]{8,}_[\w-]{16,}|eyJ[\w-]{8,}\.[\w-]+\.[\w-]+)")


def redact_text(text: str) -> str:
    """`e***@example.com`, `+61 *** *** 234`, `[REDACTED]` for credentials; capped at 4 kB."""
    shown = text[:_SCAN_LIMIT]
    shown = _CREDENTIAL.sub(REDACTED, shown)
    shown = _EMAIL.sub(r"\1***@\2", shown)
    shown = _PHONE.sub(_masked_phone, shown)
    return shown if len(text) <= _SCAN_LIMIT else shown + f"… ({len(text)} characters)"


def redact(fields: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which bodies and secrets are gone by name and the rest is masked by pattern."""
    return {name: _value(name.lower(), value) for name, value in fields.items()}


def _value(name: str, value: Any) -> Any:
    if name in BODIES or name in SECRETS:
        return REDACTED
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return redact(cast(Mapping[str, Any], value))
    return value


def _masked_phone(match: re.Match[str]) -> str:
    number = match.group(0)
    return f"{match.group(1)} *** *** {re.sub(r'[^0-9]', '', number)[-3:]}"
