"""application/problem+json (RFC 9457) with our members (SPEC 3)."""

from kit.wire.base import Wire

MEDIA_TYPE = "application/problem+json"


class FieldError(Wire):
    """`message` is a sentence for whoever fills in `field`; it never quotes what was sent."""

    field: str
    message: str


class Problem(Wire):
    """`hint` says the next step; `request_id` is what the logs know it by."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    hint: str
    request_id: str
    errors: list[FieldError] | None = None
    """Of a form that was filled in: what is wrong with which field."""
