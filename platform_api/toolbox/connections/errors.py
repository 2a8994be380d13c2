"""What can go wrong between a person, a tool server and its authorization server."""

from kit.errors import Conflict, Invalid, NotFound, Unavailable, UpstreamFailed
from kit.wire.connections import ConnectProblem


class ConnectAccount(Conflict):
    """The person has to connect an account; `url` is where."""

    code = "connect_account"
    title = "Your account has to be connected first"
    default_hint = "Open the address, sign in there, then try again."

    def __init__(self, detail: str = "", *, server: str = "", url: str = "") -> None:
        super().__init__(detail)
        self.server = server
        self.url = url

    def problem(self, request_id: str) -> ConnectProblem:
        plain = super().problem(request_id).model_dump()
        return ConnectProblem(**plain, server=self.server, url=self.url)


class NoSignIn(NotFound):
    code = "no_sign_in"
    title = "Nobody has said how one signs in to this server"
    default_hint = "An admin sets it: PUT /api/v1/mcp-servers/{name}/sign-in."


class SignInUnusable(Invalid):
    """What the server or its authorization server says of itself cannot be used."""

    code = "sign_in_unusable"
    title = "One cannot sign in to this server like this"
    default_hint = "Correct the named thing at the server, or say it in the request."


class AuthorizationServerDown(Unavailable):
    code = "authorization_server_down"
    title = "The server's sign-in does not answer"
    default_hint = "Try again in a minute. Nothing has to be connected again."


class AuthorizationServerRefused(UpstreamFailed):
    code = "authorization_server_refused"
    title = "The server's sign-in refused the request"
    default_hint = "An admin looks at the client id, its secret and the scopes of this server's sign-in."
    retryable = False


class AttemptOver(Invalid):
    """One sentence for every reason: which check failed is for the log."""

    code = "connect_attempt_over"
    title = "This sign-in cannot be finished"
    default_hint = "Begin again from where you came: each link works once, for ten minutes, in one browser."
