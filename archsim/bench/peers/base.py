"""The interface of a peer, and the registry of peers.

To add a peer: a file here that subclasses `Peer` and registers it, an import of it in
`archsim.bench.peers.against`, and a section in ``docs/peers.md``.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar, TypeVar

from archsim.errors import InputError

TIMED = 0.1
"""Shortest time that is measured, s: what is quicker is repeated."""


@dataclass(frozen=True)
class Shape:
    """A matrix on tiles, and how it is used.

    Attributes
    ----------
    rows, columns : int
        Size of the matrix; columns are those of an LSTM's four gates, so a multiple of 4.
    batch : int
        Sequences that convert together.
    conversions : int
        Conversions of a sequence that we run at a time.
    noise : bool
        Whether cells have read noise, of `archsim.bench.peers.tile.READ_NOISE`.
    elements : int
        Values that are fed back and so drive rows: as many as units where 0.
    form : str
        Which of a peer's models of it is taken, where it has several.
    """

    rows: int
    columns: int
    batch: int = 1
    conversions: int = 1000
    noise: bool = False
    elements: int = 0
    form: str = ""


@dataclass(frozen=True)
class Contest:
    """Both simulators, ready to be timed on one shape.

    Attributes
    ----------
    ours, theirs : callable
        Return the time of one timestep of the whole batch, s.
    cycles : int
        Tile-cycles of one timestep of the whole batch.
    checked : str
        What was found equal before anything is timed.
    """

    ours: Callable[[], float]
    theirs: Callable[[], float]
    cycles: int
    checked: str


class Peer(ABC):
    """Another simulator.

    Attributes
    ----------
    name : str
        What ``--against`` takes.
    install : str
        What to do where it is missing.
    note : str
        What it computes, and what it does not.
    cycle_by_cycle : bool
        Whether it simulates clock cycles, so that tile-cycles per second say something.
    target : float
        How many times as fast as the peer archsim has to be, 0 where that is not fixed.
    shapes : tuple of Shape
        What is timed.
    """

    name: ClassVar[str]
    install: ClassVar[str]
    note: ClassVar[str]
    cycle_by_cycle: ClassVar[bool] = False
    target: ClassVar[float] = 0.0
    shapes: ClassVar[tuple[Shape, ...]]

    @abstractmethod
    def version(self) -> str | None:
        """Return the version that is installed, None where there is none."""

    @abstractmethod
    def contest(self, shape: Shape) -> AbstractContextManager[Contest]:
        """Set both simulators up on a shape and check that they find the same.

        Raises
        ------
        ArchsimError
            If they do not, or the peer fails.
        """

    def require(self) -> str:
        """Return the version that is installed.

        Raises
        ------
        InputError
            If there is none; it says what to install.
        """
        version = self.version()
        if version is None:
            msg = f"--against {self.name}: {self.name} is not installed: {self.install}"
            raise InputError(msg)
        return version


P = TypeVar("P", bound=type[Peer])

PEERS: dict[str, type[Peer]] = {}
"""Peers by name."""


def register(peer: P) -> P:
    """Let ``--against`` know a peer by its name."""
    PEERS[peer.name] = peer
    return peer


def get_peer(name: str) -> Peer:
    """Return a peer by its name.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in PEERS:
        near = get_close_matches(name, PEERS, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(sorted(PEERS))}"
        msg = f"--against: unknown peer '{name}' ({hint})"
        raise InputError(msg)
    return PEERS[name]()


def seconds_of(call: Callable[[], object], *, at_least: float = TIMED) -> float:
    """Return the time of a call, repeated until so many seconds have gone, s."""
    start = time.perf_counter()
    count, gone = 0, 0.0
    while not count or gone < at_least:
        call()
        count += 1
        gone = time.perf_counter() - start
    return gone / count
