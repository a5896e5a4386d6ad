"""What of a bank goes into a netlist: rows, columns, a drive, and values in SI units.

Row blocks that share their columns' integrators are one crossbar to the circuit: the currents of
all of them flow into the same lines. So a bank of several tiles is written as one tile of all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from archsim.chip.bank import Bank
from archsim.chip.build import Chip
from archsim.errors import DesignError, InputError
from archsim.workloads.sequences import Sequences

if TYPE_CHECKING:
    from archsim.chip.converters.ramp.cost import RampDesign

MAX_ROWS = 64
"""Most rows of a netlist."""

MAX_COLUMNS = 64
"""Most differential columns of a netlist."""

DEFAULT_ROWS = 8
"""Rows of a chip's first bank that `first_conversion` takes where it is not told."""

DEFAULT_COLUMNS = 4
"""Columns of a chip's first bank that `first_conversion` takes where it is not told."""

Chosen = int | Sequence[int] | None
"""Which rows or columns: the first so many, these indices, or all of them."""


@dataclass(frozen=True)
class Excerpt:
    """The rows and columns of a bank that a netlist holds, and the conversion that it runs.

    Attributes
    ----------
    bank : Bank
        The whole bank.
    converter : RampDesign
        Sizes of its ramps.
    g_min : float
        Conductance of the smaller side of every crossing, S.
    rows, columns : int64 (rows,), int64 (columns,)
        Indices of the chosen wordlines and differential columns.
    drive : int64 (rows,)
        Signed pulse widths of the chosen rows, in cycles.
    """

    bank: Bank
    converter: RampDesign
    g_min: float
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    drive: NDArray[np.int64]

    @property
    def difference(self) -> NDArray[np.int64]:
        """G+ - G- of the chosen crossings (rows, columns), in conductance steps."""
        return self.bank.arrays.difference[np.ix_(self.rows, self.columns)].astype(np.int64)

    @property
    def ramp_of_column(self) -> NDArray[np.int64]:
        """Which ramp each chosen column is compared with (columns,)."""
        return np.asarray(self.bank.arrays.readout.ramp_of_column[0, self.columns])

    @property
    def conductances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """G+ and G- of the chosen crossings, (rows, columns) each, S."""
        siemens = self.difference * self.bank.design.conductance_step
        return np.maximum(siemens, 0) + self.g_min, np.maximum(-siemens, 0) + self.g_min

    @property
    def v_ramp(self) -> float:
        """Voltage above V_CLP at which ramp and bias cells are read, V."""
        return self.bank.design.v_read * self.bank.scale.reference_ratio

    @property
    def charge(self) -> NDArray[np.int64]:
        """Charge (columns,) that the chosen rows integrate on the chosen columns, in quanta."""
        return self.drive @ self.difference

    @property
    def code(self) -> NDArray[np.int64]:
        """Codes (columns,) that the simulator's bank latches for `charge` without noise."""
        above = self.bank.arrays.readout.threshold[0, self.ramp_of_column] > self.charge[:, None]
        last = self.bank.arrays.convert_cycles - 1
        return self.code_of_step(np.where(above.any(axis=1), above.argmax(axis=1), last))

    def code_of_step(self, step: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the codes that the ramp cycles (columns,) in which columns tripped stand for."""
        return np.asarray(self.bank.arrays.readout.step_code[0, self.ramp_of_column, step])


def excerpt(
    bank: Bank,
    drive: NDArray[np.int64] | Sequence[int],
    *,
    g_min: float = 0.0,
    rows: Chosen = None,
    columns: Chosen = None,
) -> Excerpt:
    """Choose what of a bank goes into a netlist.

    Parameters
    ----------
    bank : Bank
        The bank.
    drive : int64 or sequence of int (rows of the bank,)
        Signed pulse widths in cycles, magnitudes below ``2**n_in``.
    g_min : float
        Conductance of the smaller side of every crossing, S. Both sides get it, so that it changes
        currents but no result.
    rows, columns : int or sequence of int, optional
        How many, from the first, or which; all by default.

    Raises
    ------
    DesignError
        If the bank has no ramps, or what was chosen is larger than `MAX_ROWS` x `MAX_COLUMNS`.
    InputError
        If a row or column does not exist, or the drive does not fit the bank.
    """
    converter = _ramps_of(bank)
    chosen_rows = _choose("rows", rows, bank.rows)
    chosen_columns = _choose("columns", columns, bank.columns)
    if chosen_rows.size > MAX_ROWS or chosen_columns.size > MAX_COLUMNS:
        msg = (
            f"{chosen_rows.size} x {chosen_columns.size} of tile '{bank.name}' are too many for a "
            f"netlist, which holds {MAX_ROWS} x {MAX_COLUMNS} at most: choose a smaller tile, or "
            "give rows and columns to cut out a corner"
        )
        raise DesignError(msg)
    widths = _checked(np.asarray(drive), bank)
    return Excerpt(bank, converter, g_min, chosen_rows, chosen_columns, widths[chosen_rows])


def _ramps_of(bank: Bank) -> RampDesign:
    """Return the sizes of a bank's ramps."""
    periphery = bank.design.periphery
    if periphery is None or not periphery.converter.has_ramps:
        ideal = periphery is not None and not periphery.converter.buildable
        msg = (
            f"adc.kind: tile '{bank.name}' has {'ideal' if ideal else 'shared'} converters and no "
            "ramp, which a netlist cannot hold: take nonlinear_ramp or linear_ramp"
        )
        raise DesignError(msg)
    return cast("RampDesign", periphery.converter)


def _choose(what: str, chosen: Chosen, limit: int) -> NDArray[np.int64]:
    """Turn a choice into indices."""
    if chosen is None:
        return np.arange(limit)
    if isinstance(chosen, int):
        if not 1 <= chosen <= limit:
            msg = f"{what}: {chosen} has to be within 1 .. {limit}, as the tile has {limit} {what}"
            raise InputError(msg)
        return np.arange(chosen)
    index = np.array(list(chosen), dtype=np.int64)
    if index.size == 0 or len(set(chosen)) < index.size or index.min() < 0 or index.max() >= limit:
        msg = f"{what}: {list(chosen)} have to be different indices within 0 .. {limit - 1}"
        raise InputError(msg)
    return index


def _checked(drive: NDArray[np.int64], bank: Bank) -> NDArray[np.int64]:
    """Return the drive if it fits the bank."""
    widest = bank.arrays.integrate_cycles - 1
    if drive.shape != (bank.rows,) or not np.issubdtype(drive.dtype, np.integer):
        msg = f"drive: tile '{bank.name}' takes {bank.rows} whole pulse widths, one a row"
        raise InputError(msg)
    widths = drive.astype(np.int64)
    if (np.abs(widths) > widest).any():
        msg = f"drive: pulse widths of tile '{bank.name}' have to be within -{widest} .. {widest}"
        raise InputError(msg)
    return widths


def first_conversion(
    chip: Chip, data: Sequences, *, rows: int | None = None, columns: int | None = None
) -> Excerpt:
    """Take a corner of a chip's first bank in the first conversion of a run.

    The rows are the bank's first ones. The columns are spread evenly over it, so that four of an
    LSTM's are the gates i, f, g and o of its first unit. Inputs are the first frame of the first
    utterance; rows of the fed-back h rest, and a bias row is driven in full.

    Parameters
    ----------
    chip : Chip
        A built chip.
    data : Sequences
        Its workload.
    rows, columns : int, optional
        How many; 8 and 4 by default, or as many as the bank has.

    Raises
    ------
    DesignError
        If the chip's first layer has no tile, or none with a ramp, or the corner is too large.
    InputError
        If there are not so many rows or columns.
    """
    layer = chip.layers[0]
    if not layer.banks:
        msg = (
            f"network.layers.0: layer '{layer.name}' is digital and has no tile to write a netlist "
            "of: place it on a tile"
        )
        raise DesignError(msg)
    bank = layer.banks[0]
    frame = chip.encode(data.inputs[:1, :1]).drive[0, 0]
    drive = np.zeros(
        max(each.first_input + each.rows for each in layer.matrices[0].banks), np.int64
    )
    inputs = drive.size - layer.bias_row
    drive[: min(frame.size, inputs)] = frame[:inputs]
    if layer.bias_row:
        drive[-1] = bank.arrays.integrate_cycles - 1
    wanted = min(DEFAULT_COLUMNS, bank.columns) if columns is None else columns
    count = _choose("columns", wanted, bank.columns).size
    return excerpt(
        bank,
        drive[bank.first_input : bank.first_input + bank.rows],
        g_min=chip.config.device.g_min,
        rows=min(DEFAULT_ROWS, bank.rows) if rows is None else rows,
        columns=[index * bank.columns // count for index in range(count)],
    )
