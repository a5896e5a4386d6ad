"""ngspice: the same tile as a circuit, one conversion."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from archsim.bench.peers.base import Contest, Peer, Shape, register, seconds_of
from archsim.bench.peers.tile import TileRun, tile_run
from archsim.errors import ArchsimError
from archsim.spice.excerpt import excerpt
from archsim.spice.ngspice import run_ngspice
from archsim.spice.ngspice import simulate as simulate_circuit

CLEAR = 0.001
"""How far columns have to be from every threshold, of full scale, so that codes have to be equal:
twice what ``docs/spice.md`` documents as the largest deviation of a voltage."""


@register
class Ngspice(Peer):
    """The tile as a circuit."""

    name = "ngspice"
    install = "apt-get install ngspice"
    note = (
        "the same tile as a circuit (archsim spice), one conversion with ngspice's start; cells of "
        "0 S are left out; archsim: one sequence, one core, activity of every cycle"
    )
    cycle_by_cycle = True
    target = 100_000.0
    shapes = (Shape(32, 16, conversions=2000),)

    def version(self) -> str | None:
        """Return the version that ``ngspice --version`` names."""
        program = shutil.which("ngspice")
        if program is None:
            return None
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
        found = re.search(r"ngspice-\S+", done.stdout)
        return found.group() if found else "of unknown version"

    @contextmanager
    def contest(self, shape: Shape) -> Iterator[Contest]:
        """Solve the circuit of one conversion and compare every code."""
        run = tile_run(shape)
        chosen = clear_conversion(run)
        (bank,) = run.matrix.banks
        part = excerpt(bank, run.drive[0, chosen])
        with TemporaryDirectory() as name:
            folder = Path(name)
            found = part.code_of_step(simulate_circuit(part, folder).step)
            equal = int((found == run.code[0, chosen]).sum())
            if equal < found.size:
                msg = f"bench: ngspice finds {found.size - equal} of {found.size} codes different"
                raise ArchsimError(msg)
            yield Contest(
                run.seconds,
                lambda: seconds_of(lambda: run_ngspice(folder / "tile.cir")),
                run.cycles,
                f"{equal} codes equal",
            )


def clear_conversion(run: TileRun) -> int:
    """Return the first conversion whose columns all stay clear of their thresholds.

    Raises
    ------
    ArchsimError
        If there is none.
    """
    (bank,) = run.matrix.banks
    threshold = bank.arrays.readout.threshold[0, bank.arrays.readout.ramp_of_column[0]]
    charge = run.drive[0].astype(np.int64) @ run.difference
    away = np.abs(charge[:, :, None] - threshold[None]).min(axis=(1, 2))
    clear = np.flatnonzero(away > CLEAR * np.abs(threshold).max())
    if clear.size == 0:
        msg = "bench: every conversion has a column that is close to a threshold"
        raise ArchsimError(msg)
    return int(clear[0])
