"""A gateway that lists what it is told to, where the platform probes servers through it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from kit.wire.interactions import AskRemembered, Remembered, RememberedApproval
from kit.wire.internal import Probed, ProbeProblem, ProbeServer


def definition(name: str = "files.read", **changes: Any) -> dict[str, Any]:
    """An MCP tool object of which nothing is remarkable."""
    plain = {
        "name": name,
        "description": "Reads one file of the project folder.",
        "inputSchema": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
        "annotations": {"readOnlyHint": True},
    }
    return {key: value for key, value in (plain | changes).items() if value is not None}


@dataclass
class ListingGateway:
    tools: list[dict[str, Any]] = field(default_factory=lambda: [definition(), definition("files.write")])
    problem: ProbeProblem | None = None
    asked: list[ProbeServer] = field(default_factory=list[ProbeServer])
    headers: list[Mapping[str, str]] = field(default_factory=list[Mapping[str, str]])
    url: str = ""
    remembered: dict[str, list[RememberedApproval]] = field(
        default_factory=dict[str, list[RememberedApproval]]
    )
    """By user."""

    async def approvals(self, request: web.Request) -> web.Response:
        asked = AskRemembered.model_validate_json(await request.read())
        self.headers.append(dict(request.headers))
        kept = self.remembered.get(str(asked.user_id), [])
        left = [one for one in kept if one.id != asked.forget]
        self.remembered[str(asked.user_id)] = left
        answer = Remembered(items=left, forgotten=len(left) < len(kept))
        return web.Response(text=answer.model_dump_json(), content_type="application/json")

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(ProbeServer.model_validate_json(await request.read()))
        self.headers.append(dict(request.headers))
        probed = Probed(
            reachable=self.problem is None,
            revision="2025-11-25",
            server_info={"name": "files", "version": "1"},
            tools=[] if self.problem else self.tools,
            took_ms=1.5,
            problem=self.problem,
        )
        return web.Response(text=probed.model_dump_json(), content_type="application/json")

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/internal/v1/definitions", self.answer)
        app.router.add_post("/internal/v1/approvals", self.approvals)
        return app
