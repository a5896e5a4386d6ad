"""The section ``limits``: what this machine could do at best, beside what the simulator does.

A timestep of a layer cannot be quicker than each of three things that it has to do:

- read every conductance, two bytes a cell, once for every block of sequences that runs together.
  Limit: the rate at which a loop reads a buffer of that size again and again, from the cache that
  it fits, or from memory;
- multiply and accumulate, once for every cell and sequence. Limit: the rate of NumPy's float32
  matrix product, which is quoted because everybody has it: products of 16-bit integers, which the
  kernels use, can be quicker, so that a fraction above 1 is possible;
- write the record, where cycles are recorded. Limit: the rate at which a loop writes a buffer of
  the record's size again and again.

The longest of them is the bound. It says what cannot be undercut, not what to expect: that the
three overlap is taken for granted, and what comes on top is left out (finding codes, counting
activity, weighting it with energies, the LSTM's fixed-point arithmetic, fresh pages from the
system). The fraction of the bound over the measured time says how much of the machine is used; what
is missing to 1 is what comes on top, and time that better code could still win.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from archsim.bench.aims import Claim
from archsim.bench.loops import read_rate, write_rate
from archsim.bench.network import Recording, TimedNetwork, timed_network
from archsim.bench.numpy_lstm import numpy_threads
from archsim.bench.paired import median_time
from archsim.bench.speed import Progress, sizes
from archsim.simulation.simulate import BLOCK

REPEATS = 3
CELL_BYTES = 2
_MATRIX = 768


@dataclass(frozen=True)
class Rates:
    """What this machine does with one thread.

    Attributes
    ----------
    read : float
        Bytes that a loop reads a second from a buffer of a network's size.
    macs : float
        Multiply-accumulates of NumPy's float32 matrix product, 1/s.
    """

    read: float
    macs: float


@dataclass(frozen=True)
class Limit:
    """One timestep of a network, its three lower bounds and its measured time.

    Attributes
    ----------
    network : str
        Name of the network.
    batch, timesteps : int
        Sequences that run together, their length.
    recording : str
        What is kept.
    read_bytes, macs, written_bytes : float
        Conductances read, multiply-accumulates, record written: in one timestep of all sequences.
    read_us, macs_us, write_us : float
        How long each takes at this machine's rate, us.
    measured_us : float
        Time of one timestep of all sequences, us.
    bound : str
        What takes longest: ``conductances``, ``products`` or ``record``.
    bound_us : float
        How long that takes, us.
    fraction : float
        `bound_us` over `measured_us`.
    """

    network: str
    batch: int
    timesteps: int
    recording: str
    read_bytes: float
    macs: float
    written_bytes: float
    read_us: float
    macs_us: float
    write_us: float
    measured_us: float
    bound: str
    bound_us: float
    fraction: float


@dataclass(frozen=True)
class Limits:
    """What the section measured.

    Attributes
    ----------
    macs_per_s : float
        Multiply-accumulates of NumPy's float32 matrix product with one thread, 1/s.
    threads_limited : bool
        Whether NumPy was held to one thread.
    cases : tuple of Limit
        The networks.
    """

    macs_per_s: float
    threads_limited: bool
    cases: tuple[Limit, ...]

    def claims(self) -> Iterator[Claim]:
        """Yield nothing: limits are the machine's."""
        yield from ()


def measure_limits(
    networks: tuple[Path, ...], progress: Progress, *, repeats: int = REPEATS
) -> Limits:
    """Hold some networks' first layers, with one thread, against what the machine can do."""
    with numpy_threads(1) as limited:
        matrix = np.ones((_MATRIX, _MATRIX), dtype=np.float32)
        macs_per_s = _MATRIX**3 / median_time(lambda: matrix @ matrix, repeats=repeats)
    plan = [(config, *size) for config in networks for size in sizes(config)]
    cases: list[Limit] = []
    rates: dict[int, float] = {}
    for config, batch, timesteps in plan:
        network = timed_network(config, batch=batch, timesteps=timesteps)
        size = network.cells * CELL_BYTES
        if size not in rates:
            rates[size] = read_rate(size, repeats=repeats)
        for recording in (Recording.OFF, Recording.CYCLES):
            rate = Rates(rates[size], macs_per_s)
            cases.append(_limit(config.stem, network, recording, rate, repeats))
            progress(len(cases), 2 * len(plan))
    return Limits(macs_per_s, limited, tuple(cases))


def _limit(
    name: str, network: TimedNetwork, recording: Recording, rates: Rates, repeats: int
) -> Limit:
    batch, steps = network.batch, network.timesteps
    cells = network.cells
    read = cells * CELL_BYTES * -(-batch // BLOCK)
    block = network.record_bytes() if recording is Recording.CYCLES else 0
    written = block * batch / min(batch, BLOCK) / steps
    read_us = read / rates.read * 1e6
    write_us = written / write_rate(block, repeats=repeats) * 1e6 if block else 0.0
    times = {
        "conductances": read_us,
        "products": cells * batch / rates.macs * 1e6,
        "record": write_us,
    }
    bound = max(times, key=lambda key: times[key])
    measured = median_time(lambda: network.run(recording), repeats=repeats) / steps * 1e6
    return Limit(
        network=name,
        batch=batch,
        timesteps=steps,
        recording=str(recording),
        read_bytes=read,
        macs=cells * batch,
        written_bytes=written,
        read_us=read_us,
        macs_us=times["products"],
        write_us=write_us,
        measured_us=measured,
        bound=bound,
        bound_us=times[bound],
        fraction=times[bound] / measured,
    )
