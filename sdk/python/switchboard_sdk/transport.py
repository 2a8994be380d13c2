"""HTTP to the platform: authorisation, time limits, retries, and errors as `ApiError`.

Retried are only requests that may be repeated without a second effect: those whose method is idempotent,
and writes, because each carries an Idempotency-Key (SPEC 3). `Retry-After` is honoured.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

import httpx
from pydantic import BaseModel, ValidationError

from kit.wire.base import Request, Wire
from kit.wire.channels import ACT_AS_HEADER
from kit.wire.problem import MEDIA_TYPE
from switchboard_sdk import errors

Shape = TypeVar("Shape", bound=Wire)
Body = TypeVar("Body", bound=Request)
Files = list[tuple[str, tuple[str, bytes, str]]]
Renew = Callable[[], Awaitable[str]]
Sleep = Callable[[float], Awaitable[None]]

WORTH_REPEATING = frozenset({429, 502, 503, 504})
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Patience:
    """How long we wait, in seconds, and how often we try."""

    connect_s: float = 5.0
    answer_s: float = 60.0
    attempts: int = 3
    longest_wait_s: float = 30.0
    """A longer Retry-After is the caller's to wait for: the error carries it."""
    turn_s: float = 200.0
    """A whole turn with all re-attachments; the platform ends a turn after 180 s (SPEC 4)."""
    silence_s: float = 45.0
    """A stream that says nothing for so long, not even a heartbeat, is taken for dead."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `key` makes a write repeatable; `repeatable` says whether it may be repeated."""

    method: str
    path: str
    json: BaseModel | None = None
    params: Mapping[str, str] | None = None
    files: Files | None = None
    fields: Mapping[str, str] | None = None
    accept: str = "application/json"
    answer_s: float | None = None
    key: str = ""
    nulls: bool = False
    """Null says something in this body: what was not set is left out instead."""
    headers_too: Mapping[str, str] | None = None
    request_id: str = field(default_factory=lambda: uuid4().hex)

    @property
    def repeatable(self) -> bool:
        return self.method in IDEMPOTENT or bool(self.key)

    def headers(self, token: str) -> dict[str, str]:
        headers = {"Accept": f"{self.accept}, {MEDIA_TYPE}", "X-Request-Id": self.request_id}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if self.key:
            headers["Idempotency-Key"] = self.key
        if self.json is not None:
            headers["Content-Type"] = "application/json"
        return headers | dict(self.headers_too or {})

    def content(self) -> str | None:
        if self.json is None:
            return None
        return self.json.model_dump_json(exclude_none=not self.nulls, exclude_unset=self.nulls)


