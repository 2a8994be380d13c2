"""Agent definitions: YAML files that say what an agent is told and which tools it may use."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field

from kit.settings import Settings
from kit.wire.base import Request
from platform_api.agents.errors import UnknownAgent

DEFAULT = "default"
_PACKAGED = Path(__file__).parent


class AgentSettings(Settings):
    """Where agents come from."""

    section = "agents"

    folder: str = Field(
        default="", description="A folder of agent definitions (*.yaml) beside the packaged ones."
    )
    history_messages: Annotated[int, Field(ge=0)] = Field(
        default=12, description="How many earlier messages of a session the agent sees."
    )
    history_characters: Annotated[int, Field(ge=0)] = Field(
        default=12_000, description="How many characters of them at most, the newest first."
    )


class AgentDefinition(Request):
    """One agent. `tools` are names as the gateway offers them; `*` is every tool the caller may use."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
    version: Annotated[int, Field(ge=1)] = 1
    """Of the instructions: prompts are versioned templates (SPEC 10)."""
    description: str = ""
    instructions: str
    tools: list[str] = ["*"]
    max_calls: Annotated[int, Field(ge=1, le=20)] = 6
    """Calls of one tool in one answer."""

    def offers(self, tool: str) -> bool:
        return "*" in self.tools or tool in self.tools


class Definitions:
    """The agents of this deployment, by name."""

    def __init__(self, known: Mapping[str, AgentDefinition]) -> None:
        self._known = known

    def find(self, name: str | None) -> AgentDefinition:
        """Raises UnknownAgent."""
        found = self._known.get(name or DEFAULT)
        if found is None:
            raise UnknownAgent
        return found


def load(settings: AgentSettings, values: Mapping[str, str]) -> Definitions:
    """`values` fill the slots of instructions, such as {not_found}.

    Raises pydantic.ValidationError or yaml.YAMLError for a broken file: at start, not in a turn.
    """
    folders = [_PACKAGED, *([Path(settings.folder)] if settings.folder else ())]
    files = [file for folder in folders for file in sorted(folder.glob("*.yaml"))]
    read = (AgentDefinition.model_validate(_read(path)) for path in files)
    return Definitions({one.name: one.model_copy(update=_filled(one, values)) for one in read})


def _filled(one: AgentDefinition, values: Mapping[str, str]) -> dict[str, str]:
    text = one.instructions
    for slot, value in values.items():
        text = text.replace("{" + slot + "}", value)
    return {"instructions": text}


@cache
def _read(path: Path) -> object:
    return yaml.safe_load(path.read_text())
