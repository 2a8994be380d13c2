"""What can be wrong with a tool server's answer, beside kit.errors' own."""

from typing import Self

from kit.errors import UpstreamFailed


class HungUp(UpstreamFailed):
    """Before a word of an answer; whether the call took effect is not known."""


class ResultTooLarge(UpstreamFailed):
    """Says little about the server's health: often it was asked for too much."""

    code = "result_too_large"
    title = "The tool's answer is larger than the limit"
    default_hint = "Ask for less at once."
    retryable = False

    @classmethod
    def of(cls, limit: int) -> Self:
        return cls(f"This tool's answer is larger than {limit} bytes.")
