"""The program of one sequence: which operation needs which, and when each one runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.events import schedule_operations

Needs = tuple[int, ...]
"""Operations, by index, that have to end before another one starts."""


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
    timestep : int
        Timestep of the sequence.
    duration : int
        Clock cycles.
    needs : tuple of int
        Operations that have to end first, by index.
    """

    resource: str
    kind: str
    layer: str
    timestep: int
    duration: int
    needs: Needs


@dataclass
class Program:
    """Operations of one sequence, in the order in which they were added."""

    operations: list[Operation] = field(default_factory=list)

    def add(
        self,
        resource: str,
        kind: str,
        *,
        layer: str,
        timestep: int,
        duration: int,
        needs: Iterable[int] = (),
    ) -> int:
        """Add an operation and return its index."""
        self.operations.append(Operation(resource, kind, layer, timestep, duration, tuple(needs)))
        return len(self.operations) - 1

    def require(self, index: int, needs: Iterable[int]) -> None:
        """Let an operation that is already there wait for more operations."""
        operation = self.operations[index]
        self.operations[index] = replace(operation, needs=(*operation.needs, *needs))

    def schedule(self) -> Schedule:
        """Run the event loop and return when every operation starts and ends.

        Operations of an earlier timestep go first where several are ready in the same cycle.
        """
        names = list(dict.fromkeys(operation.resource for operation in self.operations))
        pointer = np.cumsum([0, *(len(operation.needs) for operation in self.operations)])
        start = schedule_operations(
            np.array([names.index(item.resource) for item in self.operations], dtype=np.int64),
            np.array([item.duration for item in self.operations], dtype=np.int64),
            np.array([item.timestep for item in self.operations], dtype=np.int64),
            np.zeros(len(self.operations), dtype=np.int64),
            pointer.astype(np.int64),
            np.array([need for item in self.operations for need in item.needs], dtype=np.int64),
        )
        duration = np.array([item.duration for item in self.operations], dtype=np.int64)
        return Schedule(tuple(self.operations), start, start + duration)


@dataclass(frozen=True)
class Schedule:
    """When every operation of a sequence runs, in clock cycles from the sequence's first.

    Attributes
    ----------
    operations : tuple of Operation
        The operations.
    start, end : int64 (operations,)
        First cycle, and the cycle after the last.
    """

    operations: tuple[Operation, ...]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    @property
    def cycles(self) -> int:
        """Length of one sequence in clock cycles."""
        return int(self.end.max())

    def on(self, resource: str) -> NDArray[np.int64]:
        """Return the indices of a resource's operations, by start cycle."""
        mine = [n for n, item in enumerate(self.operations) if item.resource == resource]
        return np.array(sorted(mine, key=lambda n: int(self.start[n])), dtype=np.int64)
