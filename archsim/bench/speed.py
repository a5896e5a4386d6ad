"""The section ``speed``: two networks, one sequence and many, one thread and two.

What counts is the ratio to a plain NumPy float32 LSTM of the same size, timed in turn with it in
the same process and with as many threads. The time of the simulator is that of its kernels and,
where cycles are recorded, of the energy of every cycle and component; nothing is written to a file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from archsim.bench.aims import (
    TILE_CYCLES,
    TIME_OVER_NUMPY,
    TWO_THREADS,
    Claim,
    Figure,
    at_least,
    at_most,
)
from archsim.bench.loops import gain_of_cores
from archsim.bench.network import Recording, TimedNetwork, timed_network
from archsim.bench.numpy_lstm import numpy_threads
from archsim.bench.paired import REPEATS, paired_times

MANY = 256
"""Sequences over which two threads are timed."""

SIZE, SIZE_OF = (64, 49), {"charlm": (16, 4)}
"""Many sequences and their timesteps, of any network and of large ones."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Case:
    """One timestep of a network beside NumPy's.

    Attributes
    ----------
    network : str
        Name of the network.
    rows, columns : int
        Size of its gates' matrix.
    batch, timesteps, threads : int
        Sequences that run together, their length, threads.
    recording : str
        What is kept.
    kernel : str
        Which kernel ran.
    timestep_us : float
        Time of one timestep of the whole batch, us.
    numpy_us : float
        The same in NumPy, us.
    ratio : Figure
        The first over the second, median of pairs.
    tile_cycles_per_s : Figure
        Simulated tile-cycles per second.
    """

    network: str
    rows: int
    columns: int
    batch: int
    timesteps: int
    threads: int
    recording: str
    kernel: str
    timestep_us: float
    numpy_us: float
    ratio: Figure
    tile_cycles_per_s: Figure


@dataclass(frozen=True)
class Gain:
    """Two threads beside one, without NumPy in between, whose threads go on spinning.

    Attributes
    ----------
    network : str
        Name of the network.
    sequences : int
        Sequences that run.
    recording : str
        What is kept.
    one_us, two_us : float
        Time of one timestep of all sequences, us.
    gain : Figure
        How many times as fast two threads are, median of pairs.
    cores : float
        The same of two plain loops right after it: what two cores gave at the moment.
    """

    network: str
    sequences: int
    recording: str
    one_us: float
    two_us: float
    gain: Figure
    cores: float


@dataclass(frozen=True)
class Speed:
    """What the section measured.

    Attributes
    ----------
    threads_limited : bool
        Whether NumPy was held to as many threads.
    cases : tuple of Case
        Networks beside NumPy.
    gains : tuple of Gain
        Two threads beside one.
    """

    threads_limited: bool
    cases: tuple[Case, ...]
    gains: tuple[Gain, ...]

    def claims(self) -> Iterator[Claim]:
        """Yield the section's figures."""
        for case in self.cases:
            name = case_name(case.network, case.batch, case.recording)
            yield Claim(f"{name}: timestep over NumPy's", case.ratio)
            yield Claim(f"{name}: tile-cycles/s", case.tile_cycles_per_s)
        for gain in self.gains:
            name = f"{gain.network}, {gain.sequences} sequences, {kept(gain.recording)}"
            yield Claim(f"{name}: speed of two threads over one", gain.gain)


def case_name(network: str, batch: int, recording: str) -> str:
    """Return what was timed, in words."""
    return f"{network}, batch {batch}, {kept(recording)}"


def kept(recording: str) -> str:
    """Return what is recorded, in words."""
    return f"{'nothing' if recording == Recording.OFF else recording} recorded"


def sizes(config: Path) -> Iterator[tuple[int, int]]:
    """Yield the sequences and timesteps with which a network is timed: one sequence, and many."""
    many, timesteps = SIZE_OF.get(config.stem, SIZE)
    yield 1, timesteps
    yield many, timesteps


def measure_speed(
    networks: tuple[Path, ...], progress: Progress, *, repeats: int = REPEATS
) -> Speed:
    """Time some networks' first layers."""
    plan = [(config, *case) for config in networks for case in _plan(config)]
    threaded = (Recording.OFF, Recording.CYCLES)
    of = len(threaded) + len(plan)
    gains = []
    for recording in threaded:
        gains.append(_gain(networks[0], recording, repeats))
        progress(len(gains), of)
    cases, limited = [], True
    for config, batch, timesteps, threads, recording in plan:
        network = timed_network(config, batch=batch, timesteps=timesteps)
        network.check()
        with numpy_threads(threads) as held:
            limited = limited and held
            cases.append(_case(config.stem, network, threads, recording, repeats))
        progress(len(gains) + len(cases), of)
    return Speed(limited, tuple(cases), tuple(gains))


def _plan(config: Path) -> Iterator[tuple[int, int, int, Recording]]:
    """Yield sequences, timesteps, threads and what is recorded."""
    for batch, timesteps in sizes(config):
        for recording in Recording:
            if recording is Recording.WAVEFORMS and config.stem in SIZE_OF and batch > 1:
                continue
            yield batch, timesteps, 1, recording
    *_, (many, timesteps) = sizes(config)
    for recording in (Recording.OFF, Recording.CYCLES):
        yield many, timesteps, 2, recording


def _gain(config: Path, recording: Recording, repeats: int) -> Gain:
    _, timesteps = next(sizes(config))
    network = timed_network(config, batch=MANY, timesteps=timesteps)
    times = paired_times(
        lambda: network.run(recording, 1), lambda: network.run(recording, 2), repeats=repeats
    )
    return Gain(
        network=config.stem,
        sequences=MANY,
        recording=str(recording),
        one_us=times.ours / timesteps * 1e6,
        two_us=times.theirs / timesteps * 1e6,
        gain=at_least(times.ratio, TWO_THREADS.get(config.stem)),
        cores=gain_of_cores(repeats=repeats),
    )


def _case(
    name: str, network: TimedNetwork, threads: int, recording: Recording, repeats: int
) -> Case:
    times = paired_times(
        lambda: network.run(recording, threads),
        lambda: network.peer.run(network.x),
        repeats=repeats,
    )
    steps, claimed = network.timesteps, threads == 1 and recording is Recording.CYCLES
    ratio = TIME_OVER_NUMPY.get((name, network.batch)) if claimed else None
    rate = TILE_CYCLES.get(name) if claimed else None
    return Case(
        network=name,
        rows=network.peer.w.shape[0] + 1,
        columns=network.peer.w.shape[1],
        batch=network.batch,
        timesteps=steps,
        threads=threads,
        recording=str(recording),
        kernel=network.layer.matrices[0].arrays.kernel(waveforms=recording is Recording.WAVEFORMS),
        timestep_us=times.ours / steps * 1e6,
        numpy_us=times.theirs / steps * 1e6,
        ratio=at_most(times.ratio, ratio),
        tile_cycles_per_s=at_least(network.tile_cycles / times.ours, rate),
    )
