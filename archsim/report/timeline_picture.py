"""A trace's first timesteps as a Gantt chart: resources over time, streams in colours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from archsim.analysis.timeline import Timeline

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_TIMESTEPS = 3
"""Timesteps that the chart shows to their end."""
_RESOURCES = 40
"""Most resources that it shows: those that work most in that time."""
_COLOURS = 10
_WIDTH = 10.0
_LETTER = 0.0062
"""Share of the chart's width that a letter takes."""


def draw_timeline(figure: Figure, timeline: Timeline) -> None:
    """Draw the events until the first timesteps end; the critical path is drawn in black below.

    Resources stand in the order in which they begin to work.
    """
    events = timeline.events
    first = events.timestep < _TIMESTEPS
    last_layer = events.end[first & _is_recurrent(timeline)]
    until = int(last_layer.max()) if last_layer.size else timeline.cycles
    shown = np.flatnonzero(events.start < until)
    busy: dict[str, int] = {}
    for index in sorted(shown.tolist(), key=lambda index: (int(events.start[index]), index)):
        name = events.resource[index]
        busy[name] = (
            busy.get(name, 0) + min(int(events.end[index]), until) - int(events.start[index])
        )
    most = set(sorted(busy, key=lambda name: -busy[name])[:_RESOURCES])
    rows = {name: row for row, name in enumerate(name for name in busy if name in most)}
    figure.set_size_inches(_WIDTH, 0.34 * (len(rows) + 1) + 1.5)
    axis = figure.subplots()
    _draw_events(axis, timeline, shown.tolist(), rows, until)
    _draw_path(axis, timeline, rows, until)
    axis.set_xlim(0, until)
    axis.set_ylim(len(rows) + 0.1, -0.6)
    axis.set_yticks([*rows.values(), len(rows) - 0.2], [*rows, "critical path"], fontsize=8)
    axis.set_xlabel(f"clock cycle of {timeline.cycles:,}")
    hidden = f"; {len(busy) - len(rows)} resources not shown" if len(busy) > len(rows) else ""
    steps = min(_TIMESTEPS, timeline.summary.timesteps)
    axis.set_title(
        f"{timeline.summary.name}: {steps} timesteps, numbered in the bars{hidden}", fontsize=10
    )
    axis.set_axisbelow(True)
    axis.grid(axis="x", alpha=0.3)
    if timeline.summary.streams > 1:
        _legend(figure, timeline)


def _is_recurrent(timeline: Timeline) -> NDArray[np.bool_]:
    """Return which events belong to layers that work at every timestep."""
    events = timeline.events
    steps: dict[str, set[int]] = {}
    for layer, timestep in zip(events.layer, events.timestep.tolist(), strict=True):
        steps.setdefault(layer, set()).add(timestep)
    most = max(len(found) for found in steps.values())
    return np.array([len(steps[layer]) == most for layer in events.layer])


def _colour(stream: int) -> str:
    return f"C{stream % _COLOURS}"


def _draw_events(
    axis: Axes, timeline: Timeline, shown: list[int], rows: dict[str, int], until: int
) -> None:
    """Draw a bar an event, with what it does and its timestep where there is room."""
    events = timeline.events
    bars: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for index in shown:
        if events.resource[index] not in rows:
            continue
        row, start = rows[events.resource[index]], int(events.start[index])
        length = min(int(events.end[index]), until) - start
        bars.setdefault((row, int(events.stream[index])), []).append((start, length))
        step = int(events.timestep[index])
        for text in (f"{events.kind[index]} {step}", str(step)):
            if len(text) * _LETTER * until < length:
                axis.text(start + length / 2, row, text, ha="center", va="center", fontsize=7)
                break
    for (row, stream), spans in bars.items():
        axis.broken_barh(spans, _around(row), color=_colour(stream), ec="white", lw=0.5, alpha=0.75)


def _around(row: float, height: float = 0.72) -> tuple[float, float]:
    return row - height / 2, height


def _draw_path(axis: Axes, timeline: Timeline, rows: dict[str, int], until: int) -> None:
    """Draw the critical path as a line below, and mark its events where they are."""
    work: list[tuple[int, int]] = []
    places: dict[int, list[tuple[int, int]]] = {}
    for step in timeline.steps:
        if step.start >= until or step.event < 0:
            continue
        work.append((step.start, min(step.cycles, until - step.start)))
        if step.resource in rows:
            places.setdefault(rows[step.resource], []).append(work[-1])
    axis.broken_barh(work, _around(len(rows) - 0.2, 0.3), color="black", ec="white", lw=0.5)
    for row, spans in places.items():
        axis.broken_barh(spans, _around(row), fc="none", ec="black", lw=1.2)


def _legend(figure: Figure, timeline: Timeline) -> None:
    from matplotlib.patches import Patch

    streams = min(timeline.summary.streams, _COLOURS)
    patches = [
        Patch(color=_colour(stream), alpha=0.75, label=f"{stream}") for stream in range(streams)
    ]
    title = "stream" if streams == timeline.summary.streams else "stream, modulo 10"
    figure.legend(
        handles=patches, title=title, loc="outside right upper", fontsize=8, title_fontsize=8
    )
