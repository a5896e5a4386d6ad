"""Comparisons and timelines of traces and configurations; the latter are run first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archsim.analysis import timeline as timelines
from archsim.analysis.compare import Comparison, node_of, read_designs
from archsim.analysis.published import PublishedRow, published_rows
from archsim.analysis.sameness import check_structures
from archsim.analysis.timeline import Timeline
from archsim.config.load import is_config, load_config
from archsim.network.identity import network_structure
from archsim.simulation.observer import Progress
from archsim.simulation.traced import traced
from archsim.trace.trace import Trace, check_sequence
from archsim.workloads.base import load_workload

Watch = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Shows the progress of a run of a name."""


def compare(paths: Sequence[Path], *, watch: Watch, published: Path | None = None) -> Comparison:
    """Compare traces and configurations; configurations are run.

    Parameters
    ----------
    paths : sequence of Path
        Traces (.h5) or configurations (.yaml).
    watch : callable
        Shows the progress of runs.
    published : Path, optional
        File of published accelerators.

    Raises
    ------
    InputError
        If a file cannot be used or the networks differ; before anything runs where possible.
    """
    check_structures([_name_and_structure(Path(path)) for path in paths])
    rows = [] if published is None else _published_beside(published, paths[0])
    with TemporaryDirectory() as folder:
        traces = [_traced(path, Path(folder) / f"{n}.h5", watch) for n, path in enumerate(paths)]
        return Comparison(read_designs([Trace(trace) for trace in traces]), rows)


def _name_and_structure(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the name of a design and its network's structure, before anything runs."""
    if is_config(path):
        config = load_config(path).config
        return config.name, network_structure(config.model_dump(mode="json"))
    trace = Trace(path)
    with trace.reading():
        return trace.summary.name, network_structure(trace.config)


def _published_beside(file: Path, first: Path) -> list[PublishedRow]:
    """Read published accelerators and bring them to the first design's node and clock."""
    if is_config(first):
        technology = load_config(first).config.technology
        return published_rows(file, node=technology.node, clock=technology.clock)
    trace = Trace(first)
    return published_rows(file, node=node_of(trace), clock=trace.summary.clock_hz)


def _traced(path: Path, out: Path, watch: Watch) -> Path:
    """Return a trace as it is; of a configuration, run it with the cycles of whole groups."""
    if not is_config(path):
        return path
    config = load_config(path).config
    streams, chosen = config.streams, config.trace.sequences
    wanted = "all"
    if chosen != "all":
        count = len(load_workload(config)) if streams > 1 else math.inf
        groups = sorted({sequence // streams for sequence in chosen} or {0})
        members = [group * streams + stream for group in groups for stream in range(streams)]
        wanted = str([sequence for sequence in members if sequence < count])
    overrides = ["trace.level=cycle", "trace.tiles=all", f"trace.sequences={wanted}"]
    with watch(config.name) as progress:
        return traced(path, out, overrides, progress=progress)


def timeline_of(source: Path, sequence: int = 0, progress: Progress | None = None) -> Timeline:
    """Return the timeline of a trace, or of a configuration, which is run."""
    if is_config(source):
        check_sequence(sequence, len(load_workload(load_config(source).config)), "run")
    with TemporaryDirectory() as folder:
        trace = traced(source, Path(folder) / "t.h5", ["trace.level=event"], progress=progress)
        found = timelines.timeline_of(Trace(trace), sequence)
    if trace == source:
        return found
    return replace(found, summary=replace(found.summary, trace=None))
