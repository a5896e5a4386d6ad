"""Reader of a trace's events: the operations of one group of sequences, in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import h5py
import numpy as np
from numpy.typing import NDArray

from archsim.errors import InputError, TraceError
from archsim.trace import checked
from archsim.trace.checked import DamageError
from archsim.trace.source import Source
from archsim.trace.summary import Summary

_NUMBERS = ("start_cycle", "end_cycle", "stream", "sequence", "timestep", "waited_for")
_NAMES = ("resource", "kind", "layer")


@dataclass(frozen=True)
class GroupEvents:
    """Events of a group: of one sequence a stream.

    Attributes
    ----------
    group : int
        Number of the group in the run.
    start, end : int64 (events,)
        First cycle, and the cycle after the last, from the group's first.
    resource, kind, layer : tuple of str (events,)
        What works, what it does there, and for which layer.
    stream, sequence, timestep : int64 (events,)
        What it works on.
    waited_for : int64 (events,)
        The event that each one waited for last: one that it needs, or one that made its resource
        free; -1 for none.
    """

    group: int
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    resource: tuple[str, ...]
    kind: tuple[str, ...]
    layer: tuple[str, ...]
    stream: NDArray[np.int64]
    sequence: NDArray[np.int64]
    timestep: NDArray[np.int64]
    waited_for: NDArray[np.int64]

    @property
    def cycles(self) -> int:
        """Cycles of the group, from its first event's start to its last event's end."""
        return int(self.end.max())


def read_groups(
    source: Source, summary: Summary, numbers: Sequence[int] | None = None
) -> list[GroupEvents]:
    """Read the events of groups of a trace.

    Parameters
    ----------
    source : Source
        The trace's file; it has to have events.
    summary : Summary
        The trace's summary.
    numbers : sequence of int, optional
        Which groups; by default all whose streams all have a sequence, or else the only one.

    Raises
    ------
    InputError
        If there is no such group.
    TraceError
        If it has no events, or is damaged.
    """
    full = range(max(summary.sequences // summary.streams, 1))
    chosen = list(full if numbers is None else numbers)
    for number in chosen:
        if not 0 <= number < summary.groups:
            count = summary.groups
            msg = f"{source.path}: there is no group {number}; it has {count}, counted from 0"
            raise InputError(msg)
    with source.lent() as file:
        if "events" not in file:
            msg = f"{source.path}: it has no events: run with --set trace.level=event"
            raise TraceError(msg)
        return _read(checked.group(file, "events"), summary, chosen) if chosen else []


def read_group_of(source: Source, summary: Summary, sequence: int) -> GroupEvents:
    """Read the events of the group that a sequence belongs to.

    Raises
    ------
    InputError
        If there is no such sequence.
    TraceError
        If the trace has no events, or is damaged.
    """
    check_sequence(sequence, summary.sequences, "trace")
    (found,) = read_groups(source, summary, [sequence // summary.streams])
    return found


def check_sequence(sequence: int, count: int, of: str) -> None:
    """Raise InputError unless there is a sequence of this number among `count`."""
    if not 0 <= sequence < count:
        msg = f"--sequence: there is no sequence {sequence}; the {of} has {count}, counted from 0"
        raise InputError(msg)


def _read(events: h5py.Group, summary: Summary, groups: list[int]) -> list[GroupEvents]:
    """Read groups; events are in the file sequence by sequence."""
    total = checked.dataset(events, "start_cycle", "i", (None,)).shape[0]
    first = _first_events(events, summary, total)
    spans = {
        group: slice(
            int(first[group * summary.streams]),
            int(first[min((group + 1) * summary.streams, summary.sequences)]),
        )
        for group in groups
    }
    begin = min(span.start for span in spans.values())
    whole = slice(begin, max(span.stop for span in spans.values()))
    number = {name: checked.whole_span(events, name, total, whole) for name in _NUMBERS}
    name = {name: checked.named(events, name, total, whole) for name in _NAMES}
    return [
        _group(
            group,
            slice(spans[group].start - begin, spans[group].stop - begin),
            spans[group].start,
            number=number,
            name=name,
            summary=summary,
        )
        for group in groups
    ]


def _first_events(events: h5py.Group, summary: Summary, total: int) -> NDArray[np.int64]:
    """Return the number of each sequence's first event, and at the end how many there are.

    Sequences of one length have equally many; where lengths differ, the file says whose each is.
    """
    if summary.mean_timesteps == summary.timesteps:
        each, rest = divmod(total, summary.sequences)
        if rest or not each:
            what = f"has {total} events, not as many a sequence"
            raise checked.damage(events, "start_cycle", what)
        return np.arange(summary.sequences + 1, dtype=np.int64) * each
    of = checked.whole_span(events, "sequence", total, slice(None))
    first = np.searchsorted(of, np.arange(summary.sequences + 1))
    ordered = of.size and (np.diff(of) >= 0).all() and of[0] >= 0 and of[-1] < summary.sequences
    if not ordered or (np.diff(first) == 0).any():
        raise checked.damage(events, "sequence", "is not one sequence after the other")
    return first.astype(np.int64)


def _group(
    group: int,
    mine: slice,
    first: int,
    *,
    number: dict[str, NDArray[np.int64]],
    name: dict[str, list[str]],
    summary: Summary,
) -> GroupEvents:
    """Return one group, `mine` of what was read; its events count from `first` in the file."""
    start, end = number["start_cycle"][mine], number["end_cycle"][mine]
    base = start.min()
    waited = number["waited_for"][mine]
    found = GroupEvents(
        group,
        start - base,
        end - base,
        resource=tuple(name["resource"][mine]),
        kind=tuple(name["kind"][mine]),
        layer=tuple(name["layer"][mine]),
        stream=number["stream"][mine],
        sequence=number["sequence"][mine],
        timestep=number["timestep"][mine],
        waited_for=np.where(waited == -1, -1, waited - first),
    )
    _check(found, summary)
    return found


def _check(events: GroupEvents, summary: Summary) -> None:
    """Raise unless every event ends after its start and waited for an earlier one."""
    known = events.waited_for >= 0
    cause = events.waited_for[known]
    outside = cause.size and cause.max() >= events.start.size
    if outside or (events.waited_for < -1).any() or (events.end < events.start).any():
        msg = "events are outside of their group, or end before they start"
        raise DamageError(msg)
    if (events.start[cause] > events.start[known]).any():
        msg = "an event starts before the one that it waited for"
        raise DamageError(msg)
    if not 0 < events.cycles <= summary.total_cycles:
        msg = f"a group of events takes {events.cycles:,} of {summary.total_cycles:,} cycles"
        raise DamageError(msg)
    for name, limit in (
        ("stream", summary.streams),
        ("sequence", summary.sequences),
        ("timestep", summary.timesteps),
    ):
        found = getattr(events, name)
        if found.min() < 0 or found.max() >= limit:
            msg = f"an event has a {name} that the run does not have"
            raise DamageError(msg)
