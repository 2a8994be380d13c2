"""What every way to send mail does, asked of each of them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.tools.contact.mail import backends
from tests.tools.contact.mail.backends import DANA, GARY, HIDDEN, Backend, letter, owner
from tools.servers.contact.mail import CannotTell, Letter, MailRefused
from tools.servers.contact.mail.message import compose
from tools.servers.contact.people import Person

_ALL = {"outbox": backends.outbox, "smtp": backends.smtp, "graph": backends.graph}
BAD = [
    "a@example.com\r\nBcc: x@example.com",
    "a@example.com, b@example.com",
    "no address",
    "a@b@example.com",
    "<a@example.com>",
    "a b@example.com",
    "müller@example.com",
    "a@" + "x" * 300 + ".com",
    "",
]


@pytest.fixture(params=_ALL)
async def backend(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Backend]:
    async with _ALL[request.param](tmp_path) as running:
        yield running


@pytest.mark.proves("MAIL-101")
async def test_a_letter_arrives_with_all_that_it_says(backend: Backend) -> None:
    sent = await backend.mail.send(owner(), letter(cc=(DANA,), reply_to=DANA, thread_key="b1"))
    (message,) = backend.arrived()
    assert (message["From"], message["To"]) == (
        "Switchboard <bookings@example.com>",
        "Gary Guest <gary.guest@example.org>",
    )
    assert (message["Cc"], message["Reply-To"]) == ("Dana <dana@example.com>",) * 2
    assert message["Subject"] == "Confirmed: ACE training"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"] == sent.message_id
    assert message["References"] == sent.thread_id
    assert sent.sent_at.tzinfo is not None
    assert sent.refused == ()


@pytest.mark.proves("MAIL-101")
async def test_the_message_id_is_the_keys_and_the_owners(backend: Backend) -> None:
    one, other = owner(), owner()
    ids = {
        (await backend.mail.send(who, letter(key))).message_id for who in (one, other) for key in ("k", "l")
    }
    assert len(ids) == 4
    assert len(backend.arrived()) == 4
    again = await backend.mail.send(one, letter("k"))
    assert again.message_id in ids


@pytest.mark.proves("MAIL-101")
@pytest.mark.parametrize("email", BAD)
async def test_what_is_no_address_is_refused_before_anything_leaves(backend: Backend, email: str) -> None:
    for place in ({"to": (Person(email),)}, {"to": (GARY,), "bcc": (Person(email),)}):
        with pytest.raises(MailRefused) as refused:
            await backend.mail.send(owner(), letter(**place))
        assert not email or email not in refused.value.detail
    assert backend.arrived() == []


@pytest.mark.proves("MAIL-101")
@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\x00", "\u2028", "\x0b"])
async def test_no_header_and_no_recipient_comes_in_by_a_subject_or_a_name(
    backend: Backend, ending: str
) -> None:
    with pytest.raises(MailRefused):
        await backend.mail.send(owner(), letter(subject=f"Hello{ending}Bcc: x@evil.example"))
    name = f"Gary{ending}Bcc: x@evil.example"
    await backend.mail.send(owner(), letter(to=(Person(GARY.email, name),), cc=(Person(DANA.email, '"<>,'),)))
    (message,) = backend.arrived()
    assert message["Bcc"] is None
    assert [one.addr_spec for one in message["To"].addresses] == [GARY.email]
    assert [one.addr_spec for one in message["Cc"].addresses] == [DANA.email]


@pytest.mark.proves("MAIL-101")
@given(st.text(max_size=200), st.sampled_from(["", "evil@evil.example, ", "<evil@evil.example>, ", '. "']))
@example("Maya " + "x " * 40, ", evil@evil.example, ")
@example("Dr. " * 40, "")
def test_no_name_becomes_a_recipient_however_long_its_line_is(name: str, more: str) -> None:
    """Python 3.11 folds a long line and forgets the quotation marks around a comma."""
    them = Person(GARY.email, f"{name}{more}Gary")
    made = compose(owner(), letter(to=(them,), cc=(DANA,)), DANA, datetime.now(UTC))
    message = message_from_bytes(made.as_bytes(), policy=default)
    assert [one.addr_spec for one in message["To"].addresses] == [GARY.email]
    assert [one.addr_spec for one in message["Cc"].addresses] == [DANA.email]
    assert message["Bcc"] is None
    assert message["Subject"] == "Confirmed: ACE training"


@pytest.mark.proves("MAIL-103")
async def test_html_is_sanitised_and_has_a_plain_twin(backend: Backend) -> None:
    html = (
        '<p onclick="x()">Hello <a href="https://example.com/b">your booking</a>'
        '<a href="javascript:x()">no</a></p><script>x()</script><style>p{}</style>'
        '<img src="https://evil.example/seen.gif"><form action="https://evil.example"><input></form>'
        "<ul><li>one</li><li>two &lt;3</li></ul>"
    )
    await backend.mail.send(owner(), letter(html=html, text=""))
    (message,) = backend.arrived()
    sent = message.get_body(("html",))
    twin = message.get_body(("plain",))
    assert sent is not None
    assert twin is not None
    shown = sent.get_content()
    for bad in ("script", "onclick", "javascript", "img", "form", "style", "evil"):
        assert bad not in shown
    assert '<a href="https://example.com/b"' in shown
    assert twin.get_content().replace("\r\n", "\n") == (
        "Hello your booking (https://example.com/b)no\n\n- one\n\n- two <3\n"
    )


@pytest.mark.proves("MAIL-103")
async def test_an_invitation_stands_as_an_alternative_and_as_a_file(backend: Backend) -> None:
    calendar = b"BEGIN:VCALENDAR\r\nMETHOD:CANCEL\r\nSUMMARY:M\xc3\xbcller\r\nEND:VCALENDAR\r\n"
    await backend.mail.send(owner(), letter(invitation=calendar, method="CANCEL"))
    (message,) = backend.arrived()
    assert message.get_content_type() == "multipart/mixed"
    alternative, file = message.iter_parts()
    kinds = [part.get_content_type() for part in alternative.iter_parts()]
    assert kinds == ["text/plain", "text/html", "text/calendar"]
    inline = list(alternative.iter_parts())[2]
    assert inline.get_param("method") == "CANCEL"
    assert inline.get_content().replace("\r\n", "\n") == calendar.decode().replace("\r\n", "\n")
    assert (file.get_content_type(), file.get_filename()) == ("application/ics", "invite.ics")
    assert file.get_content() == calendar


@pytest.mark.proves("MAIL-102")
async def test_what_was_sent_can_be_asked_or_it_says_that_it_cannot_tell(backend: Backend) -> None:
    who = owner()
    try:
        assert await backend.mail.sent(who, "b1:letter") is None
    except CannotTell:
        with pytest.raises(CannotTell):
            await backend.mail.sent(who, "b1:letter")
        return
    first = await backend.mail.send(who, letter(thread_key="t"))
    found = await backend.mail.sent(who, "b1:letter")
    assert found is not None
    assert (found.message_id, found.thread_id) == (first.message_id, first.thread_id)
    assert await backend.mail.sent(owner(), "b1:letter") is None, "somebody else's key is another letter"
    again = await backend.mail.send(who, letter(subject="Changed", thread_key="t"))
    assert again.message_id == first.message_id
    (message,) = backend.arrived()
    assert message["Subject"] == "Confirmed: ACE training"


@pytest.mark.proves("MAIL-101")
async def test_hidden_recipients_are_no_secret_to_the_mail_system_alone(backend: Backend) -> None:
    await backend.mail.send(owner(), letter(bcc=(HIDDEN,)))
    (message,) = backend.arrived()
    # an outbox and Graph read the recipients from the message; over SMTP they stand in the envelope
    assert message["Bcc"] in {None, HIDDEN.email}
    assert HIDDEN.email not in str(message["To"])


@pytest.mark.proves("MAIL-101")
async def test_letters_outside_ascii_arrive_as_they_were_written(backend: Backend) -> None:
    them = Person("info@bücher.example", "Zoë Bücher")
    await backend.mail.send(owner(), letter(to=(them,), subject="Bestätigt: Übung 東京", text="Grüße 東京"))
    (message,) = backend.arrived()
    assert message["Subject"] == "Bestätigt: Übung 東京"
    assert message["To"].addresses[0].addr_spec == "info@xn--bcher-kva.example"
    assert message["To"].addresses[0].display_name == "Zoë Bücher"
    body = message.get_body(("plain",))
    assert body is not None
    assert body.get_content().strip() == "Grüße 東京"


def test_everybody_is_a_recipient_once() -> None:
    twice: Letter = letter(cc=(Person("GARY.GUEST@example.org "), DANA), bcc=(DANA, HIDDEN))
    assert [person.email for person in twice.recipients] == [GARY.email, DANA.email, HIDDEN.email]
