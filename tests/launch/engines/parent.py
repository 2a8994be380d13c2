"""A process that owns engines, for tests that kill it: prints what it runs, then waits."""

import json
import sys
from pathlib import Path

from launch.engines import start_postgres, start_valkey

if __name__ == "__main__":
    data = Path(sys.argv[1])
    engines = [start_postgres(data), start_valkey(data)]
    print(json.dumps([[each.url, each.supervisor.pid, each.pid] for each in engines]), flush=True)
    sys.stdin.read()
