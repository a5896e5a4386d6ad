"""Flash conversion: all comparators of a column compare in one cycle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.activity import spread_turns, sum_turns
from archsim.kernels.bank import BankArrays
from archsim.kernels.fused import spread_decisions, sum_decisions
from archsim.kernels.matrix import fuse
from archsim.kernels.scratch import Scratch
from archsim.kernels.thresholds import ThresholdTable, build_threshold_table
from archsim.kernels.tile import begin, convert_cycle
from archsim.numeric.dispatch import implements
from archsim.vocabulary import Activity

_UNDECIDED = int(Activity.UNDECIDED)
_LATCHED = int(Activity.LATCHED)


class FlashReadout(NamedTuple):
    """Thresholds and codes of a layer's banks, as those of ramps."""

    threshold: NDArray[np.int64]
    step_code: NDArray[np.int64]
    ramp_of_column: NDArray[np.int64]


class FusedFlash(NamedTuple):
    """The same for the fused kernel."""

    table: ThresholdTable


@implements(begin, FlashReadout)
def _begin(
    readout: FlashReadout, bank: BankArrays, drive: NDArray[np.int64], when: tuple[int, int]
) -> None:
    return None


@implements(convert_cycle, FlashReadout)
def _compare_all(
    readout: FlashReadout,
    bank: BankArrays,
    kept: None,
    step: int,
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    counts: NDArray[np.int64],
    when: tuple[int, int],
) -> None:
    """Count the thresholds that every column has reached; the last step needs no comparator."""
    place, offset = bank.place, bank.analog.comparator_offset
    for column in range(charge.shape[0]):
        ramp, reached = readout.ramp_of_column[place, column], 0
        for other in range(readout.threshold.shape[2] - 1):
            counts[_UNDECIDED] += 1
            if readout.threshold[place, ramp, other] <= charge[column] + offset[column]:
                reached += 1
        code[column] = readout.step_code[place, ramp, reached]
        counts[_LATCHED] += 1


@implements(fuse, FlashReadout)
def _fuse(
    readout: FlashReadout,
    banks: Sequence[BankArrays],
    columns: Sequence[NDArray[np.int64]],
    narrow: bool,
) -> FusedFlash | str:
    return FusedFlash(build_threshold_table(readout, columns, narrow=narrow))


@implements(sum_decisions, FusedFlash)
def _sum(
    readout: FusedFlash,
    columns: int,
    cycles: int,
    scratch: Scratch,
    total: NDArray[np.int64],
) -> int:
    sum_turns(columns, 1, total)
    total[_UNDECIDED] = columns * readout.table.threshold.shape[1]
    return 1


@implements(spread_decisions, FusedFlash)
def _spread(
    readout: FusedFlash,
    columns: int,
    cycles: int,
    scratch: Scratch,
    total: NDArray[np.int64],
) -> int:
    spread_turns(columns, 1, 1, 1, cycles, scratch.counts)
    scratch.counts[_UNDECIDED, 0] = columns * readout.table.threshold.shape[1]
    return sum_decisions(readout, columns, cycles, scratch, total)
