"""The error tree and its wire form.

SwitchboardError
├── BadRequest 400          the request cannot be understood
├── Unauthenticated 401     nobody is signed in
├── Forbidden 403           signed in, but not allowed
├── NotFound 404            not there, or not for this person: the two look alike (SPEC 3)
├── Conflict 409            the state does not allow it now
├── TooLarge 413
├── UnsupportedType 415
├── Invalid 422             understood, but a value is wrong
├── TooMany 429             a limit; carries retry_after
├── UpstreamFailed 502      something we depend on answered badly
├── Unavailable 503         something we depend on is down; carries retry_after
└── TimedOut 504

A domain subclasses the branch that fits and sets its own `code`, `title` and `hint`.
The catalogue in docs/reference is generated from this tree.
"""

from collections.abc import Iterator
from typing import ClassVar

from kit.wire.problem import Problem


class SwitchboardError(Exception):
    """An error that a person may read.

    `detail` says what happened in one sentence, `hint` the next step. Neither holds an internal
    name, a stack trace, nor whether a hidden thing exists (SPEC 3, RFC 9457).
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"
    default_hint: ClassVar[str] = "Try again. If it happens again, tell your admin the request id."
    retryable: ClassVar[bool] = False

    def __init__(
        self, detail: str = "", *, hint: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.hint = hint or self.default_hint
        self.retry_after = retry_after

    def problem(self, request_id: str) -> Problem:
        """The RFC 9457 body; `request_id` is the one in the logs."""
        return Problem(
            type=f"https://switchboard.dev/errors/{self.code}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            code=self.code,
            hint=self.hint,
            request_id=request_id,
        )


class BadRequest(SwitchboardError):
    status = 400
    code = "bad_request"
    title = "The request could not be understood"
    default_hint = "Compare the request with the reference at /docs."


class Unauthenticated(SwitchboardError):
    status = 401
    code = "unauthenticated"
    title = "You are not signed in"
    default_hint = "Send 'Authorization: Bearer <token or API key>'. Sign in again if it has expired."


class Forbidden(SwitchboardError):
    status = 403
    code = "forbidden"
    title = "You may not do this"
    default_hint = "Ask an admin of your organisation for the permission."


class NotFound(SwitchboardError):
    status = 404
    code = "not_found"
    title = "There is nothing here that you can see"
    default_hint = "Check the id. If someone sent it to you, ask them to share it with you."


class Conflict(SwitchboardError):
    status = 409
    code = "conflict"
    title = "The current state does not allow this"
    default_hint = "Read the current state and try again."


class TooLarge(SwitchboardError):
    status = 413
    code = "too_large"
    title = "This is larger than the limit"
    default_hint = "Send less at once."


class UnsupportedType(SwitchboardError):
    status = 415
    code = "unsupported_type"
    title = "This type of content is not supported"
    default_hint = "Convert it to a supported type and try again."


class Invalid(SwitchboardError):
    status = 422
    code = "invalid"
    title = "A value in the request is not valid"
    default_hint = "Correct the named field and send it again."


class TooMany(SwitchboardError):
    status = 429
    code = "too_many_requests"
    title = "Too many requests"
    default_hint = "Wait for the time in Retry-After, then try again."
    retryable = True


class UpstreamFailed(SwitchboardError):
    status = 502
    code = "upstream_failed"
    title = "A system that we depend on gave no usable answer"
    default_hint = "Try again in a minute."
    retryable = True


class Unavailable(SwitchboardError):
    status = 503
    code = "unavailable"
    title = "A part of the system is not available"
    default_hint = "Try again after the time in Retry-After."
    retryable = True


class TimedOut(SwitchboardError):
    status = 504
    code = "timed_out"
    title = "It took too long"
    default_hint = "Try again, perhaps with a smaller request."
    retryable = True


class ToolTimedOut(TimedOut):
    code = "tool_timed_out"
    title = "The tool took too long"


def catalogue(root: type[SwitchboardError] = SwitchboardError) -> Iterator[type[SwitchboardError]]:
    """Every error class that is loaded, parents first: the source of the generated reference."""
    yield root
    for child in root.__subclasses__():
        yield from catalogue(child)
