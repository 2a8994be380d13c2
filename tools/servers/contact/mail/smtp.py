"""Mail over SMTP (RFC 5321): the one home of aiosmtplib."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import structlog

from kit.clock import Clock
from ports.http.trust import trust
from tools.servers.contact.mail.errors import CannotTell, MailRefused, MailUnavailable
from tools.servers.contact.mail.message import ascii_address, compose, message_id, thread_id
from tools.servers.contact.mail.port import Letter, Sent
from tools.servers.contact.people import Owner, Person

if TYPE_CHECKING:
    from aiosmtplib import SMTP

log = structlog.get_logger()
Security = Literal["starttls", "tls", "none"]
_QUIT_S = 2.0


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """tls: whose certificates are believed; the system's by default."""

    host: str
    port: int
    security: Security = "starttls"
    username: str = ""
    password: str = field(default="", repr=False)
    tls: ssl.SSLContext = field(default_factory=trust, repr=False)


@dataclass(frozen=True, slots=True)
class SmtpMail:
    """One connection for each letter: they are few, and servers close a kept one when it suits them."""

    server: SmtpServer
    sender: Person
    clock: Clock
    timeout_s: float

    async def send(self, owner: Owner, letter: Letter) -> Sent:
        """Implements Mail.send. SMTP keeps nothing: the same letter sent twice arrives twice."""
        at = self.clock.now()
        data = compose(owner, letter, self.sender, at).as_bytes()
        addresses = [ascii_address(person.email) for person in letter.recipients]
        attempt = _Attempt(self.server, ascii_address(self.sender.email), self.timeout_s)
        refused = await attempt.deliver(addresses, data)
        return Sent(
            message_id(owner, letter.key, self.sender), thread_id(owner, letter, self.sender), at, refused
        )

    async def sent(self, owner: Owner, key: str) -> Sent | None:
        """Implements Mail.sent, by saying that nobody knows."""
        raise CannotTell("This mail system does not keep what it has taken.")


class _Attempt:
    """handed_over: from here on a lost answer leaves it open whether the server took the message; taken: it
    did, and these addresses were refused."""

    def __init__(self, server: SmtpServer, sender: str, timeout_s: float) -> None:
        self._server = server
        self._sender = sender
        self._timeout_s = timeout_s
        self._handed_over = False
        self._taken: tuple[str, ...] | None = None

    async def deliver(self, recipients: list[str], data: bytes) -> tuple[str, ...]:
        """The addresses that were refused while others were not."""
        # lazy: 60 ms, and the outbox does not need it
        from aiosmtplib import SMTPException, SMTPResponseException

        try:
            async with asyncio.timeout(self._timeout_s), self._connected() as client:
                await self._hand_over(client, recipients, data)
        except SMTPResponseException as error:
            # without its cause: what the server said may repeat addresses and subjects
            raise _answered(error.code) from None
        except (SMTPException, OSError, TimeoutError) as error:
            if self._taken is None:
                raise self._unanswered(error) from error
        assert self._taken is not None
        return self._taken

    async def _hand_over(self, client: "SMTP", recipients: list[str], data: bytes) -> None:
        await client.mail(self._sender)
        codes = {address: await _rcpt(client, address) for address in recipients}
        refused = tuple(address for address, code in codes.items() if code >= 400)
        if len(refused) == len(codes):
            raise _answered(min(codes.values()))
        self._handed_over = True
        await client.data(data)
        self._taken = refused
        if refused:
            log.warning("mail.recipients_refused", refused=len(refused), taken=len(codes) - len(refused))

    @asynccontextmanager
    async def _connected(self) -> "AsyncGenerator[SMTP]":
        # lazy: see `deliver`
        from aiosmtplib import SMTP, SMTPException

        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            username=server.username or None,
            password=server.password or None,
            tls_context=None if server.security == "none" else server.tls,
            timeout=self._timeout_s,
            # by default it asks DNS for our own name, and waits for that
            local_hostname=self._sender.partition("@")[2],
        )
        try:
            await client.connect()
            yield client
            # the message is taken: how they part changes nothing
            with suppress(SMTPException, OSError, TimeoutError):
                await client.quit(timeout=_QUIT_S)
        finally:
            client.close()

    def _unanswered(self, error: Exception) -> MailUnavailable | CannotTell | MailRefused:
        # lazy: see `deliver`
        from aiosmtplib import SMTPException, SMTPNotSupported

        if self._handed_over:
            return CannotTell("The connection was lost before the mail system confirmed the message.")
        # the plain class is what it raises for a server without STARTTLS or AUTH
        if type(error) in {SMTPException, SMTPNotSupported} or _distrusted(error):
            return MailRefused(
                "The mail system does not offer the security or the sign-in that is asked of it.",
                hint="Ask an admin to check SWITCHBOARD_MAIL__SMTP_SECURITY, certificate and account.",
            )
        return MailUnavailable()


async def _rcpt(client: "SMTP", address: str) -> int:
    """The server's answer about one recipient."""
    # lazy: see `deliver`
    from aiosmtplib import SMTPRecipientRefused

    try:
        return (await client.rcpt(address)).code
    except SMTPRecipientRefused as error:
        return error.code


def _answered(code: int) -> MailUnavailable | MailRefused:
    """4xx: not now; 5xx: not at all (RFC 5321, 4.2.1). Its words hold addresses, and stay out of logs."""
    return MailUnavailable() if 400 <= code < 500 else MailRefused(f"The mail system answered {code}.")


def _distrusted(error: Exception) -> bool:
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in (error, error.__cause__))
