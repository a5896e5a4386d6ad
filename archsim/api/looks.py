"""Looking at what runs left, and at designs side by side."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from archsim.api.runs import Source, design_of

if TYPE_CHECKING:
    from archsim.analysis.compare import Comparison
    from archsim.analysis.timeline import Timeline
    from archsim.analysis.waveform import Conversion
    from archsim.experiments.side_by_side import Watch
    from archsim.simulation.observer import Progress
    from archsim.trace.trace import Trace


def compare(
    designs: Iterable[Source | Trace],
    /,
    *,
    published: str | Path | None = None,
    watch: Watch | None = None,
) -> Comparison:
    """Compare designs on the same network: metrics at three levels, and what makes them.

    Parameters
    ----------
    designs : iterable of configurations or traces
        As of `load`; or traces, by their paths or opened. Configurations are run.
    published : str or Path, optional
        Published accelerators to put beside them: a file, or the name of one that comes with
        archsim.
    watch : callable, optional
        Given a design's name, returns a context manager of what is called with the sequences done
        and in all.

    Returns
    -------
    Comparison
        The designs, in their order.

    Raises
    ------
    InputError
        If a file cannot be used or the networks differ; before anything runs where possible.

    Examples
    --------
    >>> few = {"workload.sequences": 8}
    >>> found = archsim.compare([archsim.load(name, set=few) for name in ("kws", "conventional")])
    >>> [design.name for design in found.designs]
    ['kws', 'conventional']
    """
    from archsim.experiments.side_by_side import compare as compared

    file = None if published is None else Path(published)
    return compared([design_of(design) for design in designs], watch=watch, published=file)


def timeline(
    source: Source | Trace, /, sequence: int = 0, *, progress: Progress | None = None
) -> Timeline:
    """Find how busy every resource is, and the critical path of a sequence.

    Parameters
    ----------
    source : configuration or trace
        As of `compare`.
    sequence : int
        The sequence, from 0; those that are at work together with it are shown too.
    progress : callable, optional
        As of `run`.

    Returns
    -------
    Timeline
        Utilisation, events and the critical path.

    Raises
    ------
    InputError, TraceError
        If there is no such sequence, or the trace has no events.

    Examples
    --------
    >>> archsim.timeline(archsim.load("kws", set={"workload.sequences": 1})).cycles
    3735
    """
    from archsim.experiments.side_by_side import timeline_of

    return timeline_of(design_of(source), sequence, progress)


def conversion(
    trace: str | Path | Trace, /, number: int = 0, tile: str | None = None
) -> Conversion:
    """Return one conversion of a trace with waveforms, cycle by cycle.

    Parameters
    ----------
    trace : str, Path or Trace
        The trace, of a run with ``trace.waveforms`` true.
    number : int
        Which of the recorded conversions of the tile, from 0.
    tile : str, optional
        Name of the tile; the first one by default.

    Returns
    -------
    Conversion
        Phases, voltages of columns and ramps (V), latches, energy (J).

    Raises
    ------
    TraceError, InputError
        If the trace has no waveforms, no such tile or no such conversion.

    Examples
    --------
    >>> keys = {"workload.sequences": 1, "trace.waveforms": True}
    >>> trace = archsim.run("kws", set=keys, out="waves.h5").trace
    >>> archsim.conversion(trace).v_mac.shape
    (66, 128)
    """
    from archsim.analysis.waveform import conversion_of
    from archsim.trace.trace import Trace

    opened = trace if isinstance(trace, Trace) else Trace(trace)
    return conversion_of(opened, number, tile)
