"""The official conformance suites through the gateway (`python -m tests.tools.conformance` has the table)."""

from pathlib import Path

import pytest
from redis.asyncio import Redis

from knowledge.index import Index
from tests.tools.conformance import RUNS, TASK_SCENARIOS, compare, compare_tasks, installed, table
from tests.tools.everything import Era

pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not installed(), reason="run scripts/install_node_tools.sh"),
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]
NO_POLLING = {
    # a stream that the gateway keeps open to the end needs no event ids, and a short answer is JSON
    "server-sse-polling/server-sse-priming-event": "WARNING",
    "server-sse-polling/server-sse-retry-field": "WARNING",
    "server-sse-polling/server-sse-disconnect-resume": "INFO",
    "server-sse-multiple-streams/server-sse-streams-functional": "INFO",
}
"""What is weaker through the gateway, for a reason: docs/decisions/0033. None of it is a failure."""


@pytest.mark.parametrize(("suite", "revision", "era"), RUNS)
@pytest.mark.proves("GATE-114")
async def test_nothing_that_passes_directly_fails_through_the_gateway(
    tmp_path: Path, redis: Redis, index: Index, suite: str, revision: str, era: Era
) -> None:
    compared = await compare(suite, revision, era, redis, index, tmp_path)

    print(table([compared]))
    assert len(compared.direct.passed) >= 25
    assert not compared.direct.passed & compared.through.failed
    weaker = {name: why.partition(":")[0] for name, why in compared.lost.items()}
    assert weaker.items() <= NO_POLLING.items(), table([compared])


@pytest.mark.parametrize("scenario", TASK_SCENARIOS)
@pytest.mark.proves("GATE-114")
async def test_nothing_of_tasks_that_passes_directly_fails_through_the_gateway(
    tmp_path: Path, redis: Redis, index: Index, scenario: str
) -> None:
    compared = await compare_tasks(scenario, redis, index, tmp_path)

    print(table([compared]))
    assert compared.direct.passed
    assert not compared.direct.failed
    assert not compared.lost
