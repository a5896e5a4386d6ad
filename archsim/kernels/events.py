"""The event loop: starts operations on resources at whole clock cycles.

An operation is ready when every operation that it needs has ended, and starts when it is ready and
its resource is free. Operations start in the order ``(cycle, priority, index)``: when a resource
becomes free, of all that are ready for it then, the one with the least ``(priority, index)`` goes
first, however long the others have waited. A schedule is therefore reproducible.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.jit import kernel


@kernel
def schedule_operations(
    resource: NDArray[np.int64],
    duration: NDArray[np.int64],
    priority: NDArray[np.int64],
    release: NDArray[np.int64],
    need_pointer: NDArray[np.int64],
    need: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the cycle in which each operation starts, -1 for those that never can.

    Parameters
    ----------
    resource : int64 (operations,)
        The resource that each operation occupies, one operation at a time.
    duration : int64 (operations,)
        Whole clock cycles, at least 1.
    priority : int64 (operations,)
        Lower goes first among operations that are ready in the same cycle.
    release : int64 (operations,)
        First cycle in which the operation may start.
    need_pointer : int64 (operations + 1,)
        ``need[need_pointer[n]:need_pointer[n + 1]]`` are the operations that n waits for.
    need : int64 (needs,)
        Operation indices.

    Returns
    -------
    int64 (operations,)
        Start cycles.
    """
    operations = resource.shape[0]
    if operations == 0:
        return np.zeros(0, dtype=np.int64)
    waits = need_pointer[1:] - need_pointer[:-1]
    user_pointer, user = _invert(need_pointer, need)
    ready_at = release.copy()
    start = np.full(operations, -1, dtype=np.int64)
    free_at = np.zeros(resource.max() + 1, dtype=np.int64)
    # What becomes ready, or a resource (as -1 - place) that becomes free, by cycle; and for every
    # resource, what is ready and waits for it, by (priority, index). The first entries give types.
    events = [(np.int64(0), np.int64(0)) for _ in range(0)]
    waiting = [[(np.int64(0), np.int64(0)) for _ in range(0)] for _ in range(free_at.shape[0])]
    for first in range(operations):
        if waits[first] == 0:
            heapq.heappush(events, (ready_at[first], np.int64(first)))
    while len(events) > 0:
        cycle = events[0][0]
        while len(events) > 0 and events[0][0] == cycle:
            _, event = heapq.heappop(events)
            if event >= 0:
                heapq.heappush(waiting[resource[event]], (priority[event], event))
        for place in range(free_at.shape[0]):
            if free_at[place] > cycle or len(waiting[place]) == 0:
                continue
            _, operation = heapq.heappop(waiting[place])
            start[operation] = cycle
            end = cycle + duration[operation]
            free_at[place] = end
            heapq.heappush(events, (end, np.int64(-1 - place)))
            for index in range(user_pointer[operation], user_pointer[operation + 1]):
                other = user[index]
                ready_at[other] = max(ready_at[other], end)
                waits[other] -= 1
                if waits[other] == 0:
                    heapq.heappush(events, (ready_at[other], np.int64(other)))
    return start


@kernel
def _invert(
    need_pointer: NDArray[np.int64], need: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Turn "what each operation needs" into "who needs each operation", in the same form."""
    operations = need_pointer.shape[0] - 1
    pointer = np.zeros(operations + 1, dtype=np.int64)
    for index in range(need.shape[0]):
        pointer[need[index] + 1] += 1
    for operation in range(operations):
        pointer[operation + 1] += pointer[operation]
    fill = pointer[:-1].copy()
    user = np.empty(need.shape[0], dtype=np.int64)
    for operation in range(operations):
        for index in range(need_pointer[operation], need_pointer[operation + 1]):
            user[fill[need[index]]] = operation
            fill[need[index]] += 1
    return pointer, user
