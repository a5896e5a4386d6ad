"""When tiles and digital units worked, by a trace's recorded cycles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.trace import checked
from archsim.trace.source import Source


@dataclass(frozen=True)
class Work:
    """When a tile or a digital unit worked.

    Attributes
    ----------
    name : str
        Its name.
    cycle, sequence : int64 (cycles,)
        The cycles, from the start of the run, and the sequence that each was spent on.
    phase : uint8 (cycles,)
        Phase of a tile's conversion in each; all 0 of a unit.
    phases : dict of int to str
        Names of the phases; none of a unit.
    components : tuple of str
        Components that spend energy.
    """

    name: str
    cycle: NDArray[np.int64]
    sequence: NDArray[np.int64]
    phase: NDArray[np.uint8]
    phases: dict[int, str]
    components: tuple[str, ...]

    def codes(self, names: Iterable[str]) -> list[int]:
        """Return the numbers of phases by their names."""
        wanted = {*names}
        return [code for code, name in self.phases.items() if name in wanted]


def read_work(source: Source, room: str) -> Iterator[Work]:
    """Yield what the parts of a group of the file did, one in memory at a time.

    Raises
    ------
    TraceError
        If the trace is damaged.
    """
    with source.lent() as file:
        names = list(checked.group(file, room)) if room in file else []
    for name in names:
        with source.lent() as file:
            group = checked.group(checked.group(file, room), name)
            cycle = checked.whole(group, "cycle")
            phases: dict[int, str] = {}
            phase = np.zeros(cycle.size, dtype=np.uint8)
            if room == "tiles":
                stored, phases = checked.enumerated(group, "phase", cycle.size)
                phase = stored[...]
            found = Work(
                name,
                cycle,
                checked.whole(group, "sequence", cycle.size),
                phase,
                phases,
                tuple(checked.names(group, "component")),
            )
        yield found
