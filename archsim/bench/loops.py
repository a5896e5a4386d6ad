"""Plain loops over memory: what this machine does, to hold kernels against."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.bench.paired import REPEATS, median_time, paired_times

_STRETCH = 1 << 24
"""Bytes that one call of a loop reads or writes at least: a call's own cost must not count."""

_IN_CACHE = 1 << 14

_LONG_STRETCH = 1 << 30
"""The same of loops in two threads: waking a thread up must not count."""


def read_rate(size: int, *, repeats: int = REPEATS) -> float:
    """Return how fast a loop reads a buffer of `size` bytes again and again, bytes/s."""
    return _rate(_loops()[0], size, repeats)


def write_rate(size: int, *, repeats: int = REPEATS) -> float:
    """Return how fast a loop writes a buffer of `size` bytes again and again, bytes/s."""
    return _rate(_loops()[1], size, repeats)


def gain_of_cores(*, repeats: int = REPEATS) -> float:
    """Return how many times as fast two loops are in two threads as one after the other.

    Nothing is shared between them, so this is what two cores give at the moment: less than 2 where
    something else is at work.
    """
    loop = _loops()[0]
    buffers = [np.ones(_IN_CACHE // 8, dtype=np.int64) for _ in range(2)]
    times = max(1, _LONG_STRETCH // _IN_CACHE)
    with ThreadPoolExecutor(2) as pool:
        return paired_times(
            lambda: [loop(buffer, times) for buffer in buffers],
            lambda: list(pool.map(loop, buffers, [times, times])),
            repeats=repeats,
        ).ratio


def _rate(loop: Callable[[NDArray[np.int64], int], object], size: int, repeats: int) -> float:
    buffer = np.ones(max(1, size // 8), dtype=np.int64)
    times = max(1, _STRETCH // buffer.nbytes)
    seconds = median_time(lambda: loop(buffer, times), repeats=repeats)
    return buffer.nbytes * times / seconds


@cache
def _loops() -> tuple[Any, Any]:
    """Return the loops that read and write, compiled."""
    import numba

    compiler: Any = numba.njit
    return compiler(nogil=True)(_read), compiler(nogil=True)(_write)


def _read(buffer: NDArray[np.int64], times: int) -> int:
    total = 0
    for _ in range(times):
        for index in range(buffer.size):
            total += buffer[index]
    return total


def _write(buffer: NDArray[np.int64], times: int) -> None:
    for time in range(times):
        for index in range(buffer.size):
            buffer[index] = time
