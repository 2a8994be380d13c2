"""A real SMTP server (aiosmtpd) on loopback, in the test's own loop, with what it was given and its moods."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USERNAME, PASSWORD = "switchboard", "the password of the test"


@dataclass
class PostOffice:
    """rcpt, data: the answers it gives, by address, and to the text. cuts: the connection goes when the text
    has been taken, before that is said. hangs: it never answers the text."""

    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    rcpt: dict[str, str] = field(default_factory=dict)
    data: str = "250 Taken"
    cuts: bool = False
    hangs: bool = False
    port: int = 0
    signed_in: int = 0

    async def handle_RCPT(  # noqa: N802  aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = self.rcpt.get(address, "250 OK")
        if answer.startswith("2"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802  aiosmtpd calls it so
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.data.startswith("2"):
            message = message_from_bytes(cast(bytes, envelope.content), policy=default)
            self.taken.append((list(envelope.rcpt_tos), cast(EmailMessage, message)))
        if self.hangs:
            await asyncio.Event().wait()
        if self.cuts:
            cast(Any, server.transport).abort()
        return self.data

    def sign_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: LoginPassword
    ) -> AuthResult:
        right = (given.login, given.password) == (USERNAME.encode(), PASSWORD.encode())
        self.signed_in += right
        return AuthResult(success=right, handled=False)


@asynccontextmanager
async def running(
    tls: ssl.SSLContext | None = None, *, implicit: bool = False, auth: bool = False
) -> AsyncIterator[PostOffice]:
    """tls: offered by STARTTLS, or from the first byte where `implicit`."""
    office = PostOffice()
    connections: list[asyncio.BaseTransport] = []
    loop = asyncio.get_running_loop()

    def protocol() -> SMTP:
        with warnings.catch_warnings():
            # it takes TLS from the first byte for no TLS at all
            warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
            return smtp()

    class Served(SMTP):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            connections.append(transport)
            super().connection_made(transport)

    def smtp() -> SMTP:
        return Served(
            office,
            hostname="mail.test",
            loop=loop,
            tls_context=None if implicit else tls,
            require_starttls=tls is not None and not implicit,
            auth_required=auth,
            auth_require_tls=not implicit,
            authenticator=office.sign_in if auth else None,
        )

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=tls if implicit else None)
    office.port = server.sockets[0].getsockname()[1]
    try:
        yield office
    finally:
        server.close()
        sessions = [task for task in asyncio.all_tasks(loop) if "_handle_client" in repr(task.get_coro())]
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)
        for connection in connections:
            cast(Any, connection).abort()
        await server.wait_closed()
        # a transport closes its socket in the next round of the loop, one below TLS in the one after
        for _ in range(3):
            await asyncio.sleep(0)
