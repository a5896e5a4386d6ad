"""Lays the banks of a mapped matrix out in flat arrays, and says which kernel converts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.activity import pack_rows, rows_fit
from archsim.kernels.bank import NO_RAIL, AnalogArrays, BankArrays
from archsim.kernels.energy import TileEnergy, join_energy
from archsim.kernels.matrix import (
    BANK,
    Imperfections,
    Matrix,
    MatrixArrays,
    fuse,
    noise_of,
    stack_readouts,
)
from archsim.kernels.product import NO_PRODUCT, NO_VARIANCE, ProductArrays, lay_out
from archsim.kernels.thresholds import NARROW_NEVER
from archsim.numeric.normal import LARGEST_NORMAL

ASKED = "the cycle kernel was asked for"
_WIDE = "pulse widths or conductances are too wide"


def join_banks(
    banks: Sequence[BankArrays],
    inputs: Sequence[int],
    columns: Sequence[NDArray[np.int64]],
    energies: Sequence[TileEnergy],
    *,
    fused: bool = True,
) -> Matrix:
    """Lay the banks of a matrix out in flat arrays.

    Parameters
    ----------
    banks : sequence of BankArrays
        Banks of equal phases and one kind of converters.
    inputs : sequence of int
        For each bank, the first of the layer's inputs that drives its rows.
    columns : sequence of int64 arrays
        For each bank, the matrix's columns that its columns are parts of.
    energies : sequence of TileEnergy
        What each tile of each bank spends.
    fused : bool
        Whether the fused kernel may convert; if not, every conversion is converted cycle by cycle.
    """
    first = banks[0]
    stacked = stack_readouts([bank.readout for bank in banks])
    why, charge, noise = _products(banks) if fused else (ASKED, NO_PRODUCT, NO_VARIANCE)
    if why == _WIDE and isinstance(kinds_own := fuse(stacked, banks, columns, False), str):
        why = kinds_own
    narrow = not why and charge.single == 1 and _are_narrow(banks)
    readout = None if why else fuse(stacked, banks, columns, narrow)
    if isinstance(readout, str):
        why, charge, noise, narrow, readout = readout, NO_PRODUCT, NO_VARIANCE, False, None
    rests = [bank.analog.offset + bank.analog.comparator_offset for bank in banks]
    arrays = MatrixArrays(
        bank=_places(banks, inputs, charge, readout),
        row_pointer=np.stack([bank.row_pointer for bank in banks]),
        reset_cycles=first.reset_cycles,
        integrate_cycles=first.integrate_cycles,
        convert_cycles=first.convert_cycles,
        readout_cycles=first.readout_cycles,
        early_stop=first.early_stop,
        fused=int(not why),
        charge=charge,
        rest=np.concatenate(rests).astype(np.int64),
        packed_row=np.concatenate([pack_rows(bank.row_conductance) for bank in banks]),
        readout=readout,
        energy=join_energy(energies),
    )
    extra = Imperfections(
        narrow=int(narrow),
        noise=noise,
        variance_step=np.concatenate([bank.analog.variance_step for bank in banks]),
        readout=None if why else noise_of(stacked),
        seed=first.analog.seed,
    )
    return Matrix(arrays, extra, tuple(banks), np.concatenate(columns), why)


def _places(
    banks: Sequence[BankArrays], inputs: Sequence[int], charge: ProductArrays, readout: Any
) -> NDArray[np.void]:
    """Return where each bank's numbers are."""
    place = np.zeros(len(banks), dtype=BANK)
    place["input"], place["number"] = inputs, [bank.analog.tile for bank in banks]
    place["rows"], place["columns"] = np.array([bank.difference.shape for bank in banks]).T
    sizes = {
        "row": place["rows"],
        "column": place["columns"],
        "cell": place["rows"] * place["columns"],
    }
    for first, size in sizes.items():
        place[first] = np.cumsum(size) - size
    place["charge"][: charge.place.size] = charge.place
    if readout is not None:
        table = readout.table
        place["ramps"] = table.threshold.shape[0] // len(banks)
        place["ramp"] = np.arange(len(banks)) * place["ramps"]
        place["runs"] = np.bincount(table.run["bank"], minlength=len(banks))
        place["run"] = np.cumsum(place["runs"]) - place["runs"]
    return place


def _products(banks: Sequence[BankArrays]) -> tuple[str, ProductArrays, ProductArrays]:
    """Lay the cells out for the fused kernel; say why not if it cannot convert."""
    analog, widest = banks[0].analog, banks[0].integrate_cycles - 1
    why = _why_cycle_by_cycle(analog)
    if why:
        return why, NO_PRODUCT, NO_VARIANCE
    charge = lay_out([bank.difference for bank in banks], widest)
    noise: ProductArrays | None = NO_VARIANCE
    if analog.read_variance.size > 0:
        variances = [bank.analog.read_variance for bank in banks]
        noise = lay_out(variances, widest**2, signed=False)
    if charge is None or noise is None or not all(rows_fit(b.row_conductance) for b in banks):
        return _WIDE, NO_PRODUCT, NO_VARIANCE
    return "", charge, noise


def _why_cycle_by_cycle(analog: AnalogArrays) -> str:
    """Return why circuits like these have to be converted clock cycle by clock cycle, if so."""
    if analog.leak > 0.0:
        return "integrators leak in every cycle"
    if analog.rail_high < NO_RAIL:
        return "integrators saturate in every cycle"
    if analog.decision_sigma != 0.0:
        return "every comparison has noise of its own"
    return ""


def _are_narrow(banks: Sequence[BankArrays]) -> bool:
    """Return whether no comparator sees a charge of more than 31 bits, whatever the inputs."""
    return all(_largest_seen(bank) < NARROW_NEVER - 1 for bank in banks)


def _largest_seen(bank: BankArrays) -> int:
    """Return a magnitude that nothing exceeds which a bank's comparators see, in quanta."""
    widest, analog = bank.integrate_cycles - 1, bank.analog
    charge = int(np.abs(bank.difference.astype(np.int64)).sum(axis=0).max(initial=0)) * widest
    rest = np.abs(analog.offset).max(initial=0) + np.abs(analog.comparator_offset).max(initial=0)
    variance = analog.read_variance.sum(axis=0, dtype=np.int64) * widest**2
    noise = LARGEST_NORMAL * np.sqrt(float((variance * analog.variance_step).max(initial=0)))
    return charge + int(rest) + int(np.ceil(noise))
