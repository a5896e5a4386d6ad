"""What of a tile goes into a netlist: rows, columns, a drive, and values in SI units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.build import Chip
from archsim.chip.tile import Tile
from archsim.config.run import RunConfig
from archsim.errors import DesignError, InputError
from archsim.workloads.features import FeatureSet

MAX_ROWS = 64
"""Most rows of a netlist."""

MAX_COLUMNS = 64
"""Most differential columns of a netlist."""

DEFAULT_ROWS = 8
"""Rows of a chip's first tile that `first_conversion` takes where it is not told."""

DEFAULT_COLUMNS = 4
"""Columns of a chip's first tile that `first_conversion` takes where it is not told."""

Chosen = int | Sequence[int] | None
"""Which rows or columns: the first so many, these indices, or all of them."""


@dataclass(frozen=True)
class Electrical:
    """Electrical values of a tile that its arrays do not hold.

    Attributes
    ----------
    conductance_step : float
        Conductance that one unit of a tile's ``difference`` stands for, S.
    floor : int
        Conductance of the smaller side of a crossing, in conductance steps.
    v_read : float
        Voltage of a driven row above or below V_CLP, V.
    period : float
        Clock period T, s.
    """

    conductance_step: float
    floor: int
    v_read: float
    period: float

    @classmethod
    def of(cls, config: RunConfig) -> Electrical:
        """Take them from the configuration that the tile was built from."""
        device = config.device
        return cls(
            conductance_step=device.g_max / device.conductance_steps,
            floor=round(device.g_min / device.g_max * device.conductance_steps),
            v_read=config.tile.v_read,
            period=1.0 / config.technology.clock,
        )


@dataclass(frozen=True)
class Excerpt:
    """The rows and columns of a tile that a netlist holds, and the conversion that it runs.

    Attributes
    ----------
    tile : Tile
        The whole tile.
    electrical : Electrical
        Its values in SI units.
    rows, columns : int64 (rows,), int64 (columns,)
        Indices of the chosen wordlines and differential columns.
    drive : int64 (rows,)
        Signed pulse widths of the chosen rows, in cycles.
    """

    tile: Tile
    electrical: Electrical
    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    drive: NDArray[np.int64]

    @property
    def difference(self) -> NDArray[np.int64]:
        """G+ - G- of the chosen crossings (rows, columns), in conductance steps."""
        return self.tile.arrays.difference[np.ix_(self.rows, self.columns)].astype(np.int64)

    @property
    def ramp_of_column(self) -> NDArray[np.int64]:
        """Which ramp each chosen column is compared with (columns,)."""
        return self.tile.arrays.ramp_of_column[self.columns]

    @property
    def conductances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """G+ and G- of the chosen crossings (rows, columns) each, S; the smaller one is g_min."""
        step, floor = self.electrical.conductance_step, self.electrical.floor
        plus = np.maximum(self.difference, 0) + floor
        minus = np.maximum(-self.difference, 0) + floor
        return plus * step, minus * step

    @property
    def c_fb(self) -> float:
        """Feedback capacitor of a column's integrator, F: a quantum over the voltage it moves."""
        quantum = self.electrical.v_read * self.electrical.period * self.electrical.conductance_step
        return quantum / self.tile.volts_per_quantum

    @property
    def c_fb_ramp(self) -> NDArray[np.float64]:
        """Feedback capacitor of each ramp's integrator (ramps,), F."""
        charge_per_siemens = self.electrical.v_read * self.electrical.period
        volts_per_unit = self.tile.quanta_per_unit * self.tile.volts_per_quantum
        gain = np.array([ramp.x_per_siemens for ramp in self.tile.ramps])
        return np.asarray(charge_per_siemens / (gain * volts_per_unit))

    @property
    def charge(self) -> NDArray[np.int64]:
        """Charge that archsim integrates on each chosen column (columns,), in quanta."""
        return self.drive @ self.difference

    @property
    def code(self) -> NDArray[np.int64]:
        """Code that archsim latches for each chosen column (columns,)."""
        above = self.tile.arrays.threshold[self.ramp_of_column] > self.charge[:, None]
        last = self.tile.arrays.ramp_cycles - 1
        return np.where(above.any(axis=1), above.argmax(axis=1), last)


