"""What people do with sources, in a line each; and the platform that they do it on."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from httpx import AsyncClient

from knowledge.index.vectorising import Vectorising
from platform_api.app import PlatformPorts
from platform_api.library.sources_settings import SourcesSettings
from tests.knowledge.gather.site import TestSite
from tests.platform_api.reading import EmbedderInProcess
from tests.platform_api.work import Work


def with_sources(ports: PlatformPorts, site: TestSite, files: Path, **settings: Any) -> PlatformPorts:
    """Ports that may read the test's site and the test's folder."""
    named = {"delay_s": 0.0, "folders": [files], "step_s": 30.0, **settings}
    return replace(
        ports,
        outbound_settings=site.settings,
        resolver=site.resolve,
        sources_settings=SourcesSettings(**named),
    )


def embedded(ports: PlatformPorts) -> list[str]:
    """All texts that were embedded so far."""
    vectoriser: Vectorising = ports.vectoriser
    embedder: EmbedderInProcess = vectoriser._embedder  # type: ignore[attr-defined] # what it was asked is the question
    return embedder.texts


@dataclass(slots=True)
class Added:
    """A source of somebody."""

    client: AsyncClient
    base: str
    id: str

    @property
    def address(self) -> str:
        return f"/api/v1/knowledge-bases/{self.base}/sources/{self.id}"

    async def get(self) -> dict[str, Any]:
        answer = await self.client.get(self.address)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def patch(self, **change: Any) -> dict[str, Any]:
        answer = await self.client.patch(self.address, json=change)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def runs(self) -> list[dict[str, Any]]:
        return (await self.client.get(f"{self.address}/runs")).json()["items"]

    async def synced(self, worker: Work, *, force: bool = False) -> dict[str, Any]:
        """Start it, let the worker do everything, and tell how the run ended."""
        answer = await self.client.post(f"{self.address}/sync", params={"force": force})
        assert answer.status_code == 202, answer.text
        await worker.finish()
        return (await self.runs())[0]


async def add(client: AsyncClient, base: str, kind: str, **asked: Any) -> Added:
    answer = await client.post(f"/api/v1/knowledge-bases/{base}/sources", json={"kind": kind, **asked})
    assert answer.status_code == 201, answer.text
    return Added(client, base, answer.json()["id"])


async def counts_of(source: Added) -> dict[str, int]:
    return (await source.runs())[0]["counts"]
