"""What a model could say instead of the truth: false sentences by kind, made from true ones by rule.

Each fact has what may be changed in it; the matrix of facts and kinds gives the lies.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

PAGES = (
    """Working hours and leave

Full-time staff earn 20 days of annual leave a year. You can carry over at most 8 days into the next year.
Carried days must be taken by 30 April, or they lapse. Call the roster office at least 90 minutes before
your shift.""",
    """Travel and expenses

The meal allowance on a work trip is 68 AUD for each full day. You do not need receipts for meals. Taxis are
paid between 21:00 and 06:00, or when you carry equipment.

What is not paid:

- Parking fines
- Upgrades
- The travel costs of companions""",
    """Rosters

The roster office is led by Petra Lindqvist. Nobody works more than four night shifts in a row. You may swap
with someone of the same rank. Standby is paid with 4.20 AUD an hour.

You can use the crew app for:

- Swapping a shift
- Reporting a near miss""",
    """Purchasing

Do not split an order to stay below a limit. A company card has a limit of 3,000 AUD a month.

Amount | Approved by | Quotes needed
up to 20,000 AUD | head of department | 2
up to 150,000 AUD | head of Finance | 3""",
    """Conduct

A second job needs written approval from People. Cash is always refused. Random tests are done about twice a
month. The certificate is renewed every three years by the Maritime Authority.""",
)


@dataclass(frozen=True, slots=True)
class Fact:
    """A true sentence; `page` is its number. Each (old, new) makes it false."""

    page: int
    text: str
    number: tuple[str, str] | None = None
    unit: tuple[str, str] | None = None
    name: tuple[str, str] | None = None
    date: tuple[str, str] | None = None
    denied: tuple[str, str] | None = None
    modal: tuple[str, str] | None = None
    bound: tuple[str, str] | None = None


FACTS = (
    Fact(
        1,
        "Full-time staff earn 20 days of annual leave a year.",
        number=("20", "25"),
        unit=("days", "weeks"),
        name=("Full-time staff", "Volunteers"),
        denied=("earn", "do not earn"),
    ),
    Fact(
        1,
        "You can carry over at most 8 days into the next year.",
        number=("8", "18"),
        unit=("8 days", "8 months"),
        denied=("can", "cannot"),
        modal=("can", "must"),
        bound=("at most", "at least"),
    ),
    Fact(
        1,
        "Carried days must be taken by 30 April, or they lapse.",
        number=("30", "13"),
        date=("April", "June"),
        denied=("must", "need not"),
        modal=("must", "may"),
    ),
    Fact(
        1,
        "Call the roster office at least 90 minutes before your shift.",
        number=("90", "19"),
        unit=("minutes", "hours"),
        name=("the roster office", "Olive Tran"),
        denied=("Call", "Never call"),
        bound=("at least", "at most"),
    ),
    Fact(
        2,
        "The meal allowance on a work trip is 68 AUD for each full day.",
        number=("68", "86"),
        unit=("AUD", "EUR"),
        name=("meal allowance", "Gannet allowance"),
        denied=("is", "is not"),
    ),
    Fact(
        2,
        "You do not need receipts for meals.",
        denied=("do not need", "need"),
        name=("receipts", "Form F12"),
    ),
    Fact(
        2,
        "Taxis are paid between 21:00 and 06:00, or when you carry equipment.",
        number=("21:00", "12:00"),
        date=("06:00", "09:00"),
        denied=("are paid", "are not paid"),
    ),
    Fact(
        3,
        "The roster office is led by Petra Lindqvist.",
        name=("Petra Lindqvist", "Nadia Osei"),
        denied=("is led", "is not led"),
    ),
    Fact(
        3,
        "Nobody works more than four night shifts in a row.",
        number=("four", "fourteen"),
        unit=("night shifts", "day shifts"),
        denied=("Nobody works", "Everybody works"),
        bound=("more than", "less than"),
    ),
    Fact(
        3,
        "You may swap with someone of the same rank.",
        denied=("may", "may not"),
        modal=("may", "must"),
        name=("someone", "Tobias Renn"),
    ),
    Fact(
        3,
        "Standby is paid with 4.20 AUD an hour.",
        number=("4.20", "42.0"),
        unit=("an hour", "a day"),
        denied=("is paid", "is never paid"),
    ),
    Fact(
        4,
        "Do not split an order to stay below a limit.",
        denied=("Do not split", "Split"),
    ),
    Fact(
        4,
        "A company card has a limit of 3,000 AUD a month.",
        number=("3,000", "30,000"),
        unit=("a month", "a week"),
        name=("company card", "Bowline card"),
        denied=("has a limit", "has no limit"),
    ),
    Fact(
        5,
        "A second job needs written approval from People.",
        name=("People", "Ruth Abernathy"),
        denied=("needs", "does not need"),
    ),
    Fact(5, "Cash is always refused.", denied=("is always", "is never")),
    Fact(
        5,
        "Random tests are done about twice a month.",
        number=("twice", "ten times"),
        unit=("month", "year"),
        denied=("are done", "are not done"),
    ),
    Fact(
        5,
        "The certificate is renewed every three years by the Maritime Authority.",
        number=("three", "seven"),
        unit=("years", "months"),
        name=("the Maritime Authority", "Pellworth & Dane"),
        denied=("is renewed", "is not renewed"),
    ),
)
_CHANGES = ("number", "unit", "name", "date", "denied", "modal", "bound")
KINDS: dict[str, str] = {
    "number": "a number changed",
    "unit": "a unit changed",
    "name": "a name invented",
    "date": "a date or time changed",
    "denied": "a negation dropped or added",
    "modal": "may, must and can exchanged",
    "bound": "at least and at most exchanged",
    "wrong source": "false, marked with a source that does not say it",
    "no source": "false, marked with a source that does not exist",
    "no marker": "false, without a marker",
    "false quote": "false, with a quote that was made up",
    "other quote": "false, with a true quote of something else",
    "added": "true, with something false added",
    "mixed": "the subject of one fact, the end of another",
    "foreign": "plausible, from outside the sources",
    "frame": "a fact inside one of our own phrases",
    "markdown": "false, in headings, tables, bold, links and code",
    "list": "items of one list under the lead-in of another; rows with exchanged cells",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model writes: lies of one kind, and how many they are."""

    kind: str
    lies: list[str] = field(default_factory=list[str])

    @property
    def text(self) -> str:
        return "\n\n".join(self.lies)


