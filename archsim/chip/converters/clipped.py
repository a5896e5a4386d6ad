"""Codes that a kind of converters changes by its own limits; most kinds have none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.clipping import Clipping
from archsim.numeric.dispatch import by_type
from archsim.transfer.decisions import first_above

if TYPE_CHECKING:
    from archsim.chip.bank import Bank
    from archsim.chip.mapped_matrix import MappedMatrix


@by_type(default=True)
def clipped_by_converters(
    readout: Any,  # noqa: ARG001
    layer: str,  # noqa: ARG001
    matrix: MappedMatrix,  # noqa: ARG001
    drive: NDArray[np.int16],  # noqa: ARG001
    code: NDArray[np.uint16],  # noqa: ARG001
) -> Clipping | None:
    """Count codes of a matrix that its converters change; None for kinds that change none.

    Called by Python only.

    Parameters
    ----------
    readout : NamedTuple of a kind
        What kernels see of the first bank's converters.
    layer : str
        Name of the layer.
    matrix : MappedMatrix
        The tiles.
    drive : int16 (vectors, rows)
        Pulse widths of every conversion.
    code : uint16 (vectors, columns)
        The codes that came out.
    """
    return None


def codes_of(
    bank: Bank, charge: NDArray[np.float64], column: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the codes of charges in columns of a bank (as many of either), without noise."""
    arrays, readout = bank.arrays, bank.arrays.readout
    seen = charge + arrays.analog.comparator_offset[column]
    ramp_of, code = readout.ramp_of_column[0, column], np.empty(charge.shape, dtype=np.int64)
    for ramp, threshold in enumerate(readout.threshold[0]):
        mine = ramp_of == ramp
        passed = first_above(np.maximum.accumulate(threshold), seen[mine])
        code[mine] = readout.step_code[0, ramp, np.minimum(passed, threshold.size - 1)]
    return code
