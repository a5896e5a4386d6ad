"""All banks of a layer in flat arrays, and the conversion of a whole layer.

The column cuts of a layer make banks side by side, its row cuts, where every block converts by
itself, banks one below the other; the codes of the latter are added up. A kernel's code is compiled
for types, not for sizes, so a layer's banks have to be flat arrays with places in them: a tuple of
banks would be compiled anew for every number of them.

Cells are kept once: column by column where the fused kernel converts (`kernels.product`), row by
row where conversions are walked a cycle at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.activity import pack_rows, rows_fit
from archsim.kernels.arrays import NOT_SERIAL, AnalogArrays, BitSerialArrays, Conversion, TileArrays
from archsim.kernels.choice import Walk, choose, reason_for
from archsim.kernels.energy import EnergyArrays, TileEnergy, join_energy
from archsim.kernels.ladder import NARROW_NEVER, LadderArrays, build_ladders
from archsim.kernels.product import NO_PRODUCT, NO_VARIANCE, ProductArrays, cell_at, lay_out
from archsim.numeric.jit import kernel
from archsim.numeric.normal import LARGEST_NORMAL

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
"""Where a bank's numbers are in its layer's flat arrays, and how many there are.

`input` is the first of the layer's inputs that drives its rows; `number` keys its random numbers;
`charge` is its first cell in `GridArrays.charge`; `run` is the first run of its columns in
`GridArrays.ladder`. `row`, `column`, `cell` and `ramp` are the first of its own.
"""

_DECISIONS = {int(Conversion.RAMP): 0, int(Conversion.IDEAL): 1}
"""`GridArrays.bits` where it does not follow from the thresholds."""


class GridArrays(NamedTuple):
    """A layer's banks, one after the other in flat arrays; `bank_at` takes one out.

    Attributes
    ----------
    bank : BANK (banks,)
        Where each bank's part begins, and how long it is.
    column : int64 (bank columns,)
        The layer's column that each bank's column is a part of.
    columns : int
        Columns of the layer.
    row_pointer : int64 (banks, tiles a bank + 1)
        As in `TileArrays`.
    difference : int32 (cells,)
        As in `TileArrays`, concatenated; empty where `charge` has the cells.
    row_conductance, threshold, step_code, ramp_of_column
        As in `TileArrays`, concatenated.
    reset_cycles, integrate_cycles, ramp_cycles, readout_cycles : int
        As in `TileArrays`, the same for all banks.
    conversion, early_stop, columns_per_converter, cycles_per_conversion : int
        As in `TileArrays`, the same for all banks.
    analog : AnalogArrays
        As in `TileArrays`: arrays concatenated (those of cells as one axis, or empty where `noise`
        has them), numbers shared.
    walk : int
        Why conversions are walked a cycle at a time, as `Walk`; 0 where they are not.
    charge, noise : ProductArrays
        Differences and variances of the cells for the fused kernel; empty where there are none.
    ladder : LadderArrays
        Thresholds for the fused kernel.
    narrow : int
        1 where the fused kernel keeps charges in 32 bits.
    rest : int64 (bank columns,)
        Charge that a comparator sees beside what is integrated: both offsets, for the fused kernel.
    packed_row : int64 (rows of all banks,)
        Conductances of rows as the fused kernel counts them (`pack_rows`).
    bits : int
        Decisions that shared converters make of a column, a bit each; 0 with ramps, and 1 with
        ideal converters, which decide everything at once.
    energy : EnergyArrays
        What the tiles spend.
    serial : BitSerialArrays
        As in `TileArrays`, the same for all banks.
    """

    bank: NDArray[np.void]
    column: NDArray[np.int64]
    columns: int
    row_pointer: NDArray[np.int64]
    difference: NDArray[np.int32]
    row_conductance: NDArray[np.int64]
    threshold: NDArray[np.int64]
    step_code: NDArray[np.int64]
    ramp_of_column: NDArray[np.int64]
    reset_cycles: int
    integrate_cycles: int
    ramp_cycles: int
    readout_cycles: int
    conversion: int
    early_stop: int
    columns_per_converter: int
    cycles_per_conversion: int
    analog: AnalogArrays
    walk: int
    charge: ProductArrays
    noise: ProductArrays
    ladder: LadderArrays
    narrow: int
    rest: NDArray[np.int64]
    packed_row: NDArray[np.int64]
    bits: int
    energy: EnergyArrays
    serial: BitSerialArrays = NOT_SERIAL

    @property
    def cycles(self) -> int:
        """Length of one conversion in clock cycles, all of its ramp walked."""
        return self.reset_cycles + self.integrate_cycles + self.ramp_cycles + self.readout_cycles

    @property
    def plain(self) -> bool:
        """Whether conversions are fused, in 32 bits, and nothing disturbs them."""
        noisy = self.noise.cell.size > 0 or self.analog.ramp_sigma.size > 0
        return self.walk == 0 and self.narrow == 1 and not noisy

    @property
    def tiles(self) -> int:
        """Number of tiles."""
        return int(self.bank.shape[0] * (self.row_pointer.shape[1] - 1))


class PlainArrays(NamedTuple):
    """What plain conversions need of a layer's banks: fields of `GridArrays`.

    Machine code takes the longer to make, and to call, the more it is given.
    """

    bank: NDArray[np.void]
    row_pointer: NDArray[np.int64]
    reset_cycles: int
    integrate_cycles: int
    ramp_cycles: int
    readout_cycles: int
    conversion: int
    early_stop: int
    columns_per_converter: int
    cycles_per_conversion: int
    walk: int
    charge: ProductArrays
    ladder: LadderArrays
    rest: NDArray[np.int64]
    packed_row: NDArray[np.int64]
    bits: int
    energy: EnergyArrays


AnyGrid = Any
"""`GridArrays`, or `PlainArrays` for plain conversions."""


def plain_part(grid: GridArrays) -> PlainArrays:
    """Return what plain conversions need of a layer's banks."""
    return PlainArrays(*(getattr(grid, name) for name in PlainArrays._fields))


