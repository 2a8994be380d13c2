"""What people are sent about a meeting: letters, invitations, and the text that they agree to."""

from tools.servers.contact.letters.consent import (
    ConsentRecord,
    ConsentText,
    keep_text,
    text_of,
)
from tools.servers.contact.letters.facts import Kind, LetterFacts
from tools.servers.contact.letters.invitation import invitation
from tools.servers.contact.letters.writing import letter_for, local_time

__all__ = [
    "ConsentRecord",
    "ConsentText",
    "Kind",
    "LetterFacts",
    "invitation",
    "keep_text",
    "letter_for",
    "local_time",
    "text_of",
]
