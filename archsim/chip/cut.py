"""Cutting a layer that is larger than a tile."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from archsim.chip.spec import TileSpec
from archsim.config.converter import CONVERTERS
from archsim.config.hardware import RowSum
from archsim.errors import DesignError
from archsim.listing import listed


@dataclass(frozen=True)
class Cut:
    """How a layer's matrix is laid out on tiles.

    Attributes
    ----------
    rows : tuple of slice
        Rows of each row block.
    columns : tuple of int64 arrays
        Columns of each column block.
    """

    rows: tuple[slice, ...]
    columns: tuple[NDArray[np.int64], ...]

    def tile_name(self, layer: str, row_block: int, column_block: int) -> str:
        """Return the name of a tile: the layer's, and its place where there are several."""
        row = f"_r{row_block}" if len(self.rows) > 1 else ""
        return layer + row + self.bank_suffix(column_block)

    def bank_suffix(self, column_block: int) -> str:
        """Return what tells the banks of a layer apart."""
        return f"_c{column_block}" if len(self.columns) > 1 else ""


def cut_layer(
    name: str,
    rows: int,
    columns: int,
    *,
    spec: TileSpec,
    columns_per_unit: int = 1,
    side: int | None = None,
) -> Cut:
    """Cut a matrix to the size of a tile, in parts as equal as can be.

    Parameters
    ----------
    name : str
        Layer, for messages.
    rows, columns : int
        Size of the matrix, bias row included.
    spec : TileSpec
        Size of a tile, and how row blocks are summed.
    columns_per_unit : int
        Columns of one unit (4 of an LSTM), which stay together: column ``g * units + u`` belongs to
        unit u.
    side : int, optional
        Most columns of a tile that has as many rows as it needs; both as in `spec` by default.

    Raises
    ------
    DesignError
        If one unit is wider than a tile, or rows would have to be cut where they cannot.
    """
    tile = spec.tile
    most_rows, most_columns = (tile.rows, tile.columns) if side is None else (rows, side)
    if columns_per_unit > most_columns:
        msg = (
            f"tile.columns: a unit of layer '{name}' has {columns_per_unit} columns, which cannot "
            f"be cut, but tile.columns is {tile.columns}: raise it"
        )
        raise DesignError(msg)
    row_blocks = _parts(rows, most_rows)
    if len(row_blocks) > 1 and tile.row_sum is RowSum.DIGITAL and spec.kind.computes:
        others = [key for key, kind in CONVERTERS.shipped().items() if not kind.computes]
        msg = (
            f"tile.row_sum: layer '{name}' has {rows} rows (bias row included) and a tile "
            f"{tile.rows}, so it is cut; {spec.kind.sees} has to see the whole sum, which "
            "partial sums that are converted one by one and added digitally never show it: set "
            f"tile.row_sum to analog, raise tile.rows, or take as adc.kind one of {listed(others)}"
        )
        raise DesignError(msg)
    units = columns // columns_per_unit
    starts = np.arange(columns_per_unit, dtype=np.int64) * units
    blocks = [
        (starts[:, None] + np.arange(part.start, part.stop, dtype=np.int64)[None, :]).ravel()
        for part in _parts(units, most_columns // columns_per_unit)
    ]
    return Cut(tuple(row_blocks), tuple(blocks))


def _parts(length: int, limit: int) -> list[slice]:
    """Divide a length into as few parts of at most `limit` as possible, as equal as can be."""
    count = -(-length // limit)
    edges = [length * part // count for part in range(count + 1)]
    return [slice(first, stop) for first, stop in pairwise(edges)]
