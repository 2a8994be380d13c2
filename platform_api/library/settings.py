"""What may be uploaded."""

from pydantic import Field

from kit.settings import Settings


class LibrarySettings(Settings):
    section = "library"

    max_file_mb: int = Field(default=25, ge=1, le=200, description="Largest file that is taken, in MB.")
    max_files: int = Field(default=64, ge=1, le=500, description="Most files in one upload.")
