"""The handbook in the real engine, as the gateway's own docs server has it."""

from collections.abc import Iterator

import pytest

from knowledge.index import Index
from tests.tools.world import handbook


@pytest.fixture(scope="session")
def index() -> Iterator[Index]:
    with handbook() as index:
        yield index
