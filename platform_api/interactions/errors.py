"""Errors of interactions."""

from collections.abc import Sequence

from kit.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable, UpstreamFailed
from kit.wire.problem import FieldError, Problem


class InteractionNotFound(NotFound):
    code = "interaction_not_found"
    title = "There is no such interaction"
    default_hint = "List what waits for your answer at GET /api/v1/interactions."


class InteractionAnswered(Conflict):
    code = "interaction_answered"
    title = "This was answered before"
    default_hint = "Nothing was changed: the first answer counts. Read it at GET /api/v1/interactions/{id}."


class InteractionExpired(Conflict):
    status = 410
    code = "interaction_expired"
    title = "The time to answer this is over"
    default_hint = "Nothing was done. Ask again, and answer before the time that is shown."


class InteractionCancelled(Conflict):
    status = 410
    code = "interaction_cancelled"
    title = "This question was withdrawn"
    default_hint = "Nothing was done. Ask again if you still need it."


class SecondPersonNeeded(Forbidden):
    code = "second_person_needed"
    title = "Somebody else has to decide this"
    default_hint = "Ask a colleague who may: it waits in their list. You can only withdraw it (`cancel`)."


class AnswerInvalid(Invalid):
    """With `errors`: what is wrong with which field."""

    code = "answer_invalid"
    title = "The form is not filled in correctly"
    default_hint = "Correct the fields in `errors` and send all of them again."

    def __init__(self, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(" ".join(f"{error.field}: {error.message}" for error in errors[:5]))
        self.errors = list(errors)

    def problem(self, request_id: str) -> Problem:
        return super().problem(request_id).model_copy(update={"errors": self.errors})


class Unaskable(UpstreamFailed):
    code = "unaskable"
    title = "A tool asked for something that cannot be asked here"
    default_hint = "Tell the admin of this tool: the reason stands in `detail`."
    retryable = False


class NoVault(Unavailable):
    code = "no_vault"
    title = "This deployment has no keys to keep answers with"
    default_hint = "An admin sets SWITCHBOARD_VAULT__KEYS and starts it again."
    retryable = False
