"""Work on the samples of one call by several threads."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

from .arguments import is_integer
from .errors import InputError

_GRAIN = 512  # samples of the widest word
_CHUNKS = 8  # for each thread, so that one that is held up leaves its share to the others


def check_threads(threads: Any) -> None:
    """Raise InputError unless `threads` is an integer from 1."""
    if not is_integer(threads, 1):
        raise InputError(f"threads {threads!r}; allowed are integers from 1")


def in_chunks(work: Callable[[int, int], None], n: int, threads: int) -> None:
    """Call work(start, stop) for chunks that together are 0 to n, each a multiple of 512 samples.

    The caller is one of the threads; the others wait between calls. Each takes the next chunk when
    it is done with one, and what no helper has begun when all chunks are taken, is called off.

    Raises:
        Exception: what `work` raises; no other chunk is running then.
    """
    words = -(-n // _GRAIN)
    threads = min(threads, words)
    if threads <= 1:
        work(0, n)
        return
    size = _GRAIN * max(1, words // (threads * _CHUNKS))
    starts = deque(range(0, n, size))

    def take() -> None:
        while True:
            try:
                start = starts.popleft()
            except IndexError:
                return
            try:
                work(start, min(start + size, n))
            except BaseException:
                starts.clear()
                raise

    helpers = [_pool(threads - 1).submit(take) for _ in range(threads - 1)]
    try:
        take()
    finally:
        begun = [helper for helper in helpers if not helper.cancel()]
        errors = [helper.exception() for helper in begun]
    for error in filter(None, errors):
        raise error


@lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="gatewright")


if hasattr(os, "register_at_fork"):  # a forked child has none of its parent's threads
    os.register_at_fork(after_in_child=_pool.cache_clear)