def kernel_of(grid: GridArrays, waveforms: bool) -> str:
    """Return which kernel converts a grid's recorded sequences: ``fused``, or ``cycles: reason``.

    With waveforms, sequences whose cycles are not kept are still converted by the fused kernel if
    nothing else is in its way.
    """
    walk = Walk(grid.walk)
    if walk is Walk.NONE and waveforms:
        walk = Walk.WAVEFORMS
    return "fused" if walk is Walk.NONE else f"cycles: {reason_for(walk)}"


def join_banks(
    banks: Sequence[TileArrays],
    inputs: Sequence[int],
    columns: Sequence[NDArray[np.int64]],
    energies: Sequence[TileEnergy],
    *,
    fused: bool = True,
) -> GridArrays:
    """Lay the banks of a layer out in flat arrays.

    Parameters
    ----------
    banks : sequence of TileArrays
        Banks of equal phases.
    inputs : sequence of int
        For each bank, the first of the layer's inputs that drives its rows.
    columns : sequence of int64 arrays
        For each bank, the layer's columns that its columns are parts of.
    energies : sequence of TileEnergy
        What each tile of each bank spends.
    fused : bool
        Whether the fused kernel may convert; if not, every conversion is walked.
    """
    first, column = banks[0], np.concatenate(columns)
    walk, charge, noise = _products(banks, fused=fused)
    analogs = [bank.analog for bank in banks]
    walked = [] if walk is Walk.NONE else [bank.difference.ravel() for bank in banks]
    narrow = walk is Walk.NONE and charge.single == 1 and _are_narrow(banks)
    ladder = build_ladders(banks, columns, narrow=narrow)
    steps = first.threshold.shape[1]
    rests = [bank.analog.offset + bank.analog.comparator_offset for bank in banks]
    return GridArrays(
        bank=_places(banks, inputs, charge, ladder),
        column=column,
        columns=int(column.max()) + 1,
        row_pointer=np.stack([bank.row_pointer for bank in banks]),
        difference=np.concatenate([np.zeros(0, dtype=np.int32), *walked], dtype=np.int32),
        row_conductance=np.concatenate([bank.row_conductance for bank in banks]),
        threshold=np.concatenate([bank.threshold for bank in banks]),
        step_code=np.concatenate([bank.step_code for bank in banks]),
        ramp_of_column=np.concatenate([bank.ramp_of_column for bank in banks]),
        reset_cycles=first.reset_cycles,
        integrate_cycles=first.integrate_cycles,
        ramp_cycles=first.ramp_cycles,
        readout_cycles=first.readout_cycles,
        conversion=first.conversion,
        early_stop=first.early_stop,
        columns_per_converter=first.columns_per_converter,
        cycles_per_conversion=first.cycles_per_conversion,
        analog=_join_analog(analogs, with_cells=walk is not Walk.NONE),
        walk=int(walk),
        charge=charge,
        noise=noise,
        ladder=ladder,
        narrow=int(narrow),
        rest=np.concatenate(rests).astype(np.int64),
        packed_row=np.concatenate([pack_rows(bank.row_conductance) for bank in banks]),
        bits=_DECISIONS.get(first.conversion, (steps - 1).bit_length()),
        energy=join_energy(energies),
        serial=first.serial,
    )


def _places(
    banks: Sequence[TileArrays],
    inputs: Sequence[int],
    charge: ProductArrays,
    ladder: LadderArrays,
) -> NDArray[np.void]:
    """Return where each bank's numbers are."""
    place = np.zeros(len(banks), dtype=BANK)
    place["input"], place["number"] = inputs, [bank.analog.tile for bank in banks]
    place["rows"], place["columns"] = np.array([bank.difference.shape for bank in banks]).T
    place["ramps"] = [bank.threshold.shape[0] for bank in banks]
    sizes = {
        "row": place["rows"],
        "column": place["columns"],
        "cell": place["rows"] * place["columns"],
        "ramp": place["ramps"],
    }
    for first, size in sizes.items():
        place[first] = np.cumsum(size) - size
    place["charge"][: charge.place.size] = charge.place
    place["run"], place["runs"] = ladder.run_pointer[:-1], np.diff(ladder.run_pointer)
    return place