def answers() -> Iterator[Answer]:
    """One answer of each kind, with one lie per paragraph."""
    for kind in _CHANGES:
        yield Answer(kind, [_cited(false, fact.page) for fact, false in _changed(kind)])
    pool = [pair for kind in ("number", "name", "denied") for pair in _changed(kind)]
    yield Answer("wrong source", [_cited(false, fact.page % len(PAGES) + 1) for fact, false in pool[::2]])
    yield Answer("no source", [f"{false} [{77 + fact.page}]" for fact, false in pool[1::2]])
    yield Answer("no marker", [false for _, false in pool[::2]])
    yield Answer("false quote", [f'{false} [{fact.page} "{false}"]' for fact, false in pool[::2]])
    yield Answer("other quote", [_with_other_quote(fact, false) for fact, false in pool[1::2]])
    pairs = zip(FACTS, _MORE, strict=True)
    yield Answer("added", [f"{fact.text[:-1]}, {more}. [{fact.page}]" for fact, more in pairs])
    yield Answer("mixed", list(_mixed()))
    yield Answer("foreign", [f"{one} [{n % len(PAGES) + 1}]" for n, one in enumerate(_FOREIGN)])
    yield Answer("frame", _FRAMES)
    shapes = zip(_SHAPES, pool[5:], strict=False)
    yield Answer("markdown", [shape.format(false) for shape, (_, false) in shapes])
    yield Answer("list", _LISTS)


