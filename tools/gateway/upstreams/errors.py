"""What can be wrong with a tool server's answer, beside kit.errors' own."""

from typing import Self

from kit.errors import UpstreamFailed


class HungUp(UpstreamFailed):
    """Before a word of an answer; whether the call took effect is not known."""

    code = "server_hung_up"
    title = "The tool's server ended the connection without an answer"


class CredentialRefused(UpstreamFailed):
    """401: nothing was done, so the call may be made again with another credential."""

    code = "credential_refused"
    title = "The tool's server does not accept the credential"
    default_hint = "Ask an admin to look at how this server is signed in to."
    retryable = False


class ResultTooLarge(UpstreamFailed):
    """Says little about the server's health: often it was asked for too much."""

    code = "result_too_large"
    title = "The tool's answer is larger than the limit"
    default_hint = "Ask for less at once."
    retryable = False

    @classmethod
    def of(cls, limit: int) -> Self:
        return cls(f"This tool's answer is larger than {limit} bytes.")
