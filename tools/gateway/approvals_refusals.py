"""How a call ends that nobody allowed."""

from kit.errors import Conflict, Forbidden, Invalid, SwitchboardError, TooMany, Unavailable


class ApprovalDeclined(Forbidden):
    code = "approval_declined"
    title = "The call was not allowed, so it was not made"
    default_hint = "Do without it, or ask the person what to change before you call it again."


class ApprovalExpired(SwitchboardError):
    status = 410
    code = "approval_expired"
    title = "The question was answered too late, so the call was not made"
    default_hint = "Call the tool again: it will ask again."


class ApprovalUsed(Conflict):
    code = "approval_used"
    title = "This approval was used before, so the call was not made again"
    default_hint = "Each call needs an approval of its own: call the tool again, it will ask again."


class ApprovalRefused(Forbidden):
    code = "approval_refused"
    title = "This approval is not one for this call, so it was not made"
    default_hint = "Call the tool again, without requestState: it will ask again."


class ApprovalUnreadable(Invalid):
    code = "approval_unreadable"
    title = "The answer does not fit the question, so the call was not made"
    default_hint = (
        'Answer exactly what was asked: {"approval": {"action": "accept", "decline" or "cancel", '
        '"content": the fields of the form}}.'
    )


class ApprovalPending(Forbidden):
    """`id` and `url`: of the interaction in which somebody answers."""

    code = "approval_pending"
    title = "Somebody has to allow this call first"
    default_hint = "Answer it there, then make the same call again."

    def __init__(self, detail: str, *, id: str, url: str) -> None:
        super().__init__(detail)
        self.id = id
        self.url = url
        self.hint = (
            f"The question is at {url} (interaction {id}). Once it is allowed, make the same call again."
        )


class ApprovalUnavailable(Unavailable):
    code = "approval_unavailable"
    title = "Whether this call was allowed cannot be told at the moment, so it was not made"
    default_hint = "Call the tool again in a minute: it will ask again."


class TooManyApprovals(TooMany):
    code = "too_many_approvals"
    title = "Too many questions about calls within a minute"
