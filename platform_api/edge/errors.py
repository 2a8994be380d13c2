"""Errors of HTTP itself."""

from kit.errors import BadRequest, Conflict, Invalid, SwitchboardError


class MethodNotAllowed(SwitchboardError):
    status = 405
    code = "method_not_allowed"
    title = "This address does not know this method"
    default_hint = "See /docs for the methods of this address."


class BadCursor(BadRequest):
    code = "bad_cursor"
    title = "This cursor is not one of ours"
    default_hint = "Pass `next_cursor` of the page before unchanged, or leave it out to begin again."


class BadIdempotencyKey(Invalid):
    code = "bad_idempotency_key"
    title = "This Idempotency-Key cannot be used"
    default_hint = "Use 1 to 200 printable ASCII characters; a random UUID is a good choice."


class StillUnknown(Conflict):
    code = "still_unknown"
    title = "A request with this Idempotency-Key was begun, and how it ended is not known (yet)"
    default_hint = "Look whether it took effect. Repeat it in a moment, or with a new key to do it again."


class IdempotencyKeyReused(Conflict):
    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another request"
    default_hint = "Use a new key for a new request; repeat a key only with the same body."
