"""Tool arguments as the person may see them: their own words stay, secrets and long texts do not."""

from collections.abc import Mapping
from typing import Any, cast

from kit.redaction import REDACTED, SECRETS, redact_text

SHOWN_LENGTH = 200


def redacted(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A copy with secrets masked by name and by pattern, and long strings cut."""
    return {name: REDACTED if name.lower() in SECRETS else _shown(value) for name, value in arguments.items()}


def _shown(value: object) -> Any:
    if isinstance(value, str):
        return redact_text(value if len(value) <= SHOWN_LENGTH else f"{value[:SHOWN_LENGTH]}…")
    if isinstance(value, Mapping):
        return redacted(cast(Mapping[str, Any], value))
    if isinstance(value, list):
        return [_shown(one) for one in cast(list[object], value)]
    return value
