"""A tool server whose calls become tasks, with the tools that the conformance suites call: by the extension
of 2026-07-28 (SEP-2663), or as 2025-11-25 has them in sessions. Bare ASGI: the SDK has neither.

`python -m tests.tools.jobs` serves the first kind over stdio.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from starlette.types import Receive, Scope, Send

from kit.wire import mcp
from tests.tools.upstreams import lifespan

EXTENSION: dict[str, Any] = {"extensions": {mcp.TASKS_EXTENSION: {}}}
IN_SESSIONS: dict[str, Any] = {
    "tools": {},
    "tasks": {"list": {}, "cancel": {}, "requests": {"tools": {"call": {}}}},
}
TERMINAL = ("completed", "failed", "cancelled")
TTL_MS = 600_000
SESSION = "jobs-session"
_NUMBER: dict[str, Any] = {"type": "number"}
_TEXT: dict[str, Any] = {"type": "string"}
_FIELDS: dict[str, dict[str, Any]] = {
    "greet": {"name": _TEXT},
    "slow_compute": {"seconds": _NUMBER, "label": _TEXT},
    "failing_job": {},
    "protocol_error_job": {},
    "confirm_delete": {"filename": _TEXT},
    "multi_input": {},
    "test_tool_with_task": {},
}


def definitions() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "description": f"{name}.",
            "inputSchema": {"type": "object", "properties": fields},
            "execution": {"taskSupport": "forbidden" if name == "greet" else "optional"},
        }
        for name, fields in _FIELDS.items()
    ]


class Failed(Exception):
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.error: dict[str, Any] = {"code": code, "message": message} | ({"data": data} if data else {})


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], **more}


def _form(message: str, name: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {name: _TEXT}, "required": [name]}
    return {"method": "elicitation/create", "params": {"message": message, "requestedSchema": schema}}


@dataclass(eq=False)
class Task:
    id: str
    status: str = "working"
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None
    wanted: dict[str, Any] = field(default_factory=dict[str, Any])
    given: dict[str, Any] = field(default_factory=dict[str, Any])
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    work: "asyncio.Task[None] | None" = None
    at: str = field(default_factory=lambda: datetime.now(UTC).isoformat())

    def shown(self, *, in_session: bool = False) -> dict[str, Any]:
        ttl = {"ttl": TTL_MS, "pollInterval": 50} if in_session else {"ttlMs": TTL_MS, "pollIntervalMs": 50}
        return {
            "taskId": self.id,
            "status": self.status,
            "createdAt": self.at,
            "lastUpdatedAt": datetime.now(UTC).isoformat(),
            **ttl,
        }

    def end(self, status: str) -> None:
        self.status = status
        self.changed.set()


@dataclass
class Jobs:
    """`asked`: the messages about tasks. `in_sessions`: of 2025-11-25, else of 2026-07-28."""

    in_sessions: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    tasks: dict[str, Task] = field(default_factory=dict[str, Task])
    foreign: list[str] = field(default_factory=list[str])
    """Ids of tasks that others began and that `tasks/list` shows all the same, as a careless server would."""
    listening: list[tuple[set[str], "asyncio.Queue[dict[str, Any]]"]] = field(
        default_factory=list[tuple[set[str], "asyncio.Queue[dict[str, Any]]"]]
    )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await lifespan(receive, send)
        if scope["method"] != "POST":
            return await _send(send, 405, None)
        message = json.loads((await receive())["body"])
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        if "id" not in message:
            return await _send(send, 202, None)
        if message["method"] == "subscriptions/listen":
            telling = asyncio.create_task(self._listen(message, send))
            while (await receive())["type"] != "http.disconnect":
                pass
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)
            return None
        status, answer = await self.answered(message, headers)
        return await _send(send, status, answer)

    async def answered(
        self, message: dict[str, Any], headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """headers: None over stdio, which has none."""
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
        try:
            if headers is not None and not self.in_sessions:
                _same(message, headers)
            result = await self._result(message["method"], message.get("params") or {})
            return 200, answer | {"result": result}
        except Failed as failed:
            status = mcp.HTTP_STATUS.get(failed.code, 200)
            return 200 if self.in_sessions else status, answer | {"error": failed.error}

    async def _result(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method.startswith("tasks/"):
            self.asked.append({"method": method, "params": params})
        about = {"serverInfo": {"name": "jobs", "version": "1"}}
        match method:
            case "initialize" if self.in_sessions:
                return {"protocolVersion": "2025-11-25", "capabilities": IN_SESSIONS, **about}
            case "server/discover" if not self.in_sessions:
                versions = {"supportedVersions": ["2026-07-28"], "ttlMs": 0, "cacheScope": "public"}
                return {"resultType": "complete", "capabilities": {"tools": {}, **EXTENSION}, **versions}
            case "tools/list":
                cached = (
                    {} if self.in_sessions else {"resultType": "complete", "ttlMs": 0, "cacheScope": "public"}
                )
                return {"tools": definitions(), **cached}
            case "tools/call":
                return await self._call(params)
            case "tasks/list" if self.in_sessions:
                foreign = [Task(id).shown(in_session=True) for id in self.foreign]
                return {"tasks": [*(task.shown(in_session=True) for task in self.tasks.values()), *foreign]}
            case "tasks/result" if self.in_sessions:
                return await self._payload(self._task(params))
            case "tasks/get" | "tasks/cancel" | "tasks/update":
                return self._about_a_task(method, params)
            case _:
                raise Failed(mcp.METHOD_NOT_FOUND, "Method not found")

    def _about_a_task(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if not self.in_sessions and not _declares(params):
            raise Failed(mcp.MISSING_CAPABILITY, "Tasks", {"requiredCapabilities": EXTENSION})
        task = self._task(params)
        if method == "tasks/cancel":
            if task.status not in TERMINAL and task.work is not None:
                task.work.cancel()
                task.end("cancelled")
            return task.shown(in_session=True) if self.in_sessions else {"resultType": "complete"}
        if method == "tasks/update":
            given: dict[str, Any] = params.get("inputResponses") or {}
            for key, answer in given.items():
                if task.wanted.pop(key, None) is not None:
                    task.given[key] = answer
            task.changed.set()
            return {"resultType": "complete"}
        if self.in_sessions:
            return task.shown(in_session=True)
        inlined = {"result": task.result, "error": task.error, "inputRequests": task.wanted or None}
        return {"resultType": "complete", **task.shown(), **{k: v for k, v in inlined.items() if v}}

    async def _payload(self, task: Task) -> dict[str, Any]:
        """Waits, as 2025-11-25 has it, and says to which task the result belongs."""
        while task.status not in TERMINAL:
            await task.changed.wait()
            task.changed.clear()
        if task.result is None:
            raise Failed(mcp.INTERNAL_ERROR, f"The task ended: {task.status}")
        return task.result | {"_meta": {mcp.RELATED_TASK_META: {"taskId": task.id}}}

    async def _call(self, params: dict[str, Any]) -> dict[str, Any]:
        name: str = params["name"]
        arguments: dict[str, Any] = params.get("arguments") or {}
        given: dict[str, Any] = params.get("inputResponses") or {}
        job = _JOBS.get(name)
        if name == "test_tool_with_task" and "user_name" not in given:
            asked = {"inputRequests": {"user_name": _form("What is your name?", "name")}}
            return {"resultType": "input_required", "requestState": "round-1", **asked}
        if name == "test_tool_with_task":
            arguments = {"name": given["user_name"]["content"]["name"]}
        wants = params.get("task") is not None if self.in_sessions else _declares(params)
        if job is None or not wants:
            if name == "failing_job" and not self.in_sessions:
                raise Failed(mcp.MISSING_CAPABILITY, "Tasks", {"requiredCapabilities": EXTENSION})
            return await self._at_once(name, job, arguments)
        task = self.tasks[f"job-{len(self.tasks) + 1}"] = Task(f"job-{len(self.tasks) + 1}")
        task.work = asyncio.create_task(self._run(task, job, arguments))
        if self.in_sessions:
            return {"task": task.shown(in_session=True)}
        return {"resultType": "task", **task.shown()}

    async def _at_once(self, name: str, job: "Job | None", arguments: dict[str, Any]) -> dict[str, Any]:
        if job is None:
            said = _text(f"Hello, {arguments.get('name')}!")
        else:
            said = await job(Task(name), arguments)
        return said if self.in_sessions else said | {"resultType": "complete"}

    async def _run(self, task: Task, job: "Job", arguments: dict[str, Any]) -> None:
        try:
            task.result = await job(task, arguments)
            task.end("completed")
        except Failed as failed:
            task.error = failed.error
            task.end("failed")
        for ids, inbox in self.listening:
            if task.id in ids:
                said = task.shown() | ({"result": task.result} if task.result else {})
                inbox.put_nowait({"method": "notifications/tasks", "params": said})

    async def _listen(self, message: dict[str, Any], send: Send) -> None:
        ids: set[str] = set(message["params"]["notifications"].get("taskIds") or ())
        inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        head = [(b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        agreed = {"notifications": {"taskIds": sorted(ids)}}
        inbox.put_nowait({"method": "notifications/subscriptions/acknowledged", "params": agreed})
        self.listening.append((ids, inbox))
        while True:
            said = {"jsonrpc": "2.0", **(await inbox.get())}
            event = b"data: %b\n\n" % json.dumps(said).encode()
            await send({"type": "http.response.body", "body": event, "more_body": True})

    def _task(self, params: dict[str, Any]) -> Task:
        task = self.tasks.get(params.get("taskId", ""))
        if task is None:
            raise Failed(mcp.INVALID_PARAMS, "Unknown task")
        return task


Job = Callable[[Task, dict[str, Any]], Awaitable[dict[str, Any]]]


async def _slowly(task: Task, arguments: dict[str, Any]) -> dict[str, Any]:
    await asyncio.sleep(float(arguments.get("seconds", 0)))
    return _text(f"Computed {arguments.get('label', '')}")


async def _failing(task: Task, arguments: dict[str, Any]) -> dict[str, Any]:
    return _text("It failed.", isError=True)


async def _broken(task: Task, arguments: dict[str, Any]) -> dict[str, Any]:
    raise Failed(mcp.INTERNAL_ERROR, "It broke.")


async def _asking(task: Task, *keys: str) -> dict[str, Any]:
    task.wanted = {key: _form(f"{key}?", key) for key in keys}
    task.status = "input_required"
    while task.wanted:
        await task.changed.wait()
        task.changed.clear()
    task.status = "working"
    return _text(json.dumps(task.given))


async def _confirmed(task: Task, arguments: dict[str, Any]) -> dict[str, Any]:
    return await _asking(task, "confirm")


async def _twice(task: Task, arguments: dict[str, Any]) -> dict[str, Any]:
    return await _asking(task, "first", "second")


async def _named(task: Task, arguments: dict[str, Any]) -> dict[str, Any]:
    return _text(f"Hello, {arguments.get('name')}!")


_JOBS: dict[str, Job] = {
    "slow_compute": _slowly,
    "failing_job": _failing,
    "protocol_error_job": _broken,
    "confirm_delete": _confirmed,
    "multi_input": _twice,
    "test_tool_with_task": _named,
}


def _declares(params: dict[str, Any]) -> bool:
    meta: dict[str, Any] = params.get("_meta") or {}
    can: dict[str, Any] = meta.get(mcp.CAPABILITIES_META) or {}
    return mcp.TASKS_EXTENSION in (can.get("extensions") or {})


def _same(message: dict[str, Any], headers: Mapping[str, str]) -> None:
    method: str = message["method"]
    params: dict[str, Any] = message.get("params") or {}
    named = mcp.NAMED.get(method)
    if headers.get(mcp.METHOD_HEADER) != method:
        raise Failed(mcp.HEADER_MISMATCH, "Mcp-Method")
    if named is not None and mcp.decode_header(headers.get(mcp.NAME_HEADER, "")) != params.get(named):
        raise Failed(mcp.HEADER_MISMATCH, "Mcp-Name")


async def _send(send: Send, status: int, answer: dict[str, Any] | None) -> None:
    body = b"" if answer is None else json.dumps(answer).encode()
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    head.append((mcp.SESSION_HEADER.encode(), SESSION.encode()))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


async def _over_stdio() -> None:
    jobs = Jobs()
    while line := await asyncio.to_thread(sys.stdin.readline):
        message = json.loads(line)
        if "id" in message:
            _, answer = await jobs.answered(message)
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_over_stdio())
