"""The event loop: starts operations on resources at whole clock cycles.

An operation is ready when every operation that it needs has ended, and starts when it is ready and
its resource is free. Operations start in the order ``(cycle, priority, index)``: when a resource
becomes free, of all that are ready for it then, the one with the least ``(priority, index)`` goes
first, however long the others have waited. A schedule is therefore reproducible.

An operation may hold its resource until a later operation starts elsewhere: an integrator keeps its
charge until a sample-and-hold takes it.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.numeric.jit import kernel

_HELD = np.iinfo(np.int64).max


class Operations(NamedTuple):
    """Operations and what they need.

    Attributes
    ----------
    resource : int64 (operations,)
        The resource that each operation occupies, one operation at a time.
    priority : int64 (operations,)
        Lower goes first among operations that are ready in the same cycle.
    releases : int64 (operations,)
        An earlier operation that holds its resource until this one starts, -1 for none.
    held : int64 (operations,)
        1 for an operation that holds its resource until another one starts.
    need_pointer : int64 (operations + 1,)
        ``need[need_pointer[n]:need_pointer[n + 1]]`` are the operations that n waits for.
    need : int64 (needs,)
        Operation indices.
    """

    resource: NDArray[np.int64]
    priority: NDArray[np.int64]
    releases: NDArray[np.int64]
    held: NDArray[np.int64]
    need_pointer: NDArray[np.int64]
    need: NDArray[np.int64]


@kernel
def schedule_operations(  # noqa: PLR0912 - one loop whose state would be handed around otherwise
    operations: Operations, duration: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the cycle in which each operation starts, -1 for those that never can, and why then.

    Parameters
    ----------
    operations : Operations
        What there is to do.
    duration : int64 (operations,)
        Whole clock cycles, at least 1.

    Returns
    -------
    start : int64 (operations,)
        First cycles.
    cause : int64 (operations,)
        The operation for which each one waited last: the one that it needs, or the one that made
        its resource free; -1 for one that did not wait.
    """
    resource, priority, releases = operations.resource, operations.priority, operations.releases
    count = resource.shape[0]
    start = np.full(count, -1, dtype=np.int64)
    cause = np.full(count, -1, dtype=np.int64)
    if count == 0:
        return start, cause
    waits = operations.need_pointer[1:] - operations.need_pointer[:-1]
    user_pointer, user = _invert(operations.need_pointer, operations.need)
    ready_at = np.zeros(count, dtype=np.int64)
    free_at = np.zeros(resource.max() + 1, dtype=np.int64)
    freed_by = np.full(free_at.shape[0], -1, dtype=np.int64)
    # What becomes ready, or a resource (as -1 - place) that becomes free, by cycle; and for every
    # resource, what is ready and waits for it, by (priority, index). The first entries give types.
    events = [(np.int64(0), np.int64(0)) for _ in range(0)]
    waiting = [[(np.int64(0), np.int64(0)) for _ in range(0)] for _ in range(free_at.shape[0])]
    for first in range(count):
        if waits[first] == 0:
            heapq.heappush(events, (np.int64(0), np.int64(first)))
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
            if ready_at[operation] < cycle:
                cause[operation] = freed_by[place]
            end = cycle + duration[operation]
            if operations.held[operation] == 1:
                free_at[place] = _HELD
            else:
                free_at[place] = end
                freed_by[place] = operation
                heapq.heappush(events, (end, np.int64(-1 - place)))
            if releases[operation] >= 0:
                held_place = resource[releases[operation]]
                free_at[held_place] = cycle
                freed_by[held_place] = operation
                heapq.heappush(events, (cycle, np.int64(-1 - held_place)))
            for index in range(user_pointer[operation], user_pointer[operation + 1]):
                other = user[index]
                if end >= ready_at[other]:
                    ready_at[other] = end
                    cause[other] = operation
                waits[other] -= 1
                if waits[other] == 0:
                    heapq.heappush(events, (ready_at[other], np.int64(other)))
    return start, cause


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
