"""How long whoever asks a person is going to wait for the answer."""

from collections.abc import Mapping
from typing import Any, cast

from kit.wire.interactions import EXPIRES_META

WAITS_S = 600.0
"""What sealed states live by default, and servers of the older era (SPEC 5)."""
LONGEST_S = 7 * 86_400.0


def patience_of(input_requests: Mapping[str, Any]) -> float:
    """Of several at once the shortest."""
    return min((_of(one) for one in input_requests.values()), default=WAITS_S)


def _of(request: Any) -> float:
    params: Any = cast(dict[str, Any], request).get("params") if isinstance(request, dict) else None
    meta: Any = cast(dict[str, Any], params).get("_meta") if isinstance(params, dict) else None
    given: Any = cast(dict[str, Any], meta).get(EXPIRES_META) if isinstance(meta, dict) else None
    if isinstance(given, bool) or not isinstance(given, int | float) or not given > 0:
        return WAITS_S
    return min(float(given), LONGEST_S)
