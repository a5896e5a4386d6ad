"""A mapped matrix: all banks of one weight matrix in flat arrays, as kernels see them.

The column cuts of a matrix make banks side by side, its row cuts, where every block converts by
itself, banks one below the other; the codes of the latter are added up. A kernel's code is compiled
for types, not for sizes, so a matrix's banks have to be flat arrays with places in them: a tuple of
banks would be compiled anew for every number of them.

What a kernel may do without is an argument of its own that may be None, so that machine code is
made only for what there is: `Imperfections`, which fused conversions may have, and
`CycleByCycle`, for conversions that are made cycle by cycle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.bank import AnalogArrays, BankArrays
from archsim.kernels.energy import EnergyArrays
from archsim.kernels.product import ProductArrays
from archsim.numeric.dispatch import by_type
from archsim.numeric.jit import kernel

BANK = np.dtype(
    [
        (name, np.int64)
        for name in (
            "input",
            "row",
            "rows",
            "column",
            "columns",
            "cell",
            "ramp",
            "ramps",
            "number",
            "charge",
            "run",
            "runs",
        )
    ],
    align=True,
)
"""Where a bank's numbers are in its matrix's flat arrays, and how many there are.

`input` is the first of the layer's inputs that drives its rows; `number` keys its random numbers;
`charge` is its first cell in `MatrixArrays.charge`; `run` is the first run of its columns in the
table of thresholds. `row`, `column`, `cell` and `ramp` are the first of its own.
"""

WAVEFORMS = "waveforms are recorded"


@by_type(default=True)
def fuse(
    readout: Any,  # noqa: ARG001
    banks: Sequence[BankArrays],  # noqa: ARG001
    columns: Sequence[NDArray[np.int64]],  # noqa: ARG001
    narrow: bool,  # noqa: ARG001
) -> Any:
    """Return a kind's readouts as the fused kernel sees them, or a sentence why it cannot.

    Called by Python only.

    Parameters
    ----------
    readout : NamedTuple of a kind
        Of all banks.
    banks : sequence of BankArrays
        The banks.
    columns : sequence of int64 arrays
        For each bank, the matrix's columns that its columns are parts of.
    narrow : bool
        Whether charges are kept in 32 bits.

    Returns
    -------
    NamedTuple or str
        With a field `table`, the thresholds that decide codes (`archsim.kernels.thresholds`).
    """
    return "its kind of converters has no fused form"


@by_type(default=True)
def noise_of(readout: Any) -> Any:  # noqa: ARG001
    """Return the noise of a kind's readouts for the fused kernel; None for kinds without.

    Called by Python only. It is the same type with noise and without.
    """
    return None


class MatrixArrays(NamedTuple):
    """What every conversion of a matrix needs; `archsim.kernels.fused` makes it.

    Machine code takes the longer to make, and to call, the more it is given: what only some
    conversions need is in `Imperfections` and `CycleByCycle`.

    Attributes
    ----------
    bank : BANK (banks,)
        Where each bank's part begins, and how long it is.
    row_pointer : int64 (banks, tiles a bank + 1)
        As in `BankArrays`.
    reset_cycles, integrate_cycles, convert_cycles, readout_cycles, early_stop : int
        As in `BankArrays`, the same for all banks.
    fused : int
        0 where all conversions are made cycle by cycle.
    charge : ProductArrays
        Differences of the cells; empty where all conversions are made cycle by cycle.
    rest : int64 (bank columns,)
        Charge that a comparator sees beside what is integrated: both offsets.
    packed_row : int64 (rows of all banks,)
        Conductances of rows as the fused kernel counts them (`pack_rows`).
    readout : NamedTuple of a kind, or None
        How charges become codes; None where all conversions are made cycle by cycle.
    energy : EnergyArrays
        What the tiles spend.
    """

    bank: NDArray[np.void]
    row_pointer: NDArray[np.int64]
    reset_cycles: int
    integrate_cycles: int
    convert_cycles: int
    readout_cycles: int
    early_stop: int
    fused: int
    charge: ProductArrays
    rest: NDArray[np.int64]
    packed_row: NDArray[np.int64]
    readout: Any
    energy: EnergyArrays


class Imperfections(NamedTuple):
    """What disturbs fused conversions of a matrix, or takes more than 32 bits.

    Attributes
    ----------
    narrow : int
        1 where charges are kept in 32 bits.
    noise : ProductArrays
        Variances of the cells' read noise; empty without.
    variance_step : float64 (bank columns,), or (0,)
        As in `AnalogArrays`.
    readout : NamedTuple of a kind, or None
        Noise of its converters.
    seed : int
        Seed of the run.
    """

    narrow: int
    noise: ProductArrays
    variance_step: NDArray[np.float64]
    readout: Any
    seed: int


class CycleByCycle(NamedTuple):
    """What conversions of a matrix need that are made cycle by cycle.

    Attributes
    ----------
    everything : int
        1 where all conversions are made cycle by cycle, 0 where only those are whose waveforms
        are recorded.
    column : int64 (bank columns,)
        The matrix's column that each bank's column is a part of.
    difference : int32 (cells,)
        As in `BankArrays`, concatenated.
    row_conductance : int64 (rows of all banks,)
        As in `BankArrays`, concatenated.
    analog : AnalogArrays
        As in `BankArrays`: arrays concatenated, those of cells as (1, cells), numbers shared.
    readout : NamedTuple of a kind
        As in `BankArrays`, of all banks.
    """

    everything: int
    column: NDArray[np.int64]
    difference: NDArray[np.int32]
    row_conductance: NDArray[np.int64]
    analog: AnalogArrays
    readout: Any


@dataclass(frozen=True)
class Matrix:
    """A mapped matrix and what its kernels get.

    Attributes
    ----------
    arrays : MatrixArrays
        What every conversion needs.
    imperfections : Imperfections
        What disturbs it.
    banks : tuple of BankArrays
        Its banks; what they have of readouts is of themselves alone.
    column : int64 (bank columns,)
        The matrix's column that each bank's column is a part of.
    why : str
        Why conversions are made cycle by cycle, empty where they are fused.
    """

    arrays: MatrixArrays
    imperfections: Imperfections
    banks: tuple[BankArrays, ...]
    column: NDArray[np.int64]
    why: str

    @cached_property
    def columns(self) -> int:
        """Columns of the matrix."""
        return int(self.column.max()) + 1

    @cached_property
    def cycles(self) -> int:
        """Length of one conversion in clock cycles, if it does not stop early."""
        return self.banks[0].cycles

    @cached_property
    def tiles(self) -> int:
        """Number of tiles."""
        return int(self.arrays.bank.shape[0] * (self.arrays.row_pointer.shape[1] - 1))

    @property
    def energy(self) -> EnergyArrays:
        """What the tiles spend."""
        return self.arrays.energy

    @cached_property
    def is_ideal(self) -> bool:
        """Whether conversions are fused, in 32 bits, and nothing disturbs them."""
        extra = self.imperfections
        noisy = extra.noise.cell.size > 0 or any(
            field.size for field in extra.readout or () if isinstance(field, np.ndarray)
        )
        return not self.why and extra.narrow == 1 and not noisy

    @cached_property
    def cycle_by_cycle(self) -> CycleByCycle:
        """What conversions cycle by cycle need; made when it is first asked for."""
        banks = self.banks
        return CycleByCycle(
            everything=int(bool(self.why)),
            column=self.column,
            difference=np.concatenate([bank.difference.ravel() for bank in banks], dtype=np.int32),
            row_conductance=np.concatenate([bank.row_conductance for bank in banks]),
            analog=_join_analog([bank.analog for bank in banks]),
            readout=stack_readouts([bank.readout for bank in banks]),
        )

    def kernel(self, *, waveforms: bool) -> str:
        """Return what converts recorded sequences: ``fused``, or ``cycles: reason``.

        With waveforms, sequences whose cycles are not recorded are still fused if nothing else is
        in the way.
        """
        why = self.why or (WAVEFORMS if waveforms else "")
        return f"cycles: {why}" if why else "fused"


def _join_analog(parts: Sequence[AnalogArrays]) -> AnalogArrays:
    variance = [part.read_variance.ravel() for part in parts]
    return parts[0]._replace(
        read_variance=np.concatenate(variance, dtype=np.uint8)[None, :],
        variance_step=np.concatenate([part.variance_step for part in parts]),
        offset=np.concatenate([part.offset for part in parts]),
        comparator_offset=np.concatenate([part.comparator_offset for part in parts]),
    )


def stack_readouts(readouts: Sequence[Any]) -> Any:
    """Return the readouts of a matrix's banks as one of their kind.

    Arrays get one entry a bank on their first axis, filled up with zeros to the largest; numbers
    are the same in all banks.
    """
    first = readouts[0]
    values = {}
    for name in first._fields:
        parts = [getattr(readout, name) for readout in readouts]
        values[name] = _stacked(parts) if isinstance(parts[0], np.ndarray) else parts[0]
        if not isinstance(parts[0], np.ndarray) and any(part != parts[0] for part in parts):
            msg = f"banks of a matrix differ in {type(first).__name__}.{name}"
            raise ValueError(msg)
    return first._replace(**values)


def _stacked(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    shape = np.max([part.shape[1:] for part in parts], axis=0)
    whole = np.zeros((len(parts), *shape), dtype=parts[0].dtype)
    for mine, part in zip(whole, parts, strict=True):
        mine[tuple(slice(size) for size in part.shape[1:])] = part[0]
    return whole


@kernel
def bank_at(matrix: MatrixArrays, whole: CycleByCycle, index: int) -> BankArrays:
    """Return one bank of a matrix; its arrays are views."""
    place, analog = matrix.bank[index], whole.analog
    row, rows, cell = place["row"], place["rows"], place["cell"]
    column, columns = place["column"], place["columns"]
    mine = slice(column, column + columns)
    noisy_rows = rows if analog.read_variance.shape[1] > 0 else 0
    steps = mine if noisy_rows > 0 else slice(0, 0)
    variance = analog.read_variance[0, cell : cell + noisy_rows * columns]
    return BankArrays(
        whole.difference[cell : cell + rows * columns].reshape((rows, columns)),
        whole.row_conductance[row : row + rows],
        matrix.row_pointer[index],
        matrix.reset_cycles,
        matrix.integrate_cycles,
        matrix.convert_cycles,
        matrix.readout_cycles,
        matrix.early_stop,
        AnalogArrays(
            variance.reshape((noisy_rows, columns)),
            analog.variance_step[steps],
            analog.offset[mine],
            analog.comparator_offset[mine],
            analog.leak,
            analog.rail_low,
            analog.rail_high,
            analog.decision_sigma,
            analog.seed,
            place["number"],
        ),
        whole.readout,
        index,
    )
