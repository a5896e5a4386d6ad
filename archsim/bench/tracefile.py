"""The section ``file``: a run that writes the cycles of all sequences beside one that writes none.

Two ratios are given. That of the whole command holds its start-up in both times, which makes the
file look cheaper than it is; that of the simulation alone, in this process, does not.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from archsim.bench.aims import TRACE_FILE, Claim, Figure, at_most
from archsim.bench.paired import paired_once
from archsim.bench.process import archsim
from archsim.bench.speed import Progress
from archsim.config.load import load_config
from archsim.simulation.simulate import run

REPEATS = 3
_BUFFER = 1 << 24
_MIB = 1 << 20

OFF = ("trace.level=off",)
ALL = ("trace.level=cycle", "trace.sequences=all", "trace.tiles=all", "trace.waveforms=false")
"""Overrides that write no trace, and the cycles of all tiles and units in all sequences."""


@dataclass(frozen=True)
class Written:
    """A run with a trace of everything beside one without a trace.

    Attributes
    ----------
    with_s, without_s : float
        Median times, s.
    ratio : Figure
        The first over the second, median of pairs.
    """

    with_s: float
    without_s: float
    ratio: Figure

    @property
    def extra_s(self) -> float:
        """What the trace costs, s."""
        return self.with_s - self.without_s


@dataclass(frozen=True)
class TraceFile:
    """What the section measured.

    Attributes
    ----------
    network : str
        Name of the network.
    sequences : int
        Sequences that ran, and whose cycles were written.
    mib : float
        Size of the trace, MiB.
    command : Written
        The whole command in a process of its own, start-up included, from a warm cache.
    simulation : Written
        The simulation alone, in this process.
    mib_per_s : float
        Size of the trace over the time that it adds to the simulation, MiB/s; 0 where it adds none.
    plain_mib_per_s : float
        Rate of writing as many bytes from a buffer to a file in the same folder, MiB/s; like the
        trace's they go to the system's cache, and nothing waits for the disk.
    """

    network: str
    sequences: int
    mib: float
    command: Written
    simulation: Written
    mib_per_s: float
    plain_mib_per_s: float

    def claims(self) -> Iterator[Claim]:
        """Yield the section's figures."""
        for name, written in (("command", self.command), ("simulation", self.simulation)):
            yield Claim(f"{self.network}, {name}: time with a trace over without", written.ratio)


def measure_file(
    networks: tuple[Path, ...], progress: Progress, *, repeats: int = REPEATS
) -> TraceFile:
    """Run the first network with a trace of everything and without."""
    config = networks[0]
    with tempfile.TemporaryDirectory() as folder:
        trace = Path(folder) / "trace.h5"
        off, everything = load_config(config, OFF), load_config(config, ALL)
        sequences = run(everything, trace).summary.sequences  # compiles, fills caches
        progress(1, 4)
        aim = TRACE_FILE.get(config.stem)
        simulation = _written(lambda: run(everything, trace), lambda: run(off, trace), aim, repeats)
        progress(2, 4)
        command = _written(
            lambda: archsim("run", config, *_set(ALL), "--out", trace),
            lambda: archsim("run", config, *_set(OFF)),
            aim,
            repeats,
        )
        progress(3, 4)
        size = trace.stat().st_size
        plain = min(_plain_write(Path(folder) / "plain", size) for _ in range(repeats))
        progress(4, 4)
    mib = size / _MIB
    return TraceFile(
        network=config.stem,
        sequences=sequences,
        mib=mib,
        command=command,
        simulation=simulation,
        mib_per_s=mib / simulation.extra_s if simulation.extra_s > 0 else 0.0,
        plain_mib_per_s=mib / plain,
    )


def _set(overrides: tuple[str, ...]) -> list[str]:
    """Return overrides as the command line takes them."""
    return [word for override in overrides for word in ("--set", override)]


def _written(
    with_: Callable[[], object], without: Callable[[], object], aim: float | None, repeats: int
) -> Written:
    times = paired_once(with_, without, repeats=repeats)
    return Written(times.ours, times.theirs, at_most(times.ratio, aim))


def _plain_write(path: Path, size: int) -> float:
    """Return how long writing `size` bytes to a new file takes, s."""
    buffer = memoryview(bytes(range(256)) * (_BUFFER // 256))
    path.unlink(missing_ok=True)
    start = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for first in range(0, size, _BUFFER):
            file.write(buffer[: min(_BUFFER, size - first)])
    return time.perf_counter() - start
