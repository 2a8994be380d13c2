"""A replica that is killed: `python -m … DATABASE_URL USER_ID INTERACTION_ID before|while`.

before: after the commit of the answer, before anybody hears; while: in the middle of hearing.
"""

import asyncio
import os
import signal
import sys
from uuid import UUID

from kit.clock import SystemClock
from kit.wire.interactions import Respond
from platform_api.interactions import Answered
from ports.db import Database
from tests.platform_api.interactions.replica import Replica


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


async def begin_and_die(answered: Answered) -> None:
    print(answered.turn_id, flush=True)
    die()


async def main(database_url: str, user_id: str, interaction_id: str, when: str) -> None:
    replica = Replica(Database(database_url), SystemClock(), effects=None)
    if when == "while":
        replica.interactions.hears(begin_and_die)
    person = (await replica.identity.person(UUID(user_id))).principal
    await replica.interactions.respond(person, UUID(interaction_id), Respond(action="accept"))
    die()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
