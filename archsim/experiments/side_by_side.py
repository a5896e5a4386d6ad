"""Comparisons and timelines of traces and configurations; the latter are run first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archsim.analysis import timeline as timelines
from archsim.analysis.compare import Comparison, node_of, read_designs
from archsim.analysis.published import PublishedRow, published_rows
from archsim.analysis.sameness import check_structures
from archsim.analysis.timeline import Timeline
from archsim.config.load import Config
from archsim.network.identity import network_structure
from archsim.simulation.observer import Progress
from archsim.simulation.simulate import run
from archsim.trace.trace import Trace, check_sequence
from archsim.workloads.base import load_workload

Watch = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Shows the progress of a run of a name."""

Design = Config | Trace
"""What is compared: a configuration, which is run, or what an earlier run left."""


@contextmanager
def unwatched(name: str, what: str = "") -> Iterator[Callable[[int, int], None]]:
    """Show nobody how far a run is."""
    del name, what
    yield lambda _done, _of: None


def compare(
    designs: Sequence[Design], *, watch: Watch | None = None, published: Path | None = None
) -> Comparison:
    """Compare traces and configurations; configurations are run.

    Parameters
    ----------
    designs : sequence of Config or Trace
        The designs.
    watch : callable, optional
        Shows the progress of runs.
    published : Path, optional
        File of published accelerators.

    Raises
    ------
    InputError
        If a file cannot be used or the networks differ; before anything runs where possible.
    """
    check_structures([_name_and_structure(design) for design in designs])
    rows = [] if published is None else _published_beside(published, designs[0])
    with TemporaryDirectory() as folder:
        traces = [
            _traced(design, Path(folder) / f"{n}.h5", watch or unwatched)
            for n, design in enumerate(designs)
        ]
        return Comparison(read_designs(traces), rows)


def _name_and_structure(design: Design) -> tuple[str, dict[str, Any]]:
    """Return the name of a design and its network's structure, before anything runs."""
    if isinstance(design, Config):
        config = design.config
        return config.name, network_structure(config.model_dump(mode="json"))
    with design.reading():
        return design.summary.name, network_structure(design.config)


def _published_beside(file: Path, first: Design) -> list[PublishedRow]:
    """Read published accelerators and bring them to the first design's node and clock."""
    if isinstance(first, Config):
        technology = first.config.technology
        return published_rows(file, node=technology.node, clock=technology.clock)
    return published_rows(file, node=node_of(first), clock=first.summary.clock_hz)


def _traced(design: Design, out: Path, watch: Watch) -> Trace:
    """Return a trace as it is; of a configuration, run it with the cycles of whole groups."""
    if isinstance(design, Trace):
        return design
    config = design.config
    streams, chosen = config.streams, config.trace.sequences
    wanted: str | list[int] = "all"
    if chosen != "all":
        count = len(load_workload(config)) if streams > 1 else math.inf
        groups = sorted({sequence // streams for sequence in chosen} or {0})
        members = [group * streams + stream for group in groups for stream in range(streams)]
        wanted = [sequence for sequence in members if sequence < count]
    keys = {"trace.level": "cycle", "trace.tiles": "all", "trace.sequences": wanted}
    with watch(config.name) as progress:
        return _run(design, out, keys, progress)


def _run(
    design: Config, out: Path, keys: Mapping[str, Any], progress: Progress | None = None
) -> Trace:
    """Run a configuration with other values of some keys; return its trace."""
    run(design.with_values(keys), out, progress=progress)
    return Trace(out)


def timeline_of(design: Design, sequence: int = 0, progress: Progress | None = None) -> Timeline:
    """Return the timeline of a trace, or of a configuration, which is run.

    Raises
    ------
    InputError
        If there is no such sequence.
    """
    if isinstance(design, Trace):
        return timelines.timeline_of(design, sequence)
    check_sequence(sequence, len(load_workload(design.config)), "run")
    with TemporaryDirectory() as folder:
        trace = _run(design, Path(folder) / "t.h5", {"trace.level": "event"}, progress)
        found = timelines.timeline_of(trace, sequence)
    return replace(found, summary=replace(found.summary, trace=None))
