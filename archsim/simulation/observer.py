"""What watches a run: the trace's writer, progress, and whatever a program hangs on it.

A run calls each of its observers when it begins, after every block of sequences, and when it has
ended. A run that fails does not call `Observer.end`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from archsim.chip.build import Chip
from archsim.chip.layers.signal import Recorder
from archsim.clipping import Clipping
from archsim.config.load import Config
from archsim.simulation.recording.choices import Told
from archsim.simulation.recording.cycles import Datasets, Scheduled
from archsim.simulation.recording.plan import RecordingPlan
from archsim.simulation.timing import Timing
from archsim.trace.summary import Summary
from archsim.workloads.sequences import Sequences

Outputs = dict[str, dict[str, NDArray[Any]]]
"""What layers computed, by layer and dataset."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Plan:
    """What a run is about to do.

    Attributes
    ----------
    config : Config
        The configuration.
    chip : Chip
        The chip.
    data : Sequences
        What goes into the network.
    recording : RecordingPlan
        What is recorded.
    timing : Timing
        When sequences run.
    told : Told
        What the run assumes.
    components : tuple of str
        Names of the components that spend energy.
    outputs : dict of str to dict of str to array
        Examples (of no sequence) of what the layers compute.
    answer : array (sequences, ...)
        Room for all answers: their shape and type.
    places : tuple of Clipping
        Where the chip can clip, with nothing counted yet.
    scored : bool
        Whether answers are scored: whether they mean something, and it is known what is right.

    Examples
    --------
    >>> class Ask:
    ...     def begin(self, plan):
    ...         self.sequences, self.tiles = len(plan.data), len(plan.chip.tiles)
    ...     def block(self, block):
    ...         pass
    ...     def end(self, summary):
    ...         pass
    >>> ask = Ask()
    >>> few = {"workload.sequences": 12, "trace.level": "off"}
    >>> run = archsim.run("kws", set=few, observers=[ask])
    >>> ask.sequences, ask.tiles
    (12, 2)
    """

    config: Config
    chip: Chip
    data: Sequences
    recording: RecordingPlan
    timing: Timing
    told: Told
    components: tuple[str, ...]
    outputs: Outputs
    answer: NDArray[Any]
    places: tuple[Clipping, ...]
    scored: bool


@dataclass(frozen=True)
class Block:
    """What a run found for a block of sequences.

    Its arrays are used again for later blocks: an observer copies what it keeps.

    Attributes
    ----------
    first, of : int
        Number of its first sequence, and of all sequences of the run.
    outputs : dict of str to dict of str to array
        What each layer computed: codes, h or logits (sequences, timesteps, ...).
    answer : array (sequences, ...)
        Answers of the run's task: of a classification the classes.
    energy : float64 (sequences, components)
        Energy of each sequence, J.
    scheduled : list of Scheduled
        The sequences, in time.
    recorder : Recorder
        What the matrices did.
    cycles : mapping of str to dict of str to array
        Datasets of the tiles whose cycles are recorded, by tile; empty where none are.

    Examples
    --------
    >>> class Keep:
    ...     def begin(self, plan):
    ...         self.joules = []
    ...     def block(self, block):
    ...         self.joules += block.energy.sum(axis=1).tolist()  # J, of each of its sequences
    ...     def end(self, summary):
    ...         pass
    >>> keep = Keep()
    >>> few = {"workload.sequences": 12, "trace.level": "off"}
    >>> run = archsim.run("kws", set=few, observers=[keep])
    >>> keep.joules == run.energy.sum(axis=1).tolist()
    True
    """

    first: int
    of: int
    outputs: Outputs
    answer: NDArray[Any]
    energy: NDArray[np.float64]
    scheduled: list[Scheduled]
    recorder: Recorder
    cycles: Mapping[str, Datasets]

    @property
    def done(self) -> int:
        """Sequences that are done, those of the block among them."""
        return self.first + len(self.scheduled)


class Observer(Protocol):
    """What a run calls; a class of one's own has these three methods and nothing to inherit.

    What a method raises ends the run.

    Examples
    --------
    >>> class Largest:
    ...     def begin(self, plan):
    ...         self.energy = 0.0
    ...     def block(self, block):
    ...         self.energy = max(self.energy, float(block.energy.sum(axis=1).max()))
    ...     def end(self, summary):
    ...         pass
    >>> largest = Largest()
    >>> run = archsim.run("kws", set={"workload.sequences": 40}, observers=[largest])
    >>> largest.energy > run.summary.energy_j
    True
    """

    def begin(self, plan: Plan, /) -> None:
        """Take notice of a run that is about to begin.

        Parameters
        ----------
        plan : Plan
            What it is about to do.
        """

    def block(self, block: Block, /) -> None:
        """Take notice of a block of sequences that is done.

        Parameters
        ----------
        block : Block
            What was found; its arrays are used again.
        """

    def end(self, summary: Summary, /) -> None:
        """Take notice of a run that has ended.

        Parameters
        ----------
        summary : Summary
            Its numbers.
        """


class ShowProgress:
    """Tells a function how many sequences are done.

    Parameters
    ----------
    progress : callable
        Called with the number of sequences done and the number in all.
    """

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def begin(self, plan: Plan, /) -> None:
        """Tell nothing yet."""

    def block(self, block: Block, /) -> None:
        """Tell how far the run is."""
        self._progress(block.done, block.of)

    def end(self, summary: Summary, /) -> None:
        """Tell nothing more."""


def trace_path(config: Config, out: str | Path | None) -> Path:
    """Return where a run's trace goes, in the working folder by default."""
    return Path(out) if out else Path("traces") / f"{config.config.name}.h5"
