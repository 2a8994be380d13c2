import os

from tests.bench import processes
from tests.bench.turn_bench import Line


def test_the_memory_of_this_process_is_counted() -> None:
    shares = processes.memory(os.getpid())
    assert shares[0].pss_mb > 1


def test_cpu_counts_what_was_spent_in_between() -> None:
    assert processes.cpu_between({1: 2.0}, {1: 2.5, 2: 1.0}) == 1.5
    before = processes.cpu_seconds(os.getpid())
    assert processes.cpu_between(before, processes.cpu_seconds(os.getpid())) >= 0


def test_a_figure_stands_beside_its_target() -> None:
    assert Line("first text, p50", 30, "ms", 60).shown().split()[-3:] == ["60", "ms", "0.50×"]
