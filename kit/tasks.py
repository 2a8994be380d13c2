"""What tasks of asyncio need beyond asyncio."""

import asyncio


def being_cancelled() -> bool:
    """Whether the task that asks is to end, so that what it meets on its way out must not hide that.

    A library that is cut off in the middle may raise an error of its own instead of CancelledError; a loop
    that goes on after errors would then go on for ever.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
