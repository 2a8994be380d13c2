"""make eval-retrieval BEIR=folder: python -m tests.evals.retrieval --beir FOLDER [FOLDER …]

Also: --corpus FOLDER --golden FILE (questions whose sources are known), or --known-items FOLDER [FOLDER …]
(queries made from the documents themselves; --write TARGET keeps such a set in BEIR's format).
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from knowledge.search import SearchSettings
from knowledge.search.rerank import CrossEncoder, RerankerUnavailable
from tests.evals.golden import read_questions
from tests.evals.retrieval.beir import FORMAT, LONG, read_beir, write_beir
from tests.evals.retrieval.building import Say
from tests.evals.retrieval.corpus import golden_set, known_item_set
from tests.evals.retrieval.running import run
from tests.evals.retrieval.sets import BadSet, RetrievalSet
from tests.evals.retrieval.table import Table, show
from tests.evals.retrieval.variants import BASELINES, ours, with_settings


def main(arguments: list[str] | None = None) -> int:
    options = _options(arguments)
    console = Console()
    try:
        sets = list(_sets(options))
        if options.write:
            write_beir(sets[0], options.write)
            console.print(f"{len(sets[0].queries)} queries written to {options.write}", highlight=False)
            return 0
        tables = [_measured(one, options, console) for one in sets]
    except (BadSet, RerankerUnavailable) as error:
        print(error, file=sys.stderr)
        return 2
    if len(tables) > 1:
        _show_means(tables, console)
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.evals.retrieval",
        description=__doc__,
        epilog=FORMAT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--beir", type=Path, nargs="*", default=[], help="folders in BEIR's format")
    parser.add_argument("--corpus", type=Path, help="a folder of documents, with --golden")
    parser.add_argument("--golden", type=Path, help="questions on --corpus")
    parser.add_argument("--known-items", type=Path, nargs="*", default=[], help="folders of documents")
    parser.add_argument("--queries", type=int, default=300, help="known items in each folder")
    parser.add_argument("--seed", type=int, default=5, help="of known items")
    parser.add_argument("--tokens", type=int, default=LONG, help="word pieces in a chunk of a BEIR document")
    parser.add_argument("--write", type=Path, help="write the first set in BEIR's format, measure nothing")
    parser.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="NAME=VALUE[,…]",
        help="one more variant of ours, such as dense_weight=0.5,sparse_weight=0.5; may be repeated",
    )
    parser.add_argument("--rerank", metavar="FOLDER", help="one more variant: ours with this cross-encoder")
    options = parser.parse_args(arguments)
    if not (options.beir or options.corpus or options.known_items):
        parser.exit(2, f"Name a set: make eval-retrieval BEIR=folder\n\n{FORMAT}\n")
    if options.corpus and not options.golden:
        parser.exit(2, "--corpus needs --golden FILE; without questions use --known-items.\n")
    return options


def _sets(options: argparse.Namespace) -> Iterator[RetrievalSet]:
    for folder in options.beir:
        yield read_beir(folder, options.tokens)
    if options.corpus:
        yield golden_set(options.corpus, read_questions(options.golden))
    for folder in options.known_items:
        yield known_item_set(folder, options.queries, options.seed)


def _measured(found: RetrievalSet, options: argparse.Namespace, console: Console) -> Table:
    variants = [*BASELINES, ours(), *(with_settings(said, _settings(said)) for said in options.setting)]
    if options.rerank:
        variants.append(ours(CrossEncoder(Path(options.rerank))))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(found.name)

        def say(stage: str, done: int, total: int) -> None:
            bar.update(task, description=f"{found.name}: {stage}", completed=done, total=total)

        progress: Say = say
        table = run(found, variants, progress)
    show(table, console)
    return table


def _settings(said: str) -> SearchSettings:
    pairs = [pair.partition("=") for pair in said.split(",")]
    try:
        return SearchSettings.model_validate({name.strip(): value.strip() for name, _, value in pairs})
    except ValueError as error:
        raise BadSet(f"--setting {said}: {error}") from error


def _show_means(tables: list[Table], console: Console) -> None:
    """SPEC 14: never more than 0.01 below the best of the three on any set, above all three on the mean."""
    console.print(f"\nMean nDCG@10 over {len(tables)} sets", highlight=False)
    for name in tables[0].rows:
        values = [table.rows[name].mean.ndcg10 for table in tables]
        console.print(f"  {name:30} {sum(values) / len(values):.3f}", highlight=False, markup=False)
    worst = min(table.difference("ours", table.best_baseline() or "rrf")[0] for table in tables)
    console.print(f"  ours − best of the three, on the worst set: {worst:+.3f}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