def _products(
    banks: Sequence[TileArrays], *, fused: bool
) -> tuple[Walk, ProductArrays, ProductArrays]:
    """Lay the cells out for the fused kernel; say why not if it cannot convert."""
    first = banks[0]
    walk = choose(first) if fused else Walk.ASKED
    if walk is not Walk.NONE:
        return walk, NO_PRODUCT, NO_VARIANCE
    widest = first.integrate_cycles - 1
    charge = lay_out([bank.difference for bank in banks], widest)
    noise: ProductArrays | None = NO_VARIANCE
    if first.analog.read_variance.size > 0:
        variances = [bank.analog.read_variance for bank in banks]
        noise = lay_out(variances, widest**2, signed=False)
    if charge is None or noise is None or not all(rows_fit(b.row_conductance) for b in banks):
        return Walk.WIDE, NO_PRODUCT, NO_VARIANCE
    return walk, charge, noise


def _are_narrow(banks: Sequence[TileArrays]) -> bool:
    """Return whether no comparator sees a charge of more than 31 bits, whatever the inputs."""
    return all(_largest_seen(bank) < NARROW_NEVER - 1 for bank in banks)


def _largest_seen(bank: TileArrays) -> int:
    """Return a magnitude that nothing exceeds which a bank's comparators see, in quanta."""
    widest, analog = bank.integrate_cycles - 1, bank.analog
    charge = int(np.abs(bank.difference.astype(np.int64)).sum(axis=0).max(initial=0)) * widest
    rest = np.abs(analog.offset).max(initial=0) + np.abs(analog.comparator_offset).max(initial=0)
    variance = analog.read_variance.sum(axis=0, dtype=np.int64) * widest**2
    noise = LARGEST_NORMAL * np.sqrt(float((variance * analog.variance_step).max(initial=0)))
    return charge + int(rest) + int(np.ceil(noise))


def _join_analog(parts: Sequence[AnalogArrays], *, with_cells: bool) -> AnalogArrays:
    variance = [part.read_variance.ravel() for part in parts] if with_cells else []
    return parts[0]._replace(
        read_variance=np.concatenate([np.zeros(0, dtype=np.uint8), *variance])[None, :],
        variance_step=np.concatenate([part.variance_step for part in parts]),
        ramp_position=np.concatenate([part.ramp_position for part in parts]),
        ramp_sigma=np.concatenate([part.ramp_sigma for part in parts]),
        offset=np.concatenate([part.offset for part in parts]),
        comparator_offset=np.concatenate([part.comparator_offset for part in parts]),
    )


@kernel
def bank_at(grid: GridArrays, index: int) -> TileArrays:
    """Return one bank of a layer; its arrays are views, but for cells laid out for fusing."""
    place, analog = grid.bank[index], grid.analog
    row, rows, cell = place["row"], place["rows"], place["cell"]
    column, columns, ramp = place["column"], place["columns"], place["ramp"]
    ramps = slice(ramp, ramp + place["ramps"])
    whole = slice(column, column + columns)
    fused = grid.walk == 0
    noisy = grid.noise.cell.shape[0] if fused else analog.read_variance.shape[1]
    noisy_rows = rows if noisy > 0 else 0
    steps = whole if noisy > 0 else slice(0, 0)
    if fused:
        difference = cell_at(grid.charge, index, rows, columns)
        variance = cell_at(grid.noise, index, noisy_rows, columns).astype(np.uint8)
    else:
        difference = grid.difference[cell : cell + rows * columns].reshape((rows, columns))
        flat = analog.read_variance[0, cell : cell + noisy_rows * columns]
        variance = flat.reshape((noisy_rows, columns))
    return TileArrays(
        difference,
        grid.row_conductance[row : row + rows],
        grid.row_pointer[index],
        grid.threshold[ramps],
        grid.step_code[ramps],
        grid.ramp_of_column[whole],
        grid.reset_cycles,
        grid.integrate_cycles,
        grid.ramp_cycles,
        grid.readout_cycles,
        grid.conversion,
        grid.early_stop,
        grid.columns_per_converter,
        grid.cycles_per_conversion,
        AnalogArrays(
            variance,
            analog.variance_step[steps],
            analog.ramp_position[ramps],
            analog.ramp_sigma[ramps],
            analog.offset[whole],
            analog.comparator_offset[whole],
            analog.leak,
            analog.rail_low,
            analog.rail_high,
            analog.decision_sigma,
            analog.seed,
            place["number"],
        ),
        grid.serial,
    )
