"""The base of all settings classes; each lives beside what it configures.

Environment variables: `SWITCHBOARD_<SECTION>__<NAME>`, or the same lines in `.env` where we start. The
reference page and `.env.example` are generated from the registered classes.
"""

from typing import Any, ClassVar

from pydantic_settings import BaseSettings, SettingsConfigDict

_registered: list[type["Settings"]] = []


class Settings(BaseSettings):
    """Subclass with `section = "db"` to read `SWITCHBOARD_DB__…`; every field has a description."""

    section: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.model_config = SettingsConfigDict(
            env_prefix=f"SWITCHBOARD_{cls.section.upper()}__", env_file=".env", extra="ignore", frozen=True
        )
        _registered.append(cls)


def registered() -> list[type[Settings]]:
    """Every settings class that is loaded, by section."""
    return sorted(_registered, key=lambda cls: cls.section)
