"""Where a trace's time goes: how busy every resource is, and the critical path.

Both come out of the trace's events, not out of a formula. The critical path of a group of sequences
is found backwards from the event that ends last: from every event to the one that it waited for
last, be it data that it needs or a resource that had to become free. What an event adds to the path
are its cycles until the next one starts. All of them, with the idle cycles where nothing on the
path works, add up to the group's length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from archsim.config.run import BUS
from archsim.trace.summary import Summary
from archsim.trace.trace import DamageError, GroupEvents, Trace

IDLE = "idle"
"""Kind of a part of the path on which nothing works; its resource is what starts after it."""


@dataclass(frozen=True)
class Step:
    """An event of the critical path.

    Attributes
    ----------
    event : int
        Index of the event in the group; -1 for idle cycles.
    start : int
        Its first cycle.
    cycles : int
        Its cycles until the next step starts.
    resource, kind : str
        What works and what it does; `IDLE` and the resource that waits.
    """

    event: int
    start: int
    cycles: int
    resource: str
    kind: str


@dataclass(frozen=True)
class PathPart:
    """What a resource does on the critical path: cycles, share of the path, how often."""

    resource: str
    kind: str
    cycles: int
    share: float
    count: int


@dataclass(frozen=True)
class Usage:
    """How busy a resource is: operations, busy cycles, share of the group's cycles."""

    resource: str
    operations: int
    busy_cycles: int
    share: float


@dataclass(frozen=True)
class Timeline:
    """Utilisation and critical path of a group of sequences.

    Attributes
    ----------
    summary : Summary
        Summary of the trace.
    events : GroupEvents
        Events of the group.
    usage : tuple of Usage
        Resources, the busiest first.
    steps : tuple of Step
        The critical path, in the order of time.
    """

    summary: Summary
    events: GroupEvents
    usage: tuple[Usage, ...]
    steps: tuple[Step, ...]

    @property
    def cycles(self) -> int:
        """Cycles of the group."""
        return self.events.cycles

    @property
    def sequences(self) -> tuple[int, ...]:
        """Sequences of the group."""
        return tuple(dict.fromkeys(self.events.sequence.tolist()))

    @property
    def path(self) -> tuple[PathPart, ...]:
        """The critical path by resource and kind, the longest part first."""
        found: dict[tuple[str, str], list[int]] = {}
        for step in self.steps:
            found.setdefault((step.resource, step.kind), []).append(step.cycles)
        parts = [
            PathPart(*name, sum(cycles), sum(cycles) / self.cycles, len(cycles))
            for name, cycles in found.items()
        ]
        return tuple(sorted(parts, key=lambda part: -part.cycles))

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``archsim timeline --json`` prints."""
        return {
            "name": self.summary.name,
            "trace": self.summary.trace,
            "sequences": list(self.sequences),
            "streams": self.summary.streams,
            "cycles": self.cycles,
            "latency_s": self.cycles / self.summary.clock_hz,
            "utilisation": [vars(item) for item in self.usage],
            "critical_path": [vars(part) for part in self.path],
            "idle_cycles": sum(step.cycles for step in self.steps if step.event < 0),
        }


def timeline_of(trace: Trace, sequence: int = 0) -> Timeline:
    """Return the timeline of the group that a sequence of a trace belongs to.

    Raises
    ------
    InputError
        If there is no such sequence.
    TraceError
        If the trace has no events, or is damaged.
    """
    events = trace.group_of(sequence)
    with trace.reading():
        return Timeline(trace.summary, events, _usage(events), critical_path(events))


def critical_path(events: GroupEvents) -> tuple[Step, ...]:
    """Return the critical path of a group; steps of no cycles are left out.

    An event that waited for another one's start rather than for its end, because the other one then
    released its resource, leaves the other one no cycles.

    Raises
    ------
    DamageError
        If events wait for each other in a circle.
    """
    steps: list[Step] = []
    event, until = int(events.end.argmax()), events.cycles
    after = events.resource[event]
    for _ in range(events.start.size):
        start, end = int(events.start[event]), min(int(events.end[event]), until)
        if end < until:
            steps.append(Step(-1, end, until - end, after, IDLE))
        after, until = events.resource[event], start
        if end > start:
            steps.append(Step(event, start, end - start, after, events.kind[event]))
        event = int(events.waited_for[event])
        if event < 0:
            if until > 0:
                steps.append(Step(-1, 0, until, after, IDLE))
            return tuple(reversed(steps))
    msg = "its events wait for each other in a circle"
    raise DamageError(msg)


def path_by_kind(trace: Trace) -> dict[str, float]:
    """Return the critical path's cycles by kind of operation, the mean over a trace's groups.

    Operations of all tiles and layers count together, so that designs compare: transfers over a
    bus as ``bus``, others by their kind. Where a conversion is one operation, its reset and
    integrate phases count as ``integrate``, as they do where they are one of their own.
    """
    groups, integrate = trace.groups(), _integrate_cycles(trace)
    out: dict[str, int] = {}
    with trace.reading():
        for events in groups:
            for name, cycles in _cycles_by_kind(events, integrate):
                out[name] = out.get(name, 0) + cycles
    return {name: cycles / len(groups) for name, cycles in out.items()}


def _cycles_by_kind(events: GroupEvents, integrate: int) -> Iterator[tuple[str, int]]:
    """Yield the kinds of a group's critical path, step by step, and how long each takes."""
    whole = "integrate" not in events.kind
    for step in critical_path(events):
        name = "bus" if step.resource == BUS else step.kind
        if step.event >= 0:
            name = name.removesuffix(f"_{events.layer[step.event]}")
        before = min(integrate, step.cycles) if whole and name == "convert" else 0
        for part, cycles in (("integrate", before), (name, step.cycles - before)):
            if cycles:
                yield part, cycles


def _integrate_cycles(trace: Trace) -> int:
    """Return the reset and integrate cycles of a conversion, 0 in a trace without cycles."""
    for tile in trace.tiles():
        later = np.flatnonzero(~np.isin(tile.phase, tile.codes(("reset", "integrate"))))
        if later.size:
            return int(later[0])
    return 0


def _usage(events: GroupEvents) -> tuple[Usage, ...]:
    """Return how busy every resource is; a resource does one operation at a time."""
    busy, count = dict.fromkeys(events.resource, 0), dict.fromkeys(events.resource, 0)
    lengths = (events.end - events.start).tolist()
    for resource, cycles in zip(events.resource, lengths, strict=True):
        busy[resource] += cycles
        count[resource] += 1
    found = (Usage(name, count[name], busy[name], busy[name] / events.cycles) for name in busy)
    return tuple(sorted(found, key=lambda usage: -usage.busy_cycles))
