"""Plain SMTP against a real server: what is refused, what is late, and what nobody can tell."""

import asyncio
import socket
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.clocks import HandClock
from tests.tools.contact.mail.backends import DANA, GARY, HIDDEN, SENDER, letter, owner
from tests.tools.contact.mail.post_office import PASSWORD, USERNAME, PostOffice, running
from tools.servers.contact.mail import CannotTell, MailRefused, MailSettings, MailUnavailable, open_mail
from tools.servers.contact.mail.smtp import SmtpMail, SmtpServer

PATIENT_S = 20.0


def mail(office: PostOffice, timeout_s: float = PATIENT_S, **server: object) -> SmtpMail:
    known = SmtpServer("127.0.0.1", office.port, "none")
    return SmtpMail(replace(known, **server), SENDER, HandClock(), timeout_s)  # type: ignore[arg-type]  the test's


@pytest.mark.proves("MAIL-101")
async def test_everybody_stands_in_the_envelope_once_and_hidden_ones_nowhere_else() -> None:
    async with running() as office:
        await mail(office).send(owner(), letter(cc=(DANA, GARY), bcc=(HIDDEN,)))
    ((recipients, message),) = office.taken
    assert recipients == [GARY.email, DANA.email, HIDDEN.email]
    assert HIDDEN.email not in message.as_string()


@pytest.mark.proves("MAIL-101")
async def test_a_recipient_who_is_refused_is_told_and_the_others_get_the_letter() -> None:
    async with running() as office:
        office.rcpt = {DANA.email: "550 no such user"}
        sent = await mail(office).send(owner(), letter(cc=(DANA,)))
    assert sent.refused == (DANA.email,)
    assert office.taken[0][0] == [GARY.email]


@pytest.mark.proves("MAIL-101")
@pytest.mark.parametrize(
    ("answer", "error"),
    [("550 5.1.1 no such user", MailRefused), ("450 4.2.1 mailbox busy", MailUnavailable)],
)
async def test_refused_for_good_is_told_apart_from_refused_for_now(
    answer: str, error: type[Exception]
) -> None:
    async with running() as office:
        office.rcpt = {GARY.email: answer}
        with pytest.raises(error):
            await mail(office).send(owner(), letter())
        office.rcpt, office.data = {}, answer
        with pytest.raises(error):
            await mail(office).send(owner(), letter())
    assert office.taken == []


@pytest.mark.proves("MAIL-102")
async def test_where_the_answer_to_the_text_is_lost_nobody_claims_to_know() -> None:
    async with running() as office:
        office.cuts = True
        with pytest.raises(CannotTell) as doubt:
            await mail(office).send(owner(), letter())
    assert len(office.taken) == 1
    assert not doubt.value.retryable


@pytest.mark.proves("MAIL-102")
async def test_where_the_text_is_never_answered_nobody_claims_to_know() -> None:
    async with running() as office:
        office.hangs = True
        with pytest.raises(CannotTell):
            await mail(office, timeout_s=2).send(owner(), letter())
    assert len(office.taken) == 1


@pytest.mark.proves("MAIL-102")
async def test_a_server_that_is_not_there_or_says_nothing_has_sent_nothing() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        office = PostOffice(port=closed.getsockname()[1])
        with pytest.raises(MailUnavailable):
            await mail(office).send(owner(), letter())

    parted = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        parted.set()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    office = PostOffice(port=server.sockets[0].getsockname()[1])
    with pytest.raises(MailUnavailable) as late:
        await mail(office, timeout_s=0.5).send(owner(), letter())
    assert late.value.retryable
    await parted.wait()
    server.close()
    await server.wait_closed()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """(server's, client's) for 127.0.0.1 by a site that signs for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    kind = serialization.PrivateFormat.PKCS8
    path = folder / "mail.pem"
    path.write_bytes(pem + key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()))
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(path)
    return serving, ssl.create_default_context(cadata=pem.decode())


@pytest.mark.proves("MAIL-101")
@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_over_tls_with_a_sign_in_and_never_without_them(tmp_path: Path, security: str) -> None:
    serving, trusting = certificate(tmp_path)
    async with running(serving, implicit=security == "tls", auth=True) as office:
        secure = {"security": security, "tls": trusting}
        right = mail(office, **secure, username=USERNAME, password=PASSWORD)
        await right.send(owner(), letter())
        wrong = mail(office, **secure, username=USERNAME, password="guessed")
        stranger = mail(office, security=security, username=USERNAME, password=PASSWORD)
        for refused in (wrong, stranger, mail(office, **secure)):
            with pytest.raises(MailRefused):
                await refused.send(owner(), letter())
    assert (len(office.taken), office.signed_in) == (1, 1)


@pytest.mark.proves("MAIL-101")
async def test_a_server_without_starttls_gets_neither_the_letter_nor_the_password() -> None:
    async with running() as office:
        with pytest.raises(MailRefused) as refused:
            await mail(office, security="starttls", username=USERNAME, password=PASSWORD).send(
                owner(), letter()
            )
    assert (office.taken, office.signed_in) == ([], 0)
    assert "SWITCHBOARD_MAIL__SMTP_SECURITY" in refused.value.hint


@pytest.mark.proves("MAIL-101")
async def test_the_settings_choose_the_way_and_nothing_shows_the_password() -> None:
    async with running() as office:
        settings = MailSettings(
            backend="smtp",
            smtp_host="127.0.0.1",
            smtp_port=office.port,
            smtp_security="none",
            smtp_password=PASSWORD,  # type: ignore[arg-type]  as the environment gives it
            sender=SENDER.email,
        )
        opened = open_mail(settings, HandClock())
        await opened.send(owner(), letter())
    assert len(office.taken) == 1
    assert PASSWORD not in repr(opened) + repr(settings)
