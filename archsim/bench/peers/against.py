"""A peer and archsim timed in turn on the same matrices."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from archsim.bench.paired import REPEATS
from archsim.bench.peers import aihwkit, crosssim, ngspice, verilator
from archsim.bench.peers.base import Peer, Shape, get_peer

Progress = Callable[[int, int], None]

KNOWN = (aihwkit, crosssim, ngspice, verilator)
"""Files of peers; importing them registers the peers."""


@dataclass(frozen=True)
class AgainstCase:
    """One figure.

    Attributes
    ----------
    rows, columns, batch : int
        Size of the matrix, and sequences together.
    noise : bool
        Whether cells have read noise.
    form : str
        Which of the peer's models it is, where it has several.
    ours_us, theirs_us : float
        Median time of one timestep of the whole batch, us.
    ratio : float
        How many times as fast as the peer archsim is: median of theirs over ours, pair by pair.
    ours_cycles_per_s, theirs_cycles_per_s : float or None
        Simulated tile-cycles per second; None for a peer that has no clock cycles.
    checked : str
        What was found equal before the timing.
    """

    rows: int
    columns: int
    batch: int
    noise: bool
    form: str
    ours_us: float
    theirs_us: float
    ratio: float
    ours_cycles_per_s: float | None
    theirs_cycles_per_s: float | None
    checked: str


@dataclass(frozen=True)
class Against:
    """What a comparison with a peer found.

    Attributes
    ----------
    peer, version, note : str
        The peer, what is installed of it, what it computes.
    target : float
        Ratio that archsim has to reach, 0 for none.
    load : float
        Processes that wanted to run on this machine, mean of the last minute, at the end.
    cores : int
        Cores of the machine.
    cases : tuple of AgainstCase
        The figures.
    """

    peer: str
    version: str
    note: str
    target: float
    load: float
    cores: int
    cases: tuple[AgainstCase, ...]

    @property
    def reached(self) -> bool:
        """Whether every ratio reaches the target."""
        return all(case.ratio >= self.target for case in self.cases)

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``archsim bench --against NAME --json`` prints."""
        return {**asdict(self), "reached": self.reached if self.target else None}


def measure_against(name: str, progress: Progress, *, repeats: int = REPEATS) -> Against:
    """Time a peer and archsim in turn on all of the peer's shapes.

    Raises
    ------
    InputError
        If there is no such peer, or it is not installed.
    ArchsimError
        If it fails, or finds other results.
    """
    peer = get_peer(name)
    version = peer.require()
    cases = []
    for done, shape in enumerate(peer.shapes):
        cases.append(measure_case(peer, shape, repeats=repeats))
        progress(done + 1, len(peer.shapes))
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    return Against(name, version, peer.note, peer.target, load, cores, tuple(cases))


def measure_case(peer: Peer, shape: Shape, *, repeats: int = REPEATS) -> AgainstCase:
    """Time a peer and archsim in turn on one shape."""
    with peer.contest(shape) as contest:
        pairs = [(contest.ours(), contest.theirs()) for _ in range(repeats)]
    ours = statistics.median(first for first, _ in pairs)
    theirs = statistics.median(second for _, second in pairs)
    cycles = contest.cycles if peer.cycle_by_cycle else None
    return AgainstCase(
        rows=shape.rows,
        columns=shape.columns,
        batch=shape.batch,
        noise=shape.noise,
        form=shape.form,
        ours_us=ours * 1e6,
        theirs_us=theirs * 1e6,
        ratio=statistics.median(second / first for first, second in pairs),
        ours_cycles_per_s=cycles / ours if cycles else None,
        theirs_cycles_per_s=cycles / theirs if cycles else None,
        checked=contest.checked,
    )
