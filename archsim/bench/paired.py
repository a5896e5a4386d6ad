"""Times of two things taken in turn, so that what else the machine does meets both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

REPEATS = 7
_SECONDS = 0.08


@dataclass(frozen=True)
class Paired:
    """Times of two calls.

    Attributes
    ----------
    ours, theirs : float
        Median time of a call, s.
    ratio : float
        Median of the ratios, pair by pair.
    """

    ours: float
    theirs: float
    ratio: float


def paired_times(
    ours: Callable[[], object], theirs: Callable[[], object], *, repeats: int = REPEATS
) -> Paired:
    """Time two calls in turn; quick ones are called many times for one time."""
    return _paired(ours, theirs, [_calls_for(call) for call in (ours, theirs)], repeats)


def paired_once(
    ours: Callable[[], object], theirs: Callable[[], object], *, repeats: int
) -> Paired:
    """Time two slow calls in turn, each called once for one time and not warmed up."""
    return _paired(ours, theirs, [1, 1], repeats)


def _paired(
    ours: Callable[[], object], theirs: Callable[[], object], counts: list[int], repeats: int
) -> Paired:
    pairs = [
        tuple(_time(call, count) for call, count in zip((ours, theirs), counts, strict=True))
        for _ in range(repeats)
    ]
    return Paired(
        ours=statistics.median(first for first, _ in pairs),
        theirs=statistics.median(second for _, second in pairs),
        ratio=statistics.median(first / second for first, second in pairs),
    )


def median_time(call: Callable[[], object], *, repeats: int = REPEATS) -> float:
    """Return the median time of a call, s."""
    count = _calls_for(call)
    return statistics.median(_time(call, count) for _ in range(repeats))


def _calls_for(call: Callable[[], object]) -> int:
    call()  # compiles, fills caches
    return max(1, int(_SECONDS / max(_time(call, 1), 1e-9)))


def _time(call: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count
