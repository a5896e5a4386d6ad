"""Memory of the fused kernel: made once for a block of sequences, so no conversion makes any."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.grid import AnyGrid, GridArrays
from archsim.kernels.product import ProductScratch, product_scratch
from archsim.kernels.ramp_noise import RampScratch, ramp_scratch
from archsim.numeric.inner.loops import LANES, MANY_LANES
from archsim.numeric.jit import inlined, kernel, leaf
from archsim.numeric.normal import NormalScratch, normal_scratch
from archsim.vocabulary import N_ACTIVITY


class NoiseScratch(NamedTuple):
    """Memory for what plain conversions do not have.

    Attributes
    ----------
    ramps : RampScratch
        For noise of the ramps' cells.
    product : ProductScratch
        For charges of 64 bits and for variances.
    pairs : NormalScratch
        For read noise.
    """

    ramps: RampScratch
    product: ProductScratch
    pairs: NormalScratch


class Scratch(NamedTuple):
    """Memory that every conversion of a layer's bank uses anew.

    Attributes
    ----------
    seen : int32 or int64 (sequences * widest bank,)
        What the comparators of a bank see, for every sequence of a block.
    rung : int32 or int64 (ramps * (2**n - 1),)
        Rungs, with noise of a conversion where there is any.
    latch_step : int32 (widest bank,)
        Rungs below each column of one sequence.
    counts : int64 (N_ACTIVITY, cycles of a conversion and one more)
        Counts of a phase's cycles, a row an activity.
    width : int64 (most rows,)
        Magnitudes of a tile's pulse widths.
    energy, sorted : float64 (as many,), int64 (twice as many,)
        For `add_energy`, `spread_rows` and `spread_columns`.
    noise : NoiseScratch
        Empty for plain conversions.
    """

    seen: NDArray[Any]
    rung: NDArray[Any]
    latch_step: NDArray[np.int32]
    counts: NDArray[np.int64]
    width: NDArray[np.int64]
    energy: NDArray[np.float64]
    sorted: NDArray[np.int64]
    noise: NoiseScratch


@inlined
def width_of(columns: int) -> int:
    """Return the columns of a bank filled up to panels, for kernels."""
    return (columns + LANES - 1) // LANES * LANES


@leaf
def _largest(bank: NDArray[np.void]) -> tuple[int, int, int]:
    """Return the rows of a layer's highest bank, columns of the widest, and most ramps of any."""
    rows, columns, ramps = 0, 0, 0
    for index in range(bank.shape[0]):
        rows = max(rows, bank[index]["rows"])
        columns = max(columns, width_of(bank[index]["columns"]))
        ramps = max(ramps, bank[index]["ramps"])
    return rows, columns, ramps


@kernel
def _make_noise_scratch(grid: GridArrays, sequences: int) -> NoiseScratch:
    """Make what conversions of a layer need that are not plain, for a block of sequences."""
    rows, columns, ramps = _largest(grid.bank)
    noisy = grid.noise.cell.shape[0] > 0
    digits = max(grid.charge.digits, grid.noise.digits) if noisy or grid.narrow == 0 else 0
    return NoiseScratch(
        ramp_scratch(ramps, grid.analog.ramp_position.shape[1]),
        product_scratch(digits, sequences if digits > 0 else 0, rows, columns),
        normal_scratch(columns if noisy else 0),
    )


@kernel
def _no_noise_scratch() -> NoiseScratch:
    """Return memory for nothing."""
    return NoiseScratch(ramp_scratch(0, 0), product_scratch(0, 0, 0, 0), normal_scratch(0))


@kernel
def make_scratch(grid: AnyGrid, sequences: int, plain: int | None) -> Scratch:
    """Make what conversions of a layer need, for a block of sequences.

    Parameters
    ----------
    grid : GridArrays or PlainArrays
        The layer's banks.
    sequences : int
        How many.
    plain : int or None
        None for plain conversions, as of `latch_bank`.
    """
    noise = _no_noise_scratch() if plain is None else _make_noise_scratch(grid, sequences)
    rows, columns, _ = _largest(grid.bank)
    cycles = grid.reset_cycles + grid.integrate_cycles + grid.ramp_cycles + grid.readout_cycles
    stride, rung = cycles + 1, grid.ladder.rung
    return Scratch(
        np.zeros(sequences * columns + LANES, dtype=rung.dtype),
        rung.copy().reshape(rung.size),
        # Runs of columns are written in whole panels, and counted by still more at a time.
        np.zeros(columns + LANES + MANY_LANES, dtype=np.int32),
        np.zeros((N_ACTIVITY, stride), dtype=np.int64),
        np.zeros(rows, dtype=np.int64),
        np.zeros(stride, dtype=np.float64),
        np.zeros(2 * stride, dtype=np.int64),
        noise,
    )
