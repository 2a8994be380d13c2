"""People who send documents while everything around them is killed, and remember what they were promised."""

import asyncio
import hashlib
import random
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

import httpx

_AGAIN_S = 0.2
_UNREADABLE = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\nthis is where a catalogue should be\n%%EOF\n"


@dataclass(slots=True)
class Promise:
    """What a sender was told of one document: `data` was taken, or it is `deleted`."""

    path: str
    kind: Literal["readable", "unreadable", "deleted"]
    data: bytes = b""
    word: str = ""
    document_id: UUID | None = None
    old_words: list[str] = field(default_factory=list[str])

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


class Sender:
    """One person with paths of their own: each step is repeated until it is answered, as the SDK would."""

    def __init__(self, name: str, url: str, key: str, base_id: str, seed: int, pause_s: float) -> None:
        self._name = name
        self._base = f"/api/v1/knowledge-bases/{base_id}/documents"
        self._chance = random.Random(seed)
        self._client = httpx.AsyncClient(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=10, trust_env=False
        )
        self._pause_s = pause_s
        self._steps = 0
        self.promises: dict[str, Promise] = {}
        self.jobs: list[UUID] = []

    async def run(self, until: asyncio.Event, at_most: int) -> None:
        """New documents, new versions, deletions and unreadable files, until told to stop."""
        while not until.is_set() and self._steps < at_most:
            self._steps += 1
            await self._step()
            await asyncio.sleep(self._chance.uniform(0.0, self._pause_s))

    async def close(self) -> None:
        await self._client.aclose()

    async def _step(self) -> None:
        alive = [one for one in self.promises.values() if one.kind == "readable"]
        what = self._chance.random()
        if alive and what < 0.15:
            await self._delete(self._chance.choice(alive))
        elif alive and what < 0.45:
            await self._change(self._chance.choice(alive))
        elif what < 0.55:
            path = f"{self._name}/broken-{self._steps}.pdf"
            await self._send(Promise(path, "unreadable", _UNREADABLE + path.encode()))
        else:
            path = f"{self._name}/page-{self._steps}.md"
            await self._send(self._page(path))

    def _page(self, path: str) -> Promise:
        """A page of its own word, short or long enough to be hit in the middle."""
        word = f"zq{self._name}{self._steps}x"
        sections = self._chance.choice((1, 2, 8, 24))
        text = "\n\n".join(
            f"## Part {number}\n\nThe {word} of part {number} is {self._chance.randint(1, 10**9)}. "
            + " ".join(f"It has {self._chance.randint(1, 10**6)} entries." for _ in range(12))
            for number in range(sections)
        )
        return Promise(path, "readable", f"# Page {word}\n\n{text}\n".encode(), word)

    async def _change(self, old: Promise) -> None:
        new = self._page(old.path)
        new.old_words = [*old.old_words, old.word]
        await self._send(new)

    async def _send(self, promise: Promise) -> None:
        key = f"{self._name}-{self._steps}"
        while True:
            try:
                answer = await self._client.post(
                    self._base,
                    files=[("file", (promise.path, promise.data, "application/octet-stream"))],
                    headers={"Idempotency-Key": key},
                )
            except httpx.HTTPError:
                await asyncio.sleep(_AGAIN_S)
                continue
            if answer.status_code == 202:
                break
            assert answer.status_code >= 500 or answer.status_code == 429, answer.text
            await asyncio.sleep(_AGAIN_S)
        sent = answer.json()
        promise.document_id = UUID(sent["documents"][0]["id"])
        self.promises[promise.path] = promise
        self.jobs.append(UUID(sent["job_id"]))

    async def _delete(self, promise: Promise) -> None:
        while True:
            try:
                answer = await self._client.delete(f"{self._base}/{promise.document_id}")
            except httpx.HTTPError:
                await asyncio.sleep(_AGAIN_S)
                continue
            if answer.status_code in (204, 404):
                break
            assert answer.status_code >= 500 or answer.status_code == 429, answer.text
            await asyncio.sleep(_AGAIN_S)
        old = [*promise.old_words, promise.word]
        self.promises[promise.path] = Promise(
            promise.path, "deleted", document_id=promise.document_id, old_words=old
        )
