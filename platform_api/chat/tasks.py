"""What chat hears from the queue: a question that nobody answered in time."""

from typing import Any
from uuid import UUID

from platform_api.llm.frames import render
from platform_api.sessions import service as sessions
from ports.db import Database
from ports.queue import Tasks

UNANSWERED = "interaction.expired.v1"


class ChatTasks:
    def __init__(self, database: Database) -> None:
        self._database = database

    def register(self, tasks: Tasks) -> None:
        """interaction.expired.v1"""
        tasks.add(UNANSWERED, self.unanswered)

    async def unanswered(self, told: dict[str, Any]) -> None:
        """The conversation says so, visibly, and the model reads it with the next message. Once, however
        often it is told: the sentence has the interaction's own id."""
        async with self._database.begin() as db:
            await sessions.note(
                db,
                UUID(told["interaction_id"]),
                organisation_id=UUID(told["organisation_id"]),
                session_id=UUID(told["session_id"]),
                turn_id=UUID(told["turn_id"]),
                text=render("unanswered"),
            )
