"""Embedders over HTTP against a server that does what it is told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from aiohttp import web

from kit.errors import Unavailable
from knowledge.embed import (
    EmbeddingFailed,
    EmbeddingRefused,
    EmbedSettings,
    EmbedUsage,
    make_embedder,
    wanted,
)
from knowledge.embed.errors import EmbedderUnavailable
from knowledge.embed.hosted import HostedIngest, HostedQueries

WIDTH = 4
Answer = Callable[[web.Request, dict[str, Any]], web.Response]


def vector(text: str) -> list[float]:
    return [float(len(text)), 1.0, 0.0, 2.0]


def good(_: web.Request, body: dict[str, Any]) -> web.Response:
    """Out of order, as the API allows."""
    data = [{"index": at, "embedding": vector(text)} for at, text in enumerate(body["input"])]
    return web.json_response({"data": data[::-1], "usage": {"prompt_tokens": 10 * len(data)}})


def status(code: int, **headers: str) -> Answer:
    return lambda request, body: web.Response(status=code, text=f"refused: {body['input']}", headers=headers)


def cut(request: web.Request, _: dict[str, Any]) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def nonsense(_: web.Request, __: dict[str, Any]) -> web.Response:
    return web.Response(text="<html>a proxy's page</html>")


def same(row: list[float], body: dict[str, Any]) -> web.Response:
    data = [{"index": at, "embedding": row} for at in range(len(body["input"]))]
    return web.json_response({"data": data})


def narrow(_: web.Request, body: dict[str, Any]) -> web.Response:
    return web.json_response(
        {"data": [{"index": at, "embedding": [1.0]} for at in range(len(body["input"]))]}
    )


def short(_: web.Request, body: dict[str, Any]) -> web.Response:
    return web.json_response({"data": [{"index": 0, "embedding": vector("x")}]})


def zeros(_: web.Request, body: dict[str, Any]) -> web.Response:
    return web.json_response(
        {"data": [{"index": at, "embedding": [0.0] * 4} for at in range(len(body["input"]))]}
    )


@dataclass
class Service:
    """Plays `script`, then answers well. `asked` is what came in."""

    url: str = ""
    script: list[Answer] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    requests: list[web.Request] = field(default_factory=list)
    holds: asyncio.Event | None = None
    opened: list[HostedIngest] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        body = json.loads(await request.text())
        self.asked.append(body)
        self.requests.append(request)
        if self.holds:
            await self.holds.wait()
        return (self.script.pop(0) if self.script else good)(request, body)

    def settings(self, **more: Any) -> EmbedSettings:
        defaults = {"kind": "openai", "url": f"{self.url}/v1", "model": "m-embed", "dimensions": WIDTH}
        return EmbedSettings(**{**defaults, "api_key": "k-secret", "price_per_million_tokens": 2.0, **more})

    def ingest(self, **more: Any) -> tuple[HostedIngest, list[float], list[EmbedUsage]]:
        """The embedder, how long it would have waited, and what it says that it cost."""
        waits: list[float] = []
        used: list[EmbedUsage] = []

        async def sleep(seconds: float) -> None:
            waits.append(seconds)

        chosen = self.settings(**more)
        self.opened.append(HostedIngest(wanted(chosen), chosen, used.append, sleep))
        return self.opened[-1], waits, used


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    made = Service()
    app = web.Application()
    app.router.add_post("/{path:.*}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    for embedder in made.opened:
        await embedder.close()
    await runner.cleanup()


def unit(text: str) -> Any:
    row = np.array(vector(text), np.float32)
    return row / np.linalg.norm(row)


@pytest.mark.proves("EMBED-002")
async def test_texts_go_in_batches_and_come_back_in_order(service: Service) -> None:
    embedder, _, used = service.ingest(batch_texts=4, batch_tokens=1000, passage_prefix="passage: ")
    texts = ["x" * n for n in range(1, 10)] + ["y" * 3000, "z"]

    vectors = await embedder.embed(texts)

    assert np.allclose(vectors, [unit(f"passage: {text}") for text in texts])
    assert [len(body["input"]) for body in service.asked] == [4, 4, 1, 1, 1]
    assert service.asked[0]["model"] == "m-embed"
    assert service.requests[0].path == "/v1/embeddings"
    assert service.requests[0].headers["Authorization"] == "Bearer k-secret"
    assert used[0] == EmbedUsage("m-embed", 40, 40 / 1e6 * 2.0, "ingest")
    assert (await embedder.embed([])).shape == (0, WIDTH)


async def test_azure_has_its_own_address_and_header(service: Service) -> None:
    embedder, _, _ = service.ingest(kind="azure", url=service.url, model="my deployment", shorten=True)

    await embedder.embed(["boat"])

    request = service.requests[0]
    assert request.path == "/openai/deployments/my deployment/embeddings"
    assert request.query["api-version"] == "2024-10-21"
    assert request.headers["api-key"] == "k-secret"
    assert "Authorization" not in request.headers
    assert service.asked[0]["dimensions"] == WIDTH


@pytest.mark.proves("EMBED-002")
async def test_it_waits_as_long_as_the_service_asks_and_tries_again(service: Service) -> None:
    service.script = [
        status(429, **{"Retry-After": "7"}),
        status(503, **{"retry-after-ms": "1500"}),
        status(500),
        cut,
        nonsense,
    ]
    embedder, waits, used = service.ingest()

    vectors = await embedder.embed(["boat"])

    assert np.allclose(vectors, [unit("boat")])
    assert waits[:2] == [7.0, 1.5]
    assert all(0 < wait <= 30 for wait in waits)
    assert len(waits) == 5
    assert len(used) == 1


@pytest.mark.parametrize("answer", [short, zeros, status(502)])
async def test_after_all_attempts_it_fails_and_may_be_tried_later(service: Service, answer: Answer) -> None:
    service.script = [answer] * 3
    embedder, waits, _ = service.ingest(attempts=3)

    with pytest.raises(EmbeddingFailed) as failed:
        await embedder.embed(["the secret recipe", "more"])

    assert failed.value.retryable
    assert "secret" not in failed.value.detail + failed.value.hint
    assert len(waits) == 2


@pytest.mark.proves("EMBED-002")
@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (status(401), "does not accept our key"),
        (status(400), "HTTP 400"),
        (narrow, "gives 1 numbers a text; 4 are expected"),
    ],
)
async def test_what_trying_again_cannot_change_is_not_tried_again(
    service: Service, answer: Answer, says: str
) -> None:
    service.script = [answer]
    embedder, waits, _ = service.ingest()

    with pytest.raises(EmbeddingRefused, match=says) as refused:
        await embedder.embed(["the secret recipe", "more"])

    assert "SWITCHBOARD_EMBED__" in refused.value.hint
    assert "secret" not in refused.value.detail + refused.value.hint
    assert waits == []


@pytest.mark.proves("EMBED-002")
async def test_a_service_that_is_down_is_left_alone_for_a_while(service: Service) -> None:
    service.script = [status(500)] * 5
    embedder, _, _ = service.ingest(attempts=5)
    with pytest.raises(EmbeddingFailed):
        await embedder.embed(["boat"])

    with pytest.raises(Unavailable) as refused:
        await embedder.embed(["boat"])

    assert refused.value.retry_after is not None
    assert len(service.asked) == 5


async def test_being_asked_for_patience_does_not_close_the_door(service: Service) -> None:
    service.script = [status(429)] * 8
    embedder, _, _ = service.ingest(attempts=9)

    assert np.allclose(await embedder.embed(["boat"]), [unit("boat")])


async def test_a_service_that_hangs_is_given_up(service: Service) -> None:
    service.holds = asyncio.Event()
    embedder, _, _ = service.ingest(timeout_s=0.2, attempts=2)

    with pytest.raises(EmbeddingFailed, match="takes too long"):
        await embedder.embed(["boat"])

    service.holds.set()
    assert len(service.asked) == 2


async def test_a_question_gets_one_quick_second_try(service: Service) -> None:
    service.script = [cut]
    chosen = service.settings(query_prefix="query: ")
    used: list[EmbedUsage] = []
    embedder = make_embedder(wanted(chosen), chosen, used.append)
    assert isinstance(embedder, HostedQueries)

    vectors = await asyncio.to_thread(embedder.embed, ["boat"])

    assert np.allclose(vectors, [unit("query: boat")])
    assert [one.purpose for one in used] == ["query"]
    service.script = [status(429)]
    with pytest.raises(EmbeddingFailed):
        await asyncio.to_thread(embedder.embed, ["boat"])
    assert len(service.asked) == 3
    embedder.close()


def test_settings_that_do_not_suffice_say_what_is_missing() -> None:
    with pytest.raises(EmbedderUnavailable, match="SWITCHBOARD_EMBED__URL"):
        wanted(EmbedSettings(kind="openai"))
    with pytest.raises(EmbedderUnavailable, match="SWITCHBOARD_EMBED__DIMENSIONS"):
        wanted(EmbedSettings(kind="openai", url="http://x/v1", model="unheard-of"))
    known = wanted(EmbedSettings(kind="openai", url="http://x/v1", model="text-embedding-3-small"))
    assert known.dimensions == 1536
    assert "secret" not in repr(wanted(EmbedSettings(
        kind="azure", url="http://x", model="m", dimensions=4, api_key="secret",  # type: ignore[arg-type] # as from the environment
    )))  # fmt: skip
