"""application/problem+json (RFC 9457) with our members (SPEC 3)."""

from kit.wire.base import Wire

MEDIA_TYPE = "application/problem+json"


class Problem(Wire):
    """`hint` says the next step; `request_id` is what the logs know it by."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    request_id: str
