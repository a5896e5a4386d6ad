"""All that ``archsim bench`` measures, section by section."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

from archsim.bench.aims import Claim
from archsim.bench.limits import Limits, measure_limits
from archsim.bench.machine import Machine, this_machine
from archsim.bench.overhead import Overheads, measure_noise, measure_recording
from archsim.bench.speed import Progress, Speed, measure_speed
from archsim.bench.start import Start, measure_start
from archsim.bench.tracefile import TraceFile, measure_file
from archsim.errors import InputError
from archsim.shipped import shipped

NETWORKS = (shipped("kws.yaml"), shipped("charlm.yaml"))
"""The two networks that are timed by default."""

Watch = Callable[[str, str], AbstractContextManager[Progress]]
"""Makes a display of progress for a name and for what is counted."""

Result = Speed | Overheads | TraceFile | Start | Limits


class Section(StrEnum):
    """A part of the benchmark."""

    SPEED = "speed"
    """A timestep beside NumPy's."""
    RECORDING = "recording"
    """Cycles recorded or nothing."""
    NOISE = "noise"
    """Read noise of every device or none."""
    LIMITS = "limits"
    """What the machine could do at best."""
    FILE = "file"
    """A trace of all cycles or none."""
    START = "start"
    """From the command to the prompt."""


_MEASURE: dict[Section, Callable[[tuple[Path, ...], Progress], Result]] = {
    Section.SPEED: measure_speed,
    Section.RECORDING: measure_recording,
    Section.NOISE: measure_noise,
    Section.LIMITS: measure_limits,
    Section.FILE: measure_file,
    Section.START: measure_start,
}


@dataclass(frozen=True)
class Bench:
    """Everything that the benchmark measured.

    Attributes
    ----------
    machine : Machine
        What it ran on.
    peak_mib : float
        Largest memory of the process, MiB.
    results : dict of Section to result
        What the sections found.
    """

    machine: Machine
    peak_mib: float
    results: dict[Section, Result]

    def claims(self) -> Iterator[Claim]:
        """Yield every figure that has an aim."""
        for result in self.results.values():
            yield from (claim for claim in result.claims() if claim.figure.aim is not None)

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``archsim bench --json`` prints."""
        return {
            "machine": asdict(self.machine),
            "peak_mib": self.peak_mib,
            "aims": [asdict(claim) for claim in self.claims()],
            **{str(section): asdict(result) for section, result in self.results.items()},
        }


def sections_of(names: Sequence[str]) -> tuple[Section, ...]:
    """Return the sections of these names, or all of them for no names.

    Raises
    ------
    InputError
        If there is no such section.
    """
    for name in names:
        if name not in set(Section):
            near = get_close_matches(name, list(Section), n=1)
            meant = f" (did you mean '{near[0]}'?)" if near else ""
            msg = f"--only: unknown section '{name}'{meant}; known are {', '.join(Section)}"
            raise InputError(msg)
    return tuple(section for section in Section if not names or section in names)


def measure(networks: Sequence[Path], sections: Sequence[Section], watch: Watch) -> Bench:
    """Run some sections of the benchmark.

    Parameters
    ----------
    networks : sequence of Path
        Configurations whose first layers are timed; ``file`` and ``start`` run the first of them.
    sections : sequence of Section
        What is measured.
    watch : callable
        Makes a display of progress for a section.
    """
    machine = this_machine()
    results = {}
    for section in sections:
        with watch(f"bench, {section}", "cases") as progress:
            results[section] = _MEASURE[section](tuple(networks), progress)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Bench(machine, peak, results)
