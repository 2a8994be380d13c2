"""The platform with a desk at which its other parts ask people."""

from typing import Any

import pytest
from fastapi import FastAPI

from access.principal import Principal
from platform_api.identity import Identity
from platform_api.identity.dev_people import DEV_PEOPLE
from platform_api.interactions import Interactions
from platform_api.interactions.one_shots import OneShots
from tests.platform_api.interactions.asks import Desk, Heard
from tests.platform_api.people import People


def desk_of(app: FastAPI, people: People) -> Desk:
    provided: dict[type, Any] = app.state.provided
    return Desk(people, provided[Interactions], provided[OneShots], provided[Identity])


@pytest.fixture
def desk(app: FastAPI, people: People) -> Desk:
    return desk_of(app, people)


@pytest.fixture
def heard(desk: Desk) -> Heard:
    """Hears with the platform's own hearers, of which the tests of chat and toolbox speak."""
    hearer = Heard()
    desk.interactions.hears(hearer)
    return hearer


@pytest.fixture
async def maya(desk: Desk) -> Principal:
    return await desk.principal(DEV_PEOPLE["maya"].id)
