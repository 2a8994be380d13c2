"""Jobs on the same Postgres (procrastinate): deferred in the caller's transaction, retried, taken over."""

from ports.queue.pace import Pace
from ports.queue.queue import FailedJob, Queue
from ports.queue.schema import apply_schema
from ports.queue.tasks import GiveUp, Tasks
from ports.queue.worker import QueueWorker

__all__ = ["FailedJob", "GiveUp", "Pace", "Queue", "QueueWorker", "Tasks", "apply_schema"]
