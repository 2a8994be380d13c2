"""Faults on our side while documents are prepared."""

from kit.errors import SwitchboardError


class PreparationFailed(SwitchboardError):
    """A fault on our side while a document was prepared; trying again may help."""

    code = "preparation_failed"
    title = "The document could not be prepared"
    default_hint = "Send it again. If it fails again, tell your admin the request id."
    retryable = True
