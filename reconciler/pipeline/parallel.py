"""Does the same with several things at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

WORKERS = 8

Given = TypeVar("Given")
Made = TypeVar("Made")


def in_parallel(function: Callable[[Given], Made], items: Sequence[Given]) -> list[Made]:
    """Return what a function makes of each item, in order, made by several threads."""
    if len(items) < 2:  # noqa: PLR2004 - a thread for one item is a waste
        return [function(item) for item in items]
    executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="sync")
    is_awaited = True
    try:
        return list(executor.map(function, items))
    except KeyboardInterrupt:  # an interrupted program does not wait for the API server
        is_awaited = False
        raise
    finally:
        executor.shutdown(wait=is_awaited, cancel_futures=True)
