"""E-mail."""

import textwrap
from email.message import EmailMessage

import pytest

from knowledge.load import UnreadableDocument, load
from tests.knowledge.load.made import docx_file, shown


def message(**headers: str) -> EmailMessage:
    made = EmailMessage()
    known = {"From": "Ines <ines@harbourline.example>", "Date": "Tue, 3 Mar 2026 09:12:40 +1100"}
    for name, value in (known | headers).items():
        made[name] = value
    return made


def read(made: EmailMessage) -> str:
    return shown(load(bytes(made), "mail.eml").blocks)


def test_what_is_quoted_is_kept_and_marked() -> None:
    made = message(Subject="Fuel")
    made.set_content(
        "Yes.\n\nOn Monday, Ola\n<ola@harbourline.example> wrote:\n> Is it open?\n> > Who asks?\n"
    )

    assert read(made).endswith(
        textwrap.dedent(
            """\
            paragraph: Yes.
            heading2: Quoted message
            paragraph: On Monday, Ola
            <ola@harbourline.example> wrote:
            Is it open?
            Who asks?"""
        )
    )


def test_the_time_that_it_was_sent_is_when_it_was_last_modified() -> None:
    made = message(Subject="Fuel")
    made.set_content("Yes.")

    document = load(bytes(made), "mail")

    assert document.title == "Fuel"
    assert document.metadata["last_modified"] == "2026-03-03T09:12:40+11:00"
    assert document.metadata["author"] == "Ines <ines@harbourline.example>"


def test_html_is_read_where_there_is_no_text_and_attached_files_are_named() -> None:
    made = message(Subject="Rules")
    made.set_content(
        "<p>See the <b>file</b>.</p><script>steal()</script><blockquote>Where?</blockquote>", "html"
    )
    made.add_attachment(docx_file(), "application", "msword", filename="rules.docx")

    text = read(made)

    assert "paragraph: See the file.\nheading2: Quoted message\nparagraph: Where?" in text
    assert text.endswith("KB)")
    assert "heading2: Attachments\nlist: - rules.docx (application/msword" in text
    assert "Boarding" not in text
    assert "steal" not in text


def test_an_encrypted_message_is_refused() -> None:
    made = message(Subject="Secret", **{"MIME-Version": "1.0"})
    made["Content-Type"] = "application/pkcs7-mime; smime-type=enveloped-data"
    made.set_payload("AAAA")

    with pytest.raises(UnreadableDocument) as refused:
        load(bytes(made), "mail.eml")

    assert refused.value.reason == "encrypted"


def test_a_text_with_colons_is_not_a_message() -> None:
    text = b"From: the office\nTo: everybody\n\nThe pier is closed.\n"

    assert load(text, "notice.txt").content_type == "text/plain"
    assert load(text, "notice.eml").content_type == "message/rfc822"
