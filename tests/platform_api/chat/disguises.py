"""How a lie can come: ways to write, mark and wrap a false sentence, for false sentences of any document."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from knowledge.verify import Source
from tests.evals.verifying.changes import DETAILS, contradicted
from tests.evals.verifying.sentences import statements


@dataclass(frozen=True, slots=True)
class Lie:
    """false: true with one detail changed. n: the number of the source that has `true`, as a model counts."""

    true: str
    false: str
    kind: str
    n: int
    other: str
    """Something true of another source, of number `m`."""
    m: int


def lies_of(sources: Sequence[Source], seed: int = 0) -> Iterator[Lie]:
    """Of every statement of the sources one for each kind of change that it can be given, mixed."""
    chance = random.Random(seed)
    known = [(n, one) for n, source in enumerate(sources, 1) for one in statements(source.text)]
    whole = " ".join(" ".join(source.text for source in sources).split())
    made: list[Lie] = []
    for n, true in known:
        m, other = chance.choice([pair for pair in known if pair[0] != n])
        for kind, false in contradicted(true, chance):
            if kind in DETAILS and false not in whole:
                made.append(Lie(true, false, kind, n, other, m))
    chance.shuffle(made)
    return iter(made)


Disguise = Callable[[Lie], str]


def _digits(lie: Lie, change: Callable[[str], str]) -> str:
    """A number of the true sentence written so that it is, or looks like, another; else the false one."""
    changed = re.sub(r"\d+", lambda number: change(number[0]), lie.true, count=1)
    return f"{changed if changed != lie.true else lie.false} [{lie.n}]"


def _translated(digits: str) -> Callable[[str], str]:
    return lambda number: "".join(digits[int(one)] for one in str(int(number) + 1))


_ROMAN = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
_SPELT = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_CYRILLIC = str.maketrans("aeopcxy", "аеорсху")


def _roman(number: str) -> str:
    value = int(number) + 1
    tens, ones = divmod(min(value, 39), 10)
    return "X" * tens + _ROMAN[ones]


def _half(text: str) -> tuple[str, str]:
    words = text.split()
    return " ".join(words[: len(words) // 2]), " ".join(words[len(words) // 2 :])


def _row(lie: Lie) -> str:
    first, second = _half(lie.false.rstrip("."))
    return f"| Rule | What it says |\n|---|---|\n| {first} | {second} |"


DISGUISES: dict[str, Disguise] = {
    "as it is, with its marker": lambda lie: f"{lie.false} [{lie.n}]",
    "without a marker": lambda lie: lie.false,
    "with the marker of another source": lambda lie: f"{lie.false} [{lie.m}]",
    "with the marker of no source": lambda lie: f"{lie.false} [99]",
    "with the true quote": lambda lie: f'{lie.false} [{lie.n} "{lie.true}"]',
    "with itself as the quote": lambda lie: f'{lie.false} [{lie.n} "{lie.false}"]',
    "with a true quote of another source": lambda lie: f'{lie.false} [{lie.m} "{lie.other}"]',
    "with both quotes": lambda lie: f'{lie.false} [{lie.m} "{lie.other}"; {lie.n} "{lie.true}"]',
    "after the truth, in one sentence": lambda lie: f"{lie.other[:-1]}, and {_lower(lie.false)} [{lie.m}]",
    "before the truth, in one sentence": lambda lie: f"{lie.false[:-1]}, and {_lower(lie.other)} [{lie.n}]",
    "after a semicolon": lambda lie: f"{lie.other[:-1]}; {_lower(lie.false)} [{lie.m}][{lie.n}]",
    "in a parenthesis": lambda lie: f"{lie.other[:-1]} ({_lower(lie.false)[:-1]}). [{lie.m}]",
    "as the second sentence": lambda lie: f"{lie.other} {lie.false} [{lie.m}, {lie.n}]",
    "in a list": lambda lie: f"- {lie.false} [{lie.n}]",
    "in a list under a lead-in": lambda lie: f"Here is what I found:\n1. {lie.false} 【{lie.n}†source】",
    "in a table": _row,
    "as a heading": lambda lie: f"## {lie.false}\n{lie.other} [{lie.m}]",
    "as a heading in bold": lambda lie: f"**{lie.false}**\n\n{lie.other} [{lie.m}]",
    "underlined": lambda lie: f"{lie.false}\n=====\n{lie.other} [{lie.m}]",
    "in bold": lambda lie: f"**{lie.false}** [{lie.n}]",
    "in code": lambda lie: f"`{lie.false}` [{lie.n}]",
    "in a block of code": lambda lie: f"```text\n{lie.false}\n```\n{lie.other} [{lie.m}]",
    "as the language of a block": lambda lie: f"```{lie.false}\n{lie.other}\n```",
    "as a link": lambda lie: f"[{lie.false}](https://evil.example/a) [{lie.n}]",
    "as the title of a link": lambda lie: f'[{lie.other}](https://evil.example/a "{lie.false}") [{lie.m}]',
    "as an image": lambda lie: f"![{lie.false}](https://evil.example/a.png) {lie.other} [{lie.m}]",
    "as a footnote": lambda lie: f"{lie.other}[^1]\n\n[^1]: {lie.false}",
    "in HTML": lambda lie: f'<p title="{lie.false}"><b>{lie.false}</b></p> [{lie.n}]',
    "in a comment": lambda lie: f"<!-- {lie.false} -->{lie.other} [{lie.m}]",
    "as a block quote": lambda lie: f"> {lie.false}\n\n{lie.other} [{lie.m}]",
    "in JSON": lambda lie: f'{{"answer": "{lie.false} [{lie.n}]", "sources": [{lie.n}]}}',
    "after a quote that is not closed": lambda lie: f'{lie.other} [{lie.m} "{lie.other}\n\n{lie.false}',
    "inside a marker": lambda lie: f"{lie.other} [Source {lie.m}: {lie.false}]",
    "as a thought": lambda lie: f"<think>{lie.false} {lie.false}</think>{lie.other} [{lie.m}]",
    "as a thought without a beginning": lambda lie: f"{lie.false}\n</think>\n{lie.other} [{lie.m}]",
    "as a frame": lambda lie: f"Here is what I found: {_lower(lie.false)} [{lie.n}]",
    "with a denial before it": lambda lie: f"It is not true that {_lower(lie.true)} [{lie.n}]",
    "with a denial of the denial": lambda lie: f"It is not untrue that {_lower(lie.false)} [{lie.n}]",
    "as a myth": lambda lie: f"It is a myth that {_lower(lie.true)} [{lie.n}]",
    "with a denial after it": lambda lie: f"{lie.true[:-1]}, which is no longer the case. [{lie.n}]",
    "with a sign": lambda lie: f"❌ {lie.true} [{lie.n}]",
    "with more": lambda lie: f"{lie.true[:-1]}, or more. [{lie.n}]",
    "with somebody else": lambda lie: f"{lie.true[:-1]}, says Olive Tran. [{lie.n}]",
    "with an exception": lambda lie: f"{lie.true[:-1]}, except on Sundays. [{lie.n}]",
    "with an exception in brackets": lambda lie: f"{lie.true[:-1]} (not in Perth). [{lie.n}]",
    "struck out": lambda lie: f"~~{lie.true}~~ {lie.false} [{lie.n}]",
    "with hidden characters": lambda lie: "\u200b".join(lie.false) + f" [{lie.n}]",
    "with a hidden character in a number": lambda lie: _digits(lie, lambda n: n + "\u200b7"),
    "with soft hyphens": lambda lie: _digits(lie, lambda n: n + "\u00ad7"),
    "right to left": lambda lie: _digits(lie, lambda n: "\u202e" + n + "7\u202c"),
    "in full-width digits": lambda lie: _digits(lie, _translated("０１２３４５６７８９")),
    "in other digits": lambda lie: _digits(lie, _translated("٠١٢٣٤٥٦٧٨٩")),
    "in circled digits": lambda lie: _digits(lie, _translated("⓪①②③④⑤⑥⑦⑧⑨")),
    "in raised digits": lambda lie: _digits(lie, lambda n: n + "²"),
    "in Roman numerals": lambda lie: _digits(lie, _roman),
    "spelt out": lambda lie: _digits(lie, lambda n: _SPELT[(int(n) + 1) % 10]),
    "with a fraction": lambda lie: _digits(lie, lambda n: n + "½"),
    "with a minus": lambda lie: _digits(lie, lambda n: "-" + n),
    "as a formula": lambda lie: _digits(lie, lambda n: n + "+1"),
    "as an entity": lambda lie: _digits(lie, lambda n: n + "&#48;"),
    "in look-alike letters": lambda lie: f"{lie.false.translate(_CYRILLIC)} [{lie.n}]",
    "as a question": lambda lie: f"{lie.false[:-1]}? [{lie.n}]",
    "in capitals": lambda lie: f"{lie.false.upper()} [{lie.n}]",
    "over two lines": lambda lie: "{}\n{}".format(*_half(lie.false)) + f" [{lie.n}]",
    "over two paragraphs": lambda lie: "{}\n\n{}".format(*_half(lie.false)) + f" [{lie.n}]",
    "after a tool's words": lambda lie: f'{{"name": "docs.search"}}\n{lie.false} [{lie.n}]',
}
"""What it is called → the model's text."""


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]
