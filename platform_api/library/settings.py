"""What may be put into the library, and how much of it."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from kit.settings import Settings


class LibrarySettings(Settings):
    section = "library"

    max_file_mb: int = Field(default=25, ge=1, le=200, description="Largest file that is taken, in MB.")
    max_files: int = Field(default=64, ge=1, le=500, description="Most files in one upload.")
    max_archive_files: int = Field(
        default=1000, ge=1, le=10_000, description="Most files in the ZIP archives of one upload."
    )
    max_archive_mb: int = Field(
        default=500,
        ge=1,
        le=5000,
        description="Most that the ZIP archives of one upload may unpack to, in MB.",
    )
    personal_documents: int = Field(
        default=10_000,
        ge=0,
        description="Most documents that a person may keep in their own knowledge bases.",
    )
    personal_mb: int = Field(
        default=5_000, ge=0, description="Most that a person's own knowledge bases may hold, in MB."
    )
    shared_documents: int = Field(
        default=100_000,
        ge=0,
        description="Most documents that one person may put into one knowledge base of the organisation "
        "or a department.",
    )
    shared_mb: int = Field(
        default=100_000,
        ge=0,
        description="Most that one person may put into one knowledge base of the organisation "
        "or a department, in MB.",
    )
    vectors_kept_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="Days that vectors are kept after their last use: for so long, documents that come back "
        "or move cost no embedding.",
    )
    share_with_everyone: Literal["anyone", "managers", "nobody"] = Field(
        default="managers",
        description="Who may share a document with everyone in the organisation: whoever may share it, "
        "only who has 'manage_org_kb', or nobody.",
    )
    scopes: Path | None = Field(
        default=None,
        description="YAML file with the service scopes, their words, and the rules by path and address "
        "(examples/scopes.yaml). Without it every scope is taken as it is named.",
    )
