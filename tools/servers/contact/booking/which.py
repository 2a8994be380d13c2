"""Which of my meetings is meant, in the person's words: "on Friday", "with Dana", "the ACE training"."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from tools.servers.contact.effects.facts import Facts
from tools.servers.contact.store.models import BookingRow
from tools.servers.contact.times import words

_EMPTY: Final = frozenset(
    {"a", "about", "an", "appointment", "at", "for", "in", "meeting", "my", "of", "on", "the", "with"}
)


def named(rows: Sequence[BookingRow], which: str, now: datetime, tz: str) -> list[BookingRow]:
    """Those in the time that the words name; else those of which every word that says something is known."""
    window = words.window(re.sub(r"^(the one |that )?on ", "", which.strip()), now, tz)
    if window is not None:
        return [row for row in rows if window.start <= row.start_at < window.end]
    said = _words(which) - _EMPTY
    return [row for row in rows if said and said <= _known(Facts.of(row))]


def _known(facts: Facts) -> set[str]:
    people = " ".join(f"{person.name} {person.email}" for person in facts.people)
    return _words(f"{facts.topic} {facts.host} {people} {facts.service}")


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.casefold()))
