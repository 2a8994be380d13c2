"""A message that goes on from a wish to book: "yes, Tuesday instead", "make it 45 minutes", "cancel it".

Only a message that says nothing else is taken so; any other one stands alone.
"""

import re
from collections.abc import Sequence
from typing import Any

from platform_api.llm.extractive.booking import Wish, names_a_meeting, wish_in
from platform_api.llm.extractive.times_said import TIME, told_in, window_of
from platform_api.llm.extractive.wanting import topic_in, whom_in

_BACK = 4
"""How many of the person's messages before this one may still be meant."""
_FILLERS = frozenset(
    """
    yes yeah yep no nope ok okay actually sorry oh hmm well please instead rather better then thanks thank
    you make it let's lets that this the a an i i'd we would could can do like prefer want need change move to
    for on at in with by about of be is works work fine great suits me us how what and or but also just if
    possible maybe perhaps earlier later there them book
    """.split()  # noqa: SIM905  a list of words to read
)
_IT = re.compile(r"\b(?:it|that|this)\b", re.IGNORECASE)
_WORD = re.compile(r"[\w'’@.+-]*\w")
_BOOKED = re.compile(
    r"\b(?:is|are|was|now|been|have|has)\s+(?:now\s+)?(?:booked|moved)\b|\bbooked\s*:|\ABooked\b", re.I
)


def wish_after(message: str, said: Sequence[tuple[str, str]]) -> Wish | None:
    """What is to be done about the meeting that was spoken of; None where the message stands alone.

    said: (role, text) before this message, oldest first.
    """
    at = _last_wish(said)
    if at is None:
        return None
    wish = wish_in(said[at][1])
    assert wish is not None, "it was found there"
    booked = False
    for role, text in [*said[at + 1 :], ("user", message)]:
        if role != "user":
            booked = booked or (wish.kind in ("book", "move") and bool(_BOOKED.search(text)))
            continue
        if _lists(text):
            continue
        changed = _changed(wish, text, booked=booked)
        if changed is None:
            return None
        booked = booked and changed.kind != "book"
        wish = changed
    return wish


def _last_wish(said: Sequence[tuple[str, str]]) -> int | None:
    asked = [at for at, (role, _) in enumerate(said) if role == "user"][-_BACK:]
    return next((at for at in reversed(asked) if _stands_alone(said[at][1])), None)


def _stands_alone(text: str) -> bool:
    wish = wish_in(text)
    return wish is not None and wish.kind != "list" and names_a_meeting(text)


def _lists(text: str) -> bool:
    """To look at what is booked changes nothing."""
    wish = wish_in(text)
    return wish is not None and wish.kind == "list"


def _changed(wish: Wish, text: str, *, booked: bool) -> Wish | None:
    plain = " ".join(text.replace("’", "'").split())
    own = wish_in(plain)
    if own is not None and own.kind in ("cancel", "move") and _IT.search(plain):
        return Wish(own.kind, {**_which(wish), **own.said})
    told = told_in(plain)
    new: dict[str, Any] = {}
    if told.times:
        new["window"] = window_of(told)
    if told.minutes:
        new["duration_min"] = told.minutes
    if told.tz:
        new["tz"] = told.tz
    if whom := whom_in(told.masked):
        new["with"] = whom
    if topic := topic_in(told.masked, plain):
        new["topic"] = topic
    if not new or wish.kind in ("list", "cancel") or _left_over(told.masked, new):
        return None
    if booked:
        kept = {name: value for name, value in new.items() if name in ("window", "duration_min", "tz")}
        return Wish("move", {**_which(wish), **kept}) if kept else None
    return Wish(wish.kind, {**wish.said, **new})


def _which(wish: Wish) -> dict[str, Any]:
    """The words that name the meeting that was wished for. When it was wished for says nothing: another slot
    may have been chosen, and "tomorrow" may be today by now."""
    if which := wish.said.get("which"):
        return {"which": which}
    whom = wish.said.get("with")
    return {"which": f"with {whom}"[:200]} if whom else {}


def _left_over(masked: str, new: dict[str, Any]) -> bool:
    """Whether it says anything beside what is new."""
    rest = masked
    for name in ("topic", "with"):
        rest = rest.replace(str(new.get(name) or TIME), " ")
    words = {word.lower() for word in _WORD.findall(rest.replace(TIME, " ").replace("⟨d⟩", " "))}
    return not words <= _FILLERS
