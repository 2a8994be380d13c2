"""What sources may read, and how hard they work."""

from pathlib import Path
from uuid import UUID

from pydantic import Field

from kit.settings import Settings


class SourcesSettings(Settings):
    section = "sources"

    folders: list[Path] = Field(
        default=[],
        description="Folders on the server that admins may add as sources, with all below them. "
        "`{organisation}` stands for the organisation's id. None by default.",
    )
    git_hosts: list[str] = Field(
        default=["github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "dev.azure.com"],
        description="Hosts whose repositories may be read over https; `*` for any public one, "
        "`http://git.example.com` for one without TLS.",
    )
    most_per_base: int = Field(default=50, ge=1, le=1000, description="Most sources in one knowledge base.")
    max_pages: int = Field(
        default=1000, ge=1, le=100_000, description="Pages of a site, where the source names no limit."
    )
    most_pages: int = Field(default=10_000, ge=1, le=100_000, description="Most that a source may name.")
    delay_s: float = Field(
        default=0.5, ge=0, le=60, description="Seconds between two requests to a site, at least."
    )
    at_once: int = Field(default=2, ge=1, le=32, description="Runs that work at the same time.")
    step_s: float = Field(
        default=20.0, ge=0, le=300, description="Seconds that a run works before others have their turn."
    )
    longest_h: float = Field(
        default=6.0, gt=0, le=168, description="Hours after which a run ends, finished or not."
    )
    stop_after: int = Field(
        default=5, ge=1, le=100, description="Failed runs in a row after which a source stops."
    )

    def roots(self, organisation_id: UUID) -> list[Path]:
        return [Path(str(folder).replace("{organisation}", str(organisation_id))) for folder in self.folders]
