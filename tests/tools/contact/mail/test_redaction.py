"""What is sent and entered stands in no log, whatever goes wrong on the way."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import structlog

from kit.errors import SwitchboardError
from kit.logs import LogSettings, configure
from ports.db import Database
from tests.clocks import HandClock
from tests.tools.contact.crm import hubspot_stub
from tests.tools.contact.crm.test_contract import hubspot
from tests.tools.contact.crm.test_contract import lead as a_lead
from tests.tools.contact.mail import graph_stub, post_office
from tests.tools.contact.mail.backends import DANA, GARY, SENDER, letter, owner, token
from tools.servers.contact.crm.local import LocalCrm
from tools.servers.contact.graph import Graph
from tools.servers.contact.mail.graph import GraphMail
from tools.servers.contact.mail.outbox import Outbox
from tools.servers.contact.mail.smtp import SmtpMail, SmtpServer

SECRETS = (GARY.email, DANA.email, "Gary Guest", "+61491570156", "Private words", "pat-na1-test", "sekret-pw")


@contextmanager
def everything_logged() -> Iterator[None]:
    kept = logging.getLogger().handlers[:], logging.getLogger().level
    configure(LogSettings(level="debug"), "contact")
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # the test's own server
    try:
        yield
    finally:
        logging.getLogger().handlers[:], logging.getLogger().level = kept
        logging.getLogger("mail.log").setLevel(logging.NOTSET)
        structlog.reset_defaults()


async def _letters(folder: Path) -> None:
    private = letter(text="Private words", html="<p>Private words</p>", subject="Private words", cc=(DANA,))
    await Outbox(folder, SENDER, HandClock()).send(owner(), private)
    async with post_office.running() as office:
        server = SmtpServer("127.0.0.1", office.port, "none", "switchboard", "sekret-pw")
        for rcpt, data in (
            ({DANA.email: "550 dana@example.com"}, "250 OK"),
            ({}, "554 gary.guest@example.org"),
        ):
            office.rcpt, office.data = rcpt, data
            for login in (server, SmtpServer("127.0.0.1", office.port, "none")):
                await _tried(SmtpMail(login, SENDER, HandClock(), 20), private)
    async with graph_stub.running() as mailbox:
        mailbox.troubles = {"create": [(400, {}, False), (503, {}, False)]}
        graph = Graph(mailbox.url, token, 20)
        for _ in range(3):
            await _tried(GraphMail(graph, SENDER, HandClock()), private)
        await graph.close()


async def _tried(mail: SmtpMail | GraphMail, private: object) -> None:
    try:
        await mail.send(owner(), private)  # type: ignore[arg-type]  a letter
    except SwitchboardError as error:
        structlog.get_logger().error("it went wrong", exc_info=error)


async def _leads(database: Database) -> None:
    private = a_lead(message="Private words")
    await LocalCrm(database, HandClock()).upsert(owner(), "k", private)
    async with hubspot_stub.running() as account:
        crm = hubspot(account)
        account.troubles = [(400, {}, hubspot_stub.error("VALIDATION_ERROR"), False), (0, {}, None, False)]
        for _ in range(3):
            try:
                await crm.upsert(owner(), "k", private)
            except SwitchboardError as error:
                structlog.get_logger().error("it went wrong", exc_info=error)
        await crm.close()


@pytest.mark.proves("MAIL-107")
async def test_no_log_line_holds_an_address_a_number_a_body_or_a_password(
    tmp_path: Path, database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with everything_logged():
        await _letters(tmp_path)
        await _leads(database)
    written = "".join(capsys.readouterr())
    assert "it went wrong" in written, "there is something to look into"
    assert "mail.recipients_refused" in written
    for secret in SECRETS:
        assert secret not in written