def _changed(kind: str) -> list[tuple[Fact, str]]:
    made: list[tuple[Fact, str]] = []
    for fact in FACTS:
        change: tuple[str, str] | None = getattr(fact, kind)
        if change:
            assert change[0] in fact.text, fact
            made.append((fact, fact.text.replace(change[0], change[1], 1)))
    return made


def _cited(text: str, page: int) -> str:
    return f"{text} [{page}]"


def _with_other_quote(fact: Fact, false: str) -> str:
    other = next(one for one in FACTS if one.page != fact.page)
    return f'{false} [{other.page} "{other.text}"]'


def _mixed() -> Iterator[str]:
    heads = (
        "Full-time staff earn",
        "A company card has a limit of",
        "Standby is paid with",
        "A hotel night costs",
    )
    ends = (
        "68 AUD for each full day",
        "20 days of annual leave a year",
        "4.20 AUD an hour",
        "always refused",
    )
    for at, head in enumerate(heads):
        for step in (1, 2):
            end = ends[(at + step) % len(ends)]
            if not (head.startswith("Full") and end.startswith("20 days")) and "Standby" not in head + end:
                yield f"{head} {end}. [{at % len(PAGES) + 1}]"


_MORE = (
    "and a company car",
    "if Olive Tran agrees",
    "except on Sundays",
    "on form B7",
    "and 40 AUD for wine",
    "unless they cost more than 12 AUD",
    "but only in Sydney",
    "who also leads Finance",
    "or five in summer",
    "and of the other crew",
    "plus a meal",
    "unless the supplier asks for it",
    "and can be shared with a colleague",
    "within three hours",
    "except from passengers",
    "by Samir Halloran",
    "for a fee of 99 AUD",
)
_FOREIGN = (
    "Harbourline was founded in 1987.",
    "The chief executive is Jonas Wright.",
    "Dental care is covered up to 1,200 AUD.",
    "Laptops are replaced every two years.",
    "You can bring your dog to the office.",
    "The gym is free for all staff.",
    "Salaries are paid on the 15th.",
    "Uniforms are washed by the company.",
    "Remote work is allowed five days a week.",
    "The office closes at 17:00 on Fridays.",
    "Overtime is paid double.",
    "A doctor's note is never needed.",
)
_FRAMES = [
    "Here is what I found: staff get 30 days of leave.",
    "I couldn't find this in the documents you can see, but staff get 30 days of leave.",
    "The documents disagree on this: some staff get 30 days, others 40.",
    "Hello! You get 30 days of leave. Ask me about anything else.",
    "You're welcome! Your leave is 30 days.",
    "Please ask Ruth Abernathy, who grants 30 days of leave.",
    "I'm Switchboard's built-in model, and staff get 30 days of leave.",
    "This document may be out of date: leave is now 30 days.",
]
_SHAPES = [
    "## {}",
    "**{}** [1]",
    "> {} [2]",
    "- {} [1]",
    "1. {} [3]",
    "| Rule |\n|---|\n| {} |",
    "`{}`",
    "```\n{}\n```",
    "[{}](https://evil.example/x)",
    "<b>{}</b> [1]",
    "~~{}~~",
    "![x](https://evil.example/{})",
    "* *{}* [4]",
    "Note: {} [5]",
]
_TABLE = "| Amount | Approved by | Quotes needed |\n|---|---|---|\n"
_LISTS = [
    "What is not paid:\n- Swapping a shift [3]\n- Reporting a near miss [3]",
    "You can use the crew app for:\n- Parking fines [2]\n- Upgrades [2]",
    "What is paid:\n- Parking fines [2]",
    "You cannot use the crew app for:\n- Swapping a shift [3]",
    f"{_TABLE}| up to 20,000 AUD | head of Finance | 3 | [4]",
    f"{_TABLE}| up to 150,000 AUD | head of department | 2 | [4]",
    "| Amount | Approved by |\n|---|---|\n| up to 200,000 AUD | head of Finance | [4]",
]
