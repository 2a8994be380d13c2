"""What the worker does for the library, one file per task."""

from platform_api.library.tasks.changes import ChangeTasks
from platform_api.library.tasks.ingest import LibraryTasks
from platform_api.library.tasks.reconcile import Reconcile
from platform_api.library.tasks.sources import SourceTasks

__all__ = ["ChangeTasks", "LibraryTasks", "Reconcile", "SourceTasks"]
