"""What people do with documents, in a line each."""

import json
from pathlib import Path
from typing import Any

from httpx import AsyncClient, Response

from tests.platform_api.people import People

HANDBOOK = """---
title: Leave
tags: [leave, people]
doc_type: policy
service_scope: people
last_modified: 2026-03-01
---
# Leave

Everyone gets 25 days of annual leave.

## Carrying over

Up to five days can be carried over until the end of March.
"""


async def base_of(client: AsyncClient, owner_type: str = "org", name: str | None = None) -> str:
    """The id of the caller's knowledge base of this kind."""
    items = (await client.get("/api/v1/knowledge-bases")).json()["items"]
    return next(
        item["id"] for item in items if item["owner_type"] == owner_type and name in (None, item["name"])
    )


async def personal_base(client: AsyncClient, name: str = "Mine") -> str:
    return (await client.post("/api/v1/knowledge-bases", json={"name": name})).json()["id"]


async def upload(
    client: AsyncClient,
    base_id: str,
    *files: tuple[str, str | bytes],
    metadata: dict[str, Any] | None = None,
    key: str | None = None,
) -> Response:
    parts = [
        ("file", (name, data if isinstance(data, bytes) else data.encode(), "application/octet-stream"))
        for name, data in files
    ]
    return await client.post(
        f"/api/v1/knowledge-bases/{base_id}/documents",
        files=parts,
        data={"metadata": json.dumps(metadata)} if metadata is not None else {},
        headers={"Idempotency-Key": key} if key else {},
    )


async def search(client: AsyncClient, base_id: str, query: str, **more: Any) -> list[dict[str, Any]]:
    answer = await client.post(f"/api/v1/knowledge-bases/{base_id}/query", json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["chunks"]


async def listed(client: AsyncClient, base_id: str) -> list[dict[str, Any]]:
    answer = await client.get(f"/api/v1/knowledge-bases/{base_id}/documents")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def stored_files(people: People) -> list[Path]:
    """The bytes that the platform keeps, whatever its rows say."""
    root: Path = people.ports.blobs._root  # type: ignore[attr-defined] # the folder itself is what is asked about
    return [path for path in root.rglob("*") if path.is_file()]
