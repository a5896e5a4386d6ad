"""Designs side by side: their metrics at three levels, and what makes the difference."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from archsim.analysis.levels import Level, LevelMetrics, level_metrics
from archsim.analysis.published import PublishedRow
from archsim.analysis.sameness import check_counts, check_structures
from archsim.analysis.timeline import path_by_kind
from archsim.config.converter import CONVERTERS
from archsim.config.quantity import parse_quantity
from archsim.network.identity import network_structure
from archsim.si import with_prefix
from archsim.trace.summary import Summary
from archsim.trace.trace import Trace

_NAMED = 3
"""Parts of a difference that are named, if they are at least a hundredth of the largest."""

_ROUNDING = 1e-12
"""Share of the total below which a difference is rounding."""


@dataclass(frozen=True)
class Design:
    """One design of a comparison.

    Attributes
    ----------
    name : str
        Its name, another one for every design.
    summary : Summary
        Its summary.
    levels : dict of Level to LevelMetrics
        Its metrics at three levels.
    path : dict of str to float
        Cycles of a group's critical path by kind of operation.
    node : float
        Technology node, m.
    bits : str
        Bits of input/weight/output.
    """

    name: str
    summary: Summary
    levels: dict[Level, LevelMetrics]
    path: dict[str, float]
    node: float
    bits: str


@dataclass(frozen=True)
class Comparison:
    """Designs, and published accelerators at the first design's node and clock."""

    designs: list[Design]
    published: list[PublishedRow]


def node_of(trace: Trace) -> float:
    """Return the node of a trace's chip, m.

    Raises
    ------
    TraceError
        If the trace is damaged.
    """
    with trace.reading():
        node = parse_quantity(trace.setting("technology", "node"), "m")
        if not 0 < node < math.inf:
            raise trace.damage("config", f"has a node of {node:g} m")
    return node


def bits_of(trace: Trace) -> str:
    """Return the bits of a trace's inputs, weights and outputs.

    Raises
    ------
    TraceError
        If the trace is damaged.
    """
    with trace.reading():
        inputs = trace.setting("tile", "input_bits", kind=int)
        outputs = trace.setting("adc", "bits", kind=int)
        kind = trace.setting("adc", "kind")
        key = CONVERTERS.get(kind).weight_bits if CONVERTERS.has(kind) else ()
        if not key:
            return f"{inputs}/analog/{outputs}"
        return f"{inputs + 1}/{trace.setting('adc', *key, kind=int)}/{outputs}"


def read_designs(traces: Sequence[Trace]) -> list[Design]:
    """Return the designs of a comparison; equal names get a number.

    Raises
    ------
    InputError
        If the networks differ, so that a comparison would mean nothing.
    """
    check_structures([(trace.summary.name, network_structure(trace.config)) for trace in traces])
    designs: list[Design] = []
    for trace in traces:
        summary = trace.summary
        taken = [design.name for design in designs]
        name = summary.name if summary.name not in taken else f"{summary.name} ({len(taken) + 1})"
        with trace:  # opened once for all that is read
            levels = {metrics.level: metrics for metrics in level_metrics(trace)}
            path = path_by_kind(trace)
            designs.append(Design(name, summary, levels, path, node_of(trace), bits_of(trace)))
    check_counts([(design.name, design.summary) for design in designs])
    return designs


# ----------------------------------------------------------------- reasons


def reasons(first: Design, other: Design) -> list[str]:
    """Say what makes the difference in energy, area and time, the largest parts first.

    Percentages are of the first design's total, so that those of all parts add up to that of the
    difference. Time is that of the critical path, by kind of operation.
    """
    mine, theirs = other.summary, first.summary
    streams = ""
    if mine.streams != theirs.streams:
        streams = f" ({mine.streams} sequences together against {theirs.streams})"
    return [
        f"energy {_change(mine.energy_by_component, theirs.energy_by_component, _joules)}",
        f"area {_change(mine.area_by_component, theirs.area_by_component, _square)}",
        f"time {_change(other.path, first.path, _cycles)}{streams}",
    ]


def _change(
    mine: dict[str, float], theirs: dict[str, float], signed: Callable[[float], str]
) -> str:
    """Say how a total changed and which parts make most of it."""
    before = math.fsum(theirs.values())

    def part(value: float) -> str:
        share = value / before if before else 0.0
        percent = f"{share:+,.0%}" if abs(share) >= 10 else f"{share:+.1%}"
        return f"{signed(value)}, {percent}" if before else signed(value)

    change = {
        name: mine.get(name, 0.0) - theirs.get(name, 0.0)
        for name in dict.fromkeys([*mine, *theirs])
    }
    total = math.fsum(change.values())
    largest = max(map(abs, change.values()), default=0.0)
    if largest <= _ROUNDING * before:
        return "the same in every part"
    most = sorted(change, key=lambda name: -abs(change[name]))[:_NAMED]
    named = [name for name in most if abs(change[name]) >= largest / 100]
    return f"{part(total)}: {'; '.join(f'{name} {part(change[name])}' for name in named)}"


def _sign(value: float) -> str:
    return "+" if value >= 0 else "-"


def _joules(value: float) -> str:
    return _sign(value) + with_prefix(abs(value), "J")


def _square(value: float) -> str:
    return f"{value * 1e12:+,.0f} um^2"


def _cycles(value: float) -> str:
    return f"{value:+,.6g} cycles"