class Transport:
    def __init__(self, base_url: str, token: str, patience: Patience, sleep: Sleep = asyncio.sleep) -> None:
        self.base_url = base_url.rstrip("/")
        self.token = token
        self.patience = patience
        self.sleep = sleep
        self.renew: Renew | None = None
        """Makes a new token when the platform no longer takes the one we have."""
        self.acting_as = ""
        self._client = _client(self.base_url, patience)

    def acting(self, identity: str) -> "Transport":
        """Over the same connections, for somebody of a channel (`X-Act-As`)."""
        other = copy(self)
        other.acting_as = identity
        return other

    async def close(self) -> None:
        await self._client.aclose()

    async def read(self, shape: type[Shape], call: Call) -> Shape:
        """The answer as its shape. Raises ApiError."""
        response = await self.send(call)
        try:
            return shape.model_validate_json(response.content)
        except ValidationError as error:
            raise errors.unreadable(self.base_url, "an answer", call.request_id) from error

    async def send(self, call: Call) -> httpx.Response:
        """The whole response, status 2xx. Raises ApiError."""
        async with self.open(call) as response:
            await self._read_body(response, call)
            return response

    @asynccontextmanager
    async def open(self, call: Call) -> AsyncGenerator[httpx.Response]:
        """A response with status 2xx whose body is still to be read. Raises ApiError."""
        response = await self._until_answered(call)
        try:
            yield response
        finally:
            await response.aclose()

    async def _until_answered(self, call: Call) -> httpx.Response:
        try:
            return await self._tried(call)
        except errors.ApiError as error:
            if error.status != 401 or self.renew is None:
                raise
        renew, self.renew = self.renew, None
        self.token = await renew()
        self.renew = renew
        return await self._tried(call)

    async def _tried(self, call: Call) -> httpx.Response:
        for attempt in range(1, self.patience.attempts + 1):
            try:
                return await self._once(call)
            except errors.ApiError as error:
                wait = self._wait_before_next(call, error, attempt)
                if wait is None:
                    raise
                await self.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def _wait_before_next(self, call: Call, error: errors.ApiError, attempt: int) -> float | None:
        last = attempt >= self.patience.attempts
        if last or not call.repeatable or error.status not in WORTH_REPEATING:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.patience.longest_wait_s else None
        return backoff(attempt)

    async def _once(self, call: Call) -> httpx.Response:
        request = self._request(call)
        try:
            response = await self._client.send(request, stream=True)
        except httpx.TransportError as error:
            raise self._broken(error, call) from error
        if response.is_success:
            return response
        try:
            await self._read_body(response, call)
            raise errors.from_response(response, call.request_id)
        finally:
            await response.aclose()

    def _request(self, call: Call) -> httpx.Request:
        try:
            return self._client.build_request(
                call.method,
                call.path,
                params=dict(call.params or {}),
                content=call.content(),
                files=call.files,
                data=dict(call.fields) if call.fields else None,
                headers=call.headers(self.token) | self._for_whom(),
                timeout=self._timeout(call),
            )
        except httpx.InvalidURL as error:
            raise errors.bad_address(self.base_url) from error

    def _for_whom(self) -> dict[str, str]:
        return {ACT_AS_HEADER: self.acting_as} if self.acting_as else {}

    def _timeout(self, call: Call) -> httpx.Timeout:
        answer = call.answer_s or self.patience.answer_s
        return httpx.Timeout(answer, connect=self.patience.connect_s, pool=answer)

    async def _read_body(self, response: httpx.Response, call: Call) -> None:
        try:
            await response.aread()
        except httpx.TransportError as error:
            raise self._broken(error, call) from error

    def _broken(self, error: httpx.TransportError, call: Call) -> errors.ApiError:
        if isinstance(error, httpx.UnsupportedProtocol):
            return errors.bad_address(self.base_url)
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return errors.unreachable(self.base_url, call.request_id)
        if isinstance(error, httpx.TimeoutException):
            return errors.timed_out(self.base_url, call.request_id)
        return errors.connection_lost(self.base_url, call.request_id)


def checked(shape: type[Body], **fields: Any) -> Body:
    """A request body; what the platform would refuse is refused here in the same form (ApiError)."""
    try:
        return shape.model_validate(fields)
    except ValidationError as error:
        raise errors.invalid(error) from error


def write(method: str, path: str, json: BaseModel | None = None, **more: Any) -> Call:
    """A write: it gets an Idempotency-Key of its own unless the caller brings one."""
    return Call(method, path, json=json, key=more.pop("key", "") or uuid4().hex, **more)


def backoff(attempt: int) -> float:
    """Seconds before attempt + 1: 0.2, 0.4, 0.8 … at most 3; jitter keeps clients from marching in step."""
    return min(3.0, 0.2 * 2 ** (attempt - 1)) * random.uniform(0.75, 1.25)  # noqa: S311 (no secret)


def _client(base_url: str, patience: Patience) -> httpx.AsyncClient:
    try:
        address = httpx.URL(base_url)
        if address.scheme not in ("http", "https") or not address.host:
            raise errors.bad_address(base_url)
        return httpx.AsyncClient(
            base_url=address,
            # A proxy from the environment never knows the way to this machine's own loopback.
            trust_env=address.host not in LOOPBACK,
            timeout=patience.answer_s,
            limits=httpx.Limits(max_connections=100, max_keepalive_connections=20),
        )
    except (httpx.InvalidURL, ValueError) as error:
        raise errors.bad_address(base_url) from error
