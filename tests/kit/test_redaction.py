import pytest

from kit.redaction import redact, redact_text


@pytest.mark.proves("LOG-001")
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mail to erin@example.com now", "mail to e***@example.com now"),
        ("call +61 400 111 234", "call +61 *** *** 234"),
        ("call 0400 111 234 today", "call 04 *** *** 234 today"),
        ("at 2026-11-21T13:20:47", "at 2026-11-21T13:20:47"),
        ("due on 2026-11-21", "due on 2026-11-21"),
        ("key sb_0123456789ab_abcdefghijklmnopqrstuv", "key [REDACTED]"),
    ],
)
def test_people_and_credentials_are_masked_and_dates_are_not(text: str, shown: str) -> None:
    assert redact_text(text) == shown


@pytest.mark.proves("LOG-001")
def test_message_bodies_and_secrets_are_gone_by_name_at_any_depth() -> None:
    safe = redact({"user": "1", "message": "how ill am I", "call": {"token": "abc", "tool": "docs.search"}})
    assert safe == {
        "user": "1",
        "message": "[REDACTED]",
        "call": {"token": "[REDACTED]", "tool": "docs.search"},
    }


def test_a_very_long_value_is_cut_and_says_how_long_it_was() -> None:
    assert redact_text("x" * 10_000).endswith("… (10000 characters)")
