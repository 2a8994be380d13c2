"""Accounts at tool servers: whose, how one signs in, and what the gateway gets of them (SPEC 3, 3b, 9)."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr, StringConstraints

from kit.wire.base import Request, Wire
from kit.wire.problem import Problem

_FRAMING = frozenset(
    {"connection", "content-encoding", "content-length", "content-type", "expect", "host", "keep-alive", "te"}
    | {"trailer", "transfer-encoding", "upgrade", "accept", "accept-encoding", "cookie", "forwarded"}
)


def _carries(header: str) -> str:
    """No header by which a server reads where a message ends, what it is, or who else may have sent it."""
    name = header.lower()
    if name in _FRAMING or name.startswith(("mcp-", "proxy-", "sec-", "x-forwarded-", "x-act-as")):
        raise ValueError("this header is no place for a credential")
    return header


def _one_line(secret: SecretStr) -> SecretStr:
    value = secret.get_secret_value()
    if not value.isascii() or not value.isprintable():
        raise ValueError("a secret travels in a header: visible ASCII characters only")
    return secret


SignInKind = Literal["authorization_code", "client_credentials", "on_behalf_of", "static"]
ConnectionState = Literal["connected", "reconnect"]
Scope = Annotated[str, StringConstraints(pattern=r"^[\x21\x23-\x5b\x5d-\x7e]{1,300}$")]
"""RFC 6749, 3.3."""
Secret = Annotated[SecretStr, Field(min_length=1, max_length=8000), AfterValidator(_one_line)]
ServerName = Annotated[str, Field(min_length=1, max_length=100)]


class Connection(Wire):
    """A person's account at a tool server. Its tokens are shown to nobody."""

    server: str
    kind: SignInKind
    state: ConnectionState
    problem: str | None = None
    """reconnect: what happened, in a sentence."""
    scopes: list[str]
    expires_at: datetime | None = None
    """Of the token in use; where it can be refreshed, that happens by itself."""
    connected_at: datetime
    last_used_at: datetime | None = None


class ServerConnection(Connection):
    """As an admin sees it. `user_id` None: the organisation's own."""

    user_id: UUID | None


class StartConnection(Request):
    """`secret`: for servers of kind static, whose key the person has."""

    server: ServerName
    secret: Secret | None = None


class ConnectionStarted(Wire):
    """`url`: to be opened in the person's own browser, within `expires_in` seconds; absent: nothing is left
    to do."""

    server: str
    url: str | None = None
    expires_in: int | None = None


class SetSignIn(Request):
    """How one signs in to a server. What is left out is found out from the server (RFC 9728, 8414)."""

    kind: SignInKind = "authorization_code"
    issuer: Annotated[str, Field(max_length=500)] | None = None
    client_id: Annotated[str, Field(max_length=500)] | None = None
    client_secret: Secret | None = None
    client_auth: Literal["client_secret_basic", "client_secret_post", "none"] | None = None
    scopes: Annotated[list[Scope], Field(max_length=50)] = []
    secret: Secret | None = None
    """static: everyone's requests carry it; without it each person gives their own."""
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,60}$"), AfterValidator(_carries)] = (
        "Authorization"
    )
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 =_-]{0,20}$")] = "Bearer "
    """static: what stands before the secret."""
    assertion_from: ServerName | None = None
    """on_behalf_of: the server to which the person is connected and whose token is exchanged (Entra); None:
    a token that we sign (RFC 8693)."""
    entra: bool | None = None
    """Microsoft Entra's habits; None: by the issuer's host."""


class SignIn(Wire):
    """What is set, and what was found out. No secret."""

    server: str
    address: str
    kind: SignInKind
    issuer: str | None
    client_id: str | None
    client_auth: str
    registered: Literal["given", "document", "dynamic"]
    has_secret: bool
    scopes: list[str]
    redirect_uri: str
    """To be registered at the authorization server where that is done by hand."""
    updated_at: datetime


class AskToken(Request):
    """`user_id` None: to look at the server's list of tools, for nobody in particular."""

    organisation_id: UUID
    user_id: UUID | None = None
    rejected: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    """SHA-256 of the value that the server has just refused."""


class UpstreamToken(Wire):
    """One header for one server. `expires_in`: seconds that it may be kept, in memory only."""

    header: str
    value: Annotated[str, Field(repr=False)]
    expires_in: int


class ConnectProblem(Problem):
    """`url`: where the person connects the account."""

    server: str
    url: str
