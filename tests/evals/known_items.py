"""Queries made from a corpus's own statements: what they were made from is what should be found.

A third to two thirds of a statement's content words, some exchanged for everyday synonyms, without the
numbers and addresses that would be the answer, after a question word that fits what was taken out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

from knowledge.verify import Source
from knowledge.verify.lexicon import FUNCTION
from platform_api.llm.extractive.statements import statements_of

_SHARE = (0.35, 0.6)
_FEWEST, _MOST = 2, 6
_SYNONYM, _TITLE = 0.6, 0.6  # how often one is taken, a word of the title added
_WORD = re.compile(r"[A-Za-z][\w'-]+")
_OPENINGS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"\S+@\S+"), ("who do I email about", "what address for", "who should I contact for")),
    (re.compile(r"\+?\(?\d[\d() -]{7,}\d"), ("what number do I call for", "phone number for")),
    (re.compile(r"[$€£]\s?\d[\d,.]*"), ("how much is", "what does it cost")),
    (re.compile(r"\d[\d,.:]*"), ("how many", "how long", "when", "which", "what is")),
)
_OTHERWISE = ("can I", "what about", "how do I", "do I have to", "is there", "where", "who")
_SYNONYMS: dict[str, tuple[str, ...]] = {
    "leave": ("vacation", "pto"),
    "supervisor": ("boss",),
    "manager": ("boss",),
    "computer": ("laptop",),
    "colleague": ("coworker",),
    "salary": ("pay",),
    "email": ("mail",),
    "position": ("job",),
    "purchase": ("buy",),
    "receive": ("get",),
    "required": ("needed",),
    "begin": ("start",),
    "request": ("ask",),
    "update": ("change",),
    "submit": ("send",),
    "trip": ("travel",),
    "lodging": ("hotel",),
    "policy": ("rules",),
    "team": ("group",),
    "employees": ("staff",),
    "employee": ("worker",),
    "form": ("paperwork",),
    "approve": ("sign off",),
    "training": ("course",),
    "expenses": ("costs",),
    "notify": ("tell",),
    "permitted": ("allowed",),
    "vessel": ("boat", "ship"),
    "passenger": ("customer",),
}


@dataclass(frozen=True, slots=True)
class KnownItem:
    query: str
    statement: str
    doc_id: UUID


def known_items(sources: Sequence[Source], rng: Random) -> Iterator[KnownItem]:
    """One query from each source that has a statement to ask about."""
    for source in sources:
        offered = [one.text for one in statements_of(source.text) if not one.announces]
        chosen = rng.choice(offered) if offered else ""
        query = _query(chosen, f"{source.title} {source.section}", rng)
        if query:
            yield KnownItem(query, chosen, source.doc_id)


def _query(statement: str, title: str, rng: Random) -> str:
    sign, openings = next(((s, o) for s, o in _OPENINGS if s.search(statement)), (None, _OTHERWISE))
    content = content_of(sign.sub(" ", statement) if sign else statement)
    if len(content) <= _FEWEST:
        return ""
    many = max(_FEWEST, min(_MOST, round(len(content) * rng.uniform(*_SHARE))))
    kept = [_other(content[at], rng) for at in sorted(rng.sample(range(len(content)), many))]
    about = content_of(title)
    if about and rng.random() < _TITLE:
        kept.insert(rng.randrange(len(kept) + 1), rng.choice(about))
    return " ".join([rng.choice(openings), *kept])


def content_of(text: str) -> list[str]:
    """Its words of content, lower case."""
    words = [word.lower() for word in _WORD.findall(text)]
    return [word for word in words if len(word) > 2 and word not in FUNCTION]


def _other(word: str, rng: Random) -> str:
    others = _SYNONYMS.get(word)
    return rng.choice(others) if others and rng.random() < _SYNONYM else word
