"""Run ngspice on a netlist of `archsim.spice.netlist` and read its table back."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from archsim.errors import ArchsimError, InputError
from archsim.spice.excerpt import Excerpt
from archsim.spice.netlist import table_path, write_netlist
from archsim.vocabulary import Phase


@dataclass(frozen=True)
class Waveforms:
    """What ngspice found at the end of every clock cycle of a conversion.

    Attributes
    ----------
    ramp : float64 (cycles, ramps)
        Voltage of every ramp, V.
    column : float64 (cycles, columns)
        Voltage of every column, V.
    comparator : float64 (cycles, columns)
        Output of every comparator, 0 to 1 V.
    step : int64 (columns,)
        Ramp cycles that the latches hold at the end.
    """

    ramp: NDArray[np.float64]
    column: NDArray[np.float64]
    comparator: NDArray[np.float64]
    step: NDArray[np.int64]

    def first_crossing(self, part: Excerpt) -> NDArray[np.int64]:
        """Return the first ramp cycles (columns,) at whose ends the comparators are high.

        Where one never is, the last ramp cycle; part is what was simulated.
        """
        high = self.comparator[part.bank.tiles[-1].phases == Phase.RAMP] > 0.5
        last = high.shape[0] - 1
        return np.asarray(np.where(high.any(axis=0), high.argmax(axis=0), last))


def simulate(part: Excerpt, folder: Path, *, name: str = "tile", timeout: float = 600) -> Waveforms:
    """Write a part's netlist into a folder, run ngspice on it, and read the table.

    Parameters
    ----------
    part : Excerpt
        What to simulate.
    folder : Path
        Where the netlist and its table go.
    name : str
        Name of both files, without suffix.
    timeout : float
        Longest time that ngspice may take, s.

    Raises
    ------
    InputError
        If there is no ngspice, or the netlist or its table would overwrite something else.
    ArchsimError
        If ngspice fails, or takes too long.
    """
    path = folder / f"{name}.cir"
    table = table_path(path)
    write_netlist(part, path)
    table.unlink(missing_ok=True)
    run_ngspice(path, timeout=timeout)
    return read_table(table, part)


def run_ngspice(path: Path, *, timeout: float = 600) -> str:
    """Run ngspice in batch mode, in the netlist's folder and without the user's settings.

    Returns
    -------
    str
        What it printed.

    Raises
    ------
    InputError
        If it is not installed.
    ArchsimError
        If it fails, or takes longer than `timeout` seconds.
    """
    program = shutil.which("ngspice")
    if program is None:
        msg = "ngspice is not installed, or not on the PATH: apt-get install ngspice"
        raise InputError(msg)
    try:
        done = subprocess.run(
            [program, "-b", "-n", path.name],
            cwd=path.parent,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        msg = f"{path}: ngspice took longer than {timeout:g} s"
        raise ArchsimError(msg) from error
    printed = done.stdout + done.stderr
    if done.returncode != 0:
        msg = f"{path}: ngspice failed with exit code {done.returncode}: {printed[-2000:].strip()}"
        raise ArchsimError(msg)
    return printed


def read_table(path: Path, part: Excerpt) -> Waveforms:
    """Read the table that a netlist made ngspice write.

    Raises
    ------
    ArchsimError
        If it is missing, cut, or not on the edges of the part's clock.
    """
    if not path.is_file():
        msg = f"{path}: ngspice wrote no table"
        raise ArchsimError(msg)
    lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    names, rows = (lines[0], lines[1:]) if lines else ([], [])
    cycles, period = part.bank.arrays.cycles, part.bank.design.period
    whole = len(rows) == cycles + 1 and all(len(row) == len(names) for row in rows)
    values = np.array(rows, dtype=np.float64) if whole else np.zeros((0, 1))
    edges = np.arange(cycles + 1) * period
    if not whole or not np.allclose(values[:, 0], edges, rtol=1e-6, atol=1e-6 * period):
        msg = f"{path}: is not the table of {cycles} clock cycles of {period:g} s"
        raise ArchsimError(msg)

    def get(node: str, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        at = [names.index(f"v({node}_{label})") for label in labels]
        return np.asarray(values[1:, at], dtype=np.float64)

    return Waveforms(
        ramp=get("ramp", np.arange(len(part.bank.ramps))),
        column=get("col", part.columns),
        comparator=get("cmp", part.columns),
        step=np.rint(get("latch", part.columns)[-1]).astype(np.int64),
    )
