"""How much to tell: `python -m tests.evals.telling FOLDER …` asks the written questions, no golden file.

For several reaches (points behind the best statement that another one may be: in its passage, in its
document, elsewhere; see choose.py), each folder counting alike: the share of questions whose literals are
told, the share of the statements told that are of the document that answers, and how many are told.
"""

import argparse
import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from platform_api.llm.extractive import choose, compose, decide
from tests.evals import metrics
from tests.evals.cases import Case, written_cases
from tests.evals.corpus import opened
from tests.evals.texts import plain

Reaches = tuple[float, float, float]
TRIED: Sequence[Reaches] = (
    (0, 0, 0),
    (2, 2, 0),
    (4, 4, 2.5),
    (4, 3, 0.5),
    (6, 3, 0),
    (6, 3, 0.5),
    (6, 3, 1),
    (6, 3, 2.5),
    (6, 6, 0.5),
    (8, 4, 0.5),
    (12, 8, 0.5),
)


@dataclass(frozen=True, slots=True)
class Told:
    """Of one question. right: for each statement, whether its document is the one that answers."""

    corpus: str
    complete: bool
    right: tuple[bool, ...]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.evals.telling", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    cases = asyncio.run(_cases(parser.parse_args().folders))
    for reaches in dict.fromkeys([choose.REACHES, *TRIED]):
        rows = [_told(case, reaches) for case in cases]
        used = "*" if reaches == choose.REACHES else ""
        print(f"{' / '.join(f'{one:g}' for one in reaches) + used:<16}{_figures(rows)}")


async def _cases(folders: Sequence[Path]) -> list[Case]:
    cases: list[Case] = []
    for folder in folders:
        async with opened(folder) as corpus:
            cases += [one async for one in written_cases(corpus) if one.kind == "written" and one.has]
    return cases


def _told(case: Case, reaches: Reaches) -> Told:
    found = case.found
    with patch.object(choose, "REACHES", reaches):
        answer = compose(decide(case.query).question, found.sources, found.scores, likeness=found.likeness)
    text = plain(" ".join(one.text for one in answer))
    right = tuple(one.source.doc_id in case.documents for one in answer if one.source)
    return Told(case.corpus, all(literal in text for literal in case.has), right)


def _figures(rows: Sequence[Told]) -> str:
    each = [[one for one in rows if one.corpus == corpus] for corpus in {one.corpus for one in rows}]
    literals = metrics.mean(metrics.mean(one.complete for one in of) for of in each)
    precision = metrics.mean(metrics.mean(right for one in of for right in one.right) for of in each)
    many = metrics.mean(metrics.mean(len(one.right) for one in of) for of in each)
    return f"literals {literals:.0%}   of the right document {precision:.0%}   statements {many:.1f}"


if __name__ == "__main__":
    main()
