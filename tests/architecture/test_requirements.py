"""Each promise of tests/requirements.py has a test that names it, and no test names another."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.requirements import PROMISES

TESTS = Path(__file__).parents[1]


def named_promises() -> Iterator[tuple[str, str]]:
    for file in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.proves":
                for argument in node.args:
                    yield ast.literal_eval(argument), str(file.relative_to(TESTS))


def test_every_promise_is_proven_by_a_test() -> None:
    proven = {promise for promise, _ in named_promises()}
    assert sorted(PROMISES.keys() - proven) == []


def test_no_test_names_a_promise_that_nobody_made() -> None:
    strangers = sorted((promise, file) for promise, file in named_promises() if promise not in PROMISES)
    assert strangers == []
