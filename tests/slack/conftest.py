"""A Slack of its own for each test; what the app sent may break no limit of Slack's."""

from collections.abc import AsyncIterator

import pytest

from tests.slack.simulator import Slack


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    async with Slack.running() as running:
        yield running
        assert not running.violations, running.violations