def excerpt(
    tile: Tile,
    drive: NDArray[np.int64],
    *,
    electrical: Electrical,
    rows: Chosen = None,
    columns: Chosen = None,
) -> Excerpt:
    """Choose what of a tile goes into a netlist.

    Parameters
    ----------
    tile : Tile
        The tile.
    drive : int64 (rows of the tile,)
        Signed pulse widths in cycles, magnitudes below ``2**n_in``.
    electrical : Electrical
        The tile's values in SI units.
    rows, columns : int or sequence of int, optional
        How many, from the first, or which; all by default.

    Raises
    ------
    DesignError
        If what was chosen is larger than `MAX_ROWS` x `MAX_COLUMNS`.
    InputError
        If a row or column does not exist, or the drive does not fit the tile.
    """
    chosen_rows = _choose("rows", rows, tile.rows)
    chosen_columns = _choose("columns", columns, tile.columns)
    if chosen_rows.size > MAX_ROWS or chosen_columns.size > MAX_COLUMNS:
        msg = (
            f"{chosen_rows.size} x {chosen_columns.size} of tile '{tile.name}' are too many for a "
            f"netlist, which holds {MAX_ROWS} x {MAX_COLUMNS} at most: choose a smaller tile, or "
            "give rows and columns to cut out a part"
        )
        raise DesignError(msg)
    widths = np.asarray(drive)
    widest = tile.arrays.integrate_cycles - 1
    if widths.shape != (tile.rows,) or not np.issubdtype(widths.dtype, np.integer):
        msg = f"drive: tile '{tile.name}' takes {tile.rows} whole pulse widths, one a row"
        raise InputError(msg)
    if (np.abs(widths) > widest).any():
        msg = f"drive: pulse widths of tile '{tile.name}' have to be within -{widest} .. {widest}"
        raise InputError(msg)
    return Excerpt(
        tile, electrical, chosen_rows, chosen_columns, widths[chosen_rows].astype(np.int64)
    )


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


def first_conversion(
    chip: Chip, data: FeatureSet, *, rows: int | None = None, columns: int | None = None
) -> Excerpt:
    """Take a part of a chip's first tile in the first conversion of a run.

    The rows are the tile's first; the columns are spread evenly over it, so that an LSTM's four
    gates and both of its ramps are in. Inputs are the first frame of the first utterance; fed-back
    rows rest and the bias row is driven in full, as the simulation has it.

    Parameters
    ----------
    chip : Chip
        A built chip.
    data : FeatureSet
        Its workload.
    rows, columns : int, optional
        How many; 8 and 4 by default, or what the tile has.

    Raises
    ------
    DesignError
        If the chip's first layer has no tile, or the part is too large.
    InputError
        If there are not so many rows or columns.
    """
    layer = chip.layers[0]
    if not layer.tiles:
        msg = f"network.layers.0: layer '{layer.name}' is digital: place it on a tile to draw it"
        raise DesignError(msg)
    tile = layer.tiles[0]
    frame = chip.encode(data.features[:1, :1]).drive[0, 0].astype(np.int64)
    drive = np.zeros(tile.rows, dtype=np.int64)
    drive[: frame.size] = frame
    drive[-1] = tile.arrays.integrate_cycles - 1
    if columns is None:
        columns = min(DEFAULT_COLUMNS, tile.columns)
    count = _choose("columns", columns, tile.columns).size
    return excerpt(
        tile,
        drive,
        electrical=Electrical.of(chip.config),
        rows=min(DEFAULT_ROWS, tile.rows) if rows is None else rows,
        columns=[index * tile.columns // count for index in range(count)],
    )
