"""The program of a group of sequences: which operation needs which, and when each one runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.events import Operations, schedule_operations

Needs = tuple[int, ...]
"""Operations, by index, that have to end before another one starts."""

Part = tuple[str, int, int, int]
"""What of a conversion an operation does: name of the matrix, number of the bank, number of the
conversion in its sequence, and the conversion's cycle with which it begins."""


@dataclass(frozen=True)
class Operation:
    """One operation on one resource.

    Attributes
    ----------
    resource : str
        Tile or digital unit that it occupies.
    kind : str
        What it does there.
    layer : str
        Layer that it belongs to.
    stream : int
        Input stream that it is done for.
    timestep : int
        Timestep of the sequence.
    duration : int
        Clock cycles.
    needs : tuple of int
        Operations that have to end first, by index.
    part : tuple, optional
        What of a conversion it does.
    releases : int
        An earlier operation that holds its resource until this one starts, -1 for none.
    turn : int
        Of operations that are ready in the same cycle, the one with the least goes first.
    """

    resource: str
    kind: str
    layer: str
    stream: int
    timestep: int
    duration: int
    needs: Needs
    part: Part | None = None
    releases: int = -1
    turn: int = 0


@dataclass
class Program:
    """Operations of the sequences that are at work together, in the order of adding.

    `stream` is the stream that operations are added for, `begins` the timestep of their sequence
    that they count from: not 0 behind a layer that works once a sequence.
    """

    operations: list[Operation] = field(default_factory=list)
    stream: int = 0
    begins: int = 0
    _last: int | None = None

    @contextmanager
    def against_time(self, timesteps: int) -> Iterator[None]:
        """Add operations of a sequence that is gone through from its last timestep to its first."""
        self._last = timesteps - 1
        try:
            yield
        finally:
            self._last = None

    def place_of(self, timestep: int) -> int:
        """Return which timestep of its sequence comes as which in the order that is added."""
        return timestep if self._last is None else self._last - timestep

    def add(
        self,
        resource: str,
        kind: str,
        *,
        layer: str,
        timestep: int,
        duration: int,
        needs: Iterable[int] = (),
        part: Part | None = None,
        releases: int = -1,
    ) -> int:
        """Add an operation and return its index."""
        self.operations.append(
            Operation(
                resource,
                kind,
                layer,
                self.stream,
                self.begins + timestep,
                duration,
                tuple(needs),
                part,
                releases,
                self.begins + self.place_of(timestep),
            )
        )
        return len(self.operations) - 1

    def require(self, index: int, needs: Iterable[int]) -> None:
        """Let an operation that is already there wait for more operations."""
        operation = self.operations[index]
        self.operations[index] = replace(operation, needs=(*operation.needs, *needs))

    def schedule(self) -> Schedule:
        """Run the event loop and return when every operation starts and ends.

        Operations of an earlier timestep go first where several are ready in the same cycle; those
        of a layer that runs against time, of a later one.
        """
        duration = np.array([item.duration for item in self.operations], dtype=np.int64)
        return _timed(tuple(self.operations), _arrays(self.operations), duration)


def _arrays(operations: list[Operation]) -> Operations:
    """Turn operations into what the event loop sees."""
    names = {name: n for n, name in enumerate(dict.fromkeys(item.resource for item in operations))}
    releases = np.array([item.releases for item in operations], dtype=np.int64)
    held = np.zeros(len(operations), dtype=np.int64)
    held[releases[releases >= 0]] = 1
    pointer = np.cumsum([0, *(len(item.needs) for item in operations)], dtype=np.int64)
    return Operations(
        resource=np.array([names[item.resource] for item in operations], dtype=np.int64),
        priority=np.array([item.turn for item in operations], dtype=np.int64),
        releases=releases,
        held=held,
        need_pointer=pointer,
        need=np.array([need for item in operations for need in item.needs], dtype=np.int64),
    )


def _timed(
    operations: tuple[Operation, ...], arrays: Operations, duration: NDArray[np.int64]
) -> Schedule:
    start, cause = schedule_operations(arrays, duration)
    return Schedule(operations, arrays, start, start + duration, cause)


@dataclass(frozen=True)
class Schedule:
    """When every operation runs, in clock cycles from the group's first.

    Attributes
    ----------
    operations : tuple of Operation
        The operations.
    arrays : Operations
        The same for the event loop.
    start, end : int64 (operations,)
        First cycle, and the cycle after the last.
    cause : int64 (operations,)
        The operation for which each one waited last, -1 for none.
    """

    operations: tuple[Operation, ...]
    arrays: Operations
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    cause: NDArray[np.int64]

    @property
    def cycles(self) -> int:
        """Length of one group of sequences in clock cycles."""
        return int(self.end.max())

    @property
    def resources(self) -> tuple[str, ...]:
        """Names of the resources, in the order of their numbers."""
        return tuple(dict.fromkeys(item.resource for item in self.operations))

    def with_durations(self, duration: NDArray[np.int64]) -> Schedule:
        """Run the event loop again with other durations (operations,)."""
        return _timed(self.operations, self.arrays, duration)

    def on(self, resource: str, stream: int | None = None) -> NDArray[np.int64]:
        """Return the indices of a resource's operations, by start cycle; one stream's, or all."""
        mine = [
            index
            for index, item in enumerate(self.operations)
            if item.resource == resource and stream in (None, item.stream)
        ]
        return np.array(sorted(mine, key=lambda index: int(self.start[index])), dtype=np.int64)

    def busy(self) -> NDArray[np.int64]:
        """Return the cycles in which each resource is at work (resources,)."""
        cycles = np.zeros(len(self.resources), dtype=np.int64)
        np.add.at(cycles, self.arrays.resource, self.end - self.start)
        return cycles
