"""How often a worker looks around."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. New jobs are announced; polling finds due retries."""

    poll_s: float = 2.0
    look_s: float = 1.0
    """How often it looks for jobs of workers whose connection is gone, to take them over."""
    count_s: float = 15.0
    """How often the numbers of jobs are counted for the metrics."""
    heartbeat_s: float = 5.0
    lost_after_s: float = 20.0
    """Without a heartbeat for so long, a worker is lost although its connection lives."""
    stop_within_s: float = 20.0
    """A stopping worker lets its jobs finish for so long; then they are cut off and run again elsewhere."""
    reconnect_s: float = 1.0
