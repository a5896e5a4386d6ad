"""Codes that the converters of bit-serial crossbars clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from archsim.chip.converters.bit_serial.kernel import BitSerialReadout
from archsim.chip.converters.clipped import clipped_by_converters, codes_of
from archsim.clipping import Clipping, Place
from archsim.numeric.dispatch import implements

if TYPE_CHECKING:
    from archsim.chip.mapped_matrix import MappedMatrix

_VECTORS = 1024
"""Vectors whose sums are held at a time."""


@implements(clipped_by_converters, BitSerialReadout)
def _clipped(
    readout: BitSerialReadout,
    layer: str,
    matrix: MappedMatrix,
    drive: NDArray[np.int16],
    code: NDArray[np.uint16],
) -> Clipping:
    """Count codes that differ from those of sums that no converter clips."""
    limit = (1 << readout.adc_bits) - 1
    rows = max(bank.rows for bank in matrix.banks)
    largest = rows * ((1 << readout.cell_bits) - 1) / (2 if readout.flips else 1)
    found = Clipping(layer, Place.CROSSBAR_SUMS, limit, of=code.size)
    if largest <= limit:
        return found
    count = 0
    for first in range(0, len(drive), _VECTORS):
        some = slice(first, first + _VECTORS)
        exact = np.zeros((len(drive[some]), code.shape[1]), dtype=np.int64)
        for bank in matrix.banks:
            part = slice(bank.first_input, bank.first_input + bank.rows)
            sums = drive[some, part].astype(np.float64) @ bank.arrays.difference
            column = np.tile(np.arange(sums.shape[1]), len(sums))
            exact[:, bank.column] += codes_of(bank, sums.ravel(), column).reshape(sums.shape)
        count += int((exact != code[some]).sum())
    return found + Clipping(layer, Place.CROSSBAR_SUMS, limit, count, 0, count)
