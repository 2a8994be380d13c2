"""FastMCP's proxy for the gateway's bench: `python -m tests.bench.gateway_fastmcp URL`, in a process that has
the folder of foreign tools (scripts/install_node_tools.sh) on its path. Nothing of ours is imported: its
libraries have other versions.
"""

import os
import socket
import sys
from importlib import import_module
from typing import Any

import uvicorn


def main(upstream: str) -> None:
    # what stands beside it sends no telemetry and shows no banner either
    os.environ.setdefault("FASTMCP_CHECK_FOR_UPDATES", "off")
    fastmcp: Any = import_module("fastmcp.server")
    app = fastmcp.create_proxy(upstream).http_app(json_response=True, stateless_http=True)
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    sys.stdout.write(f"port:{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(app, log_level="error", loop="uvloop", http="httptools", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main(sys.argv[1])
