"""Growth curves: how the simulator's time follows size, timesteps, sequences and tiles."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from archsim.bench.network import Recording, timed_network
from archsim.bench.paired import median_time
from archsim.errors import ArchsimError
from archsim.shipped import shipped

Progress = Callable[[int, int], None]

BASE = shipped("random-lstm.yaml")
"""A layer of any size with random weights."""

_UNITS, _TIMESTEPS, _BATCHES, _TILES = (32, 64, 128, 256, 512), (8, 32, 128), (1, 4, 16, 64), (1, 4)
_SEQUENCES = (64, 512, 2048)


@dataclass(frozen=True)
class Point:
    """A point of a curve.

    Attributes
    ----------
    curve : str
        What is varied.
    value : int
        Its value.
    work : float
        What time is expected to be proportional to, relative to the curve's first point.
    seconds : float
        Time of one run with every cycle recorded, s; NaN for memory.
    peak_mib : float
        Largest memory of a process that runs it, MiB; NaN for times.
    """

    curve: str
    value: int
    work: float
    seconds: float
    peak_mib: float


def growth(progress: Progress) -> list[Point]:
    """Measure all curves."""
    plan = list(_plan())
    points = []
    for done, (curve, value, work, shape, overrides) in enumerate(plan):
        network = timed_network(BASE, batch=shape[0], timesteps=shape[1], overrides=overrides)
        seconds = median_time(lambda: network.run(Recording.CYCLES), repeats=5)  # noqa: B023
        points.append(Point(curve, value, work, seconds, math.nan))
        progress(done + 1, len(plan) + len(_SEQUENCES))
    for done, sequences in enumerate(_SEQUENCES):
        peak = _peak_of_run(sequences)
        points.append(
            Point("memory, sequences", sequences, sequences / _SEQUENCES[0], math.nan, peak)
        )
        progress(len(plan) + done + 1, len(plan) + len(_SEQUENCES))
    return points


def _plan() -> Iterator[tuple[str, int, float, tuple[int, int], tuple[str, ...]]]:
    """Yield curve, value, relative work, batch and timesteps, overrides."""
    cells = (2 * _UNITS[0] + 1) * _UNITS[0]
    for units in _UNITS:
        work = (2 * units + 1) * units / cells
        yield "hidden units", units, work, (1, 8), _size(units, 1)
    for timesteps in _TIMESTEPS:
        yield "timesteps", timesteps, timesteps / _TIMESTEPS[0], (1, timesteps), _size(128, 1)
    for batch in _BATCHES:
        yield "sequences", batch, batch / _BATCHES[0], (batch, 8), _size(128, 1)
    for tiles in _TILES:
        yield "tiles", tiles, 1.0, (1, 8), _size(256, tiles)


def _size(units: int, tiles: int) -> tuple[str, ...]:
    return (
        f"network.inputs={units}",
        f"network.layers.0.units={units}",
        f"tile.rows={2 * units + 1}",
        f"tile.columns={4 * units // tiles}",
    )


def _peak_of_run(sequences: int) -> float:
    """Return the largest memory of a process that runs so many sequences, MiB."""
    code = (
        "import resource;"
        "from archsim.config.load import load_config; from archsim.simulation.simulate import run;"
        f"run(load_config({str(BASE)!r}, ['network.timesteps=8','trace.level=off',"
        f"'workload.sequences={sequences}', {', '.join(map(repr, _size(64, 1)))}]));"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        msg = f"bench: a run of {sequences} sequences failed: {lines[-1] if lines else 'no reason'}"
        raise ArchsimError(msg)
    return int(done.stdout.split()[-1]) / 1024


def exponent(points: list[Point]) -> float:
    """Return the power of the work with which a curve's time grows: least squares of logarithms."""
    x = [math.log(point.work) for point in points]
    y = [math.log(point.seconds) for point in points]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
