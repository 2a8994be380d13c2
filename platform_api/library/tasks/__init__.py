"""What the worker does for the library, one file per task."""

from platform_api.library.tasks.ingest import LibraryTasks

__all__ = ["LibraryTasks"]
