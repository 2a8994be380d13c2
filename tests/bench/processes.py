"""What a tree of processes costs: memory and CPU, over all of it."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Share:
    """One process: its command, proportional set size in MB."""

    name: str
    pss_mb: float


def tree(pid: int) -> list[psutil.Process]:
    """The process and everything below it."""
    root = psutil.Process(pid)
    return [root, *root.children(recursive=True)]


def memory(pid: int) -> list[Share]:
    """Proportional set size: shared pages count once over all who share them (smaps_rollup)."""
    shares: list[Share] = []
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess, OSError):
            shares.append(Share(_name(process), pss_kb(process.pid) / 1024))
    return shares


def pss_kb(pid: int) -> int:
    """From /proc/PID/smaps_rollup; 0 where the process has no memory of its own any more."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def cpu_seconds(pid: int) -> dict[int, float]:
    """User and system time of each process of the tree since its start."""
    spent: dict[int, float] = {}
    for process in tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            spent[process.pid] = times.user + times.system
    return spent


def cpu_between(before: dict[int, float], after: dict[int, float]) -> float:
    """Seconds; a process that ended in between counts nothing."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items())


def _name(process: psutil.Process) -> str:
    words = process.cmdline() or [process.name()]
    return " ".join(Path(word).name for word in words[:4])[:48]
