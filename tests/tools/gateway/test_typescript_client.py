"""The TypeScript SDK's client, which nobody here wrote (scripts/install_node_tools.sh)."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from knowledge.index import Index
from tests.tools.bridged import behind_the_gateway
from tests.tools.conformance import NODE, TOOLS
from tests.tools.everything import Told
from tests.tools.world import MAYA

pytestmark = [
    pytest.mark.full,
    pytest.mark.timeout(180),
    pytest.mark.skipif(
        not (TOOLS / "node_modules/@modelcontextprotocol/client").exists(),
        reason="run scripts/install_node_tools.sh",
    ),
]
SCRIPT = """
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
const [url, token, mode] = process.argv.slice(2);
const client = new Client({ name: 'ts', version: '1' },
  { capabilities: { elicitation: { form: {} } }, versionNegotiation: { mode } });
client.setRequestHandler('elicitation/create',
  async () => ({ action: 'accept', content: { response: 'ts', name: 'ts' } }));
const headers = { Authorization: `Bearer ${token}` };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
const tools = (await client.listTools()).tools.map(tool => tool.name);
const progress = [];
await client.callTool({ name: 'test_tool_with_progress', arguments: {} },
  { onprogress: told => progress.push(told.progress) });
const asked = await client.callTool({ name: 'test_input_required_result_elicitation', arguments: {} });
const stop = new AbortController();
const slow = client.callTool({ name: 'test_slow', arguments: {} },
  { signal: stop.signal, onprogress: () => stop.abort('enough') });
const cancelled = await slow.then(() => false, () => true);
const read = await client.readResource({ uri: 'test://static-text' });
console.log(JSON.stringify({ tools: tools.length, progress, asked: asked.content[0].text, cancelled,
  read: read.contents[0].text, version: client.getNegotiatedProtocolVersion() }));
await client.close();
"""


@pytest.mark.parametrize(("mode", "version"), [("legacy", "2025-11-25"), ("auto", "2026-07-28")])
@pytest.mark.proves("GATE-115")
async def test_it_lists_calls_cancels_answers_and_hears_progress(
    tmp_path: Path, redis: Redis, index: Index, mode: str, version: str
) -> None:
    # beside the modules that it imports: where a script stands is where node looks for them
    script = TOOLS / f"switchboard-{tmp_path.name}.mjs"
    script.write_text(SCRIPT)
    told = Told()
    try:
        async with behind_the_gateway(tmp_path, redis, index, "new", told) as (gate, _):
            said = await _run(str(script), f"{gate.url}/mcp", gate.token(MAYA), mode)
            await asyncio.wait_for(told.cancelled.wait(), 20)
    finally:
        script.unlink()

    assert said == {
        "tools": 34,
        "progress": [0, 50, 100],
        "asked": "Hello, ts!",
        "cancelled": True,
        "read": "This is the content of the static text resource.",
        "version": version,
    }


async def _run(*arguments: str) -> dict[str, Any]:
    child = await asyncio.create_subprocess_exec(
        str(NODE), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(child.communicate(), 90)
    assert child.returncode == 0, err.decode() + out.decode()
    return json.loads(out)
