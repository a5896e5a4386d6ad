"""Memory of the fused kernel: made once for a block of sequences, so no conversion makes any."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.matrix import Imperfections, MatrixArrays
from archsim.kernels.product import ProductScratch, product_scratch
from archsim.numeric.dispatch import by_type, implements
from archsim.numeric.inner.loops import LANES, MANY_LANES
from archsim.numeric.jit import inlined, kernel, leaf
from archsim.numeric.normal import NormalScratch, normal_scratch
from archsim.vocabulary import N_ACTIVITY


class NoiseScratch(NamedTuple):
    """Memory for what ideal conversions do not have.

    Attributes
    ----------
    readout
        For noise of the kind's converters, what its `readout_scratch` returns.
    product : ProductScratch
        For charges of 64 bits and for variances.
    pairs : NormalScratch
        For read noise.
    """

    readout: Any
    product: ProductScratch
    pairs: NormalScratch


class Scratch(NamedTuple):
    """Memory that every conversion of a layer's bank uses anew.

    Attributes
    ----------
    seen : int32 or int64 (sequences * widest bank,)
        What the comparators of a bank see, for every sequence of a block.
    threshold : int32 or int64 (ramps * (2**n - 1),)
        Thresholds, with noise of a conversion where there is any.
    trip_step : int32 (widest bank,)
        Thresholds below each column of one sequence.
    counts : int64 (N_ACTIVITY, cycles of a conversion and one more)
        Counts of a phase's cycles, a row an activity.
    width : int64 (most rows,)
        Magnitudes of a tile's pulse widths.
    energy, sorted : float64 (as many,), int64 (twice as many,)
        For `add_energy`, `spread_rows` and `spread_columns`.
    noise : NoiseScratch or None
        None for ideal conversions.
    """

    seen: NDArray[Any]
    threshold: NDArray[Any]
    trip_step: NDArray[np.int32]
    counts: NDArray[np.int64]
    width: NDArray[np.int64]
    energy: NDArray[np.float64]
    sorted: NDArray[np.int64]
    noise: Any


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


@by_type(default=True)
def readout_scratch(noise: Any, ramps: int) -> Any:  # noqa: ARG001
    """Make memory for the noise of a kind's converters; `ramps` are those of a bank."""
    return None


@by_type(default=True)
def _noise_scratch(
    extra: Any,  # noqa: ARG001
    matrix: MatrixArrays,  # noqa: ARG001
    sequences: int,  # noqa: ARG001
) -> NoiseScratch | None:
    """Make what conversions of a matrix need that are not ideal, for a block of sequences."""
    return None


@implements(_noise_scratch, Imperfections)
def _some_noise_scratch(extra: Imperfections, matrix: MatrixArrays, sequences: int) -> NoiseScratch:
    rows, columns, ramps = _largest(matrix.bank)
    noisy = extra.noise.cell.shape[0] > 0
    digits = max(matrix.charge.digits, extra.noise.digits) if noisy or extra.narrow == 0 else 0
    return NoiseScratch(
        readout_scratch(extra.readout, ramps),
        product_scratch(digits, sequences if digits > 0 else 0, rows, columns),
        normal_scratch(columns if noisy else 0),
    )


@by_type(default=True)
def _table_scratch(readout: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return a copy of the thresholds, and one element of their type."""
    threshold = readout.table.threshold
    return threshold.copy().reshape(threshold.size), np.zeros(1, dtype=threshold.dtype)


@implements(_table_scratch, type(None))
def _no_table_scratch(readout: None) -> tuple[NDArray[Any], NDArray[Any]]:  # noqa: ARG001
    return np.zeros(0, dtype=np.int64), np.zeros(1, dtype=np.int64)


@kernel
def make_scratch(matrix: MatrixArrays, extra: Imperfections | None, sequences: int) -> Scratch:
    """Make what conversions of a matrix need, for a block of sequences.

    Parameters
    ----------
    matrix : MatrixArrays
        The matrix.
    extra : Imperfections or None
        What disturbs it; None where nothing does.
    sequences : int
        How many.
    """
    rows, columns, _ = _largest(matrix.bank)
    cycles = (
        matrix.reset_cycles + matrix.integrate_cycles + matrix.convert_cycles
        + matrix.readout_cycles
    )  # fmt: skip
    stride = cycles + 1
    threshold, one = _table_scratch(matrix.readout)
    return Scratch(
        np.zeros(sequences * columns + LANES, dtype=one.dtype),
        threshold,
        # Runs of columns are written in whole panels, and counted by still more at a time.
        np.zeros(columns + LANES + MANY_LANES, dtype=np.int32),
        np.zeros((N_ACTIVITY, stride), dtype=np.int64),
        np.zeros(rows, dtype=np.int64),
        np.zeros(stride, dtype=np.float64),
        np.zeros(2 * stride, dtype=np.int64),
        _noise_scratch(extra, matrix, sequences),
    )
