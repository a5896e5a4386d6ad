"""Converters without quantisation: in one cycle every column latches the step that it is at."""

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
from archsim.numeric.search import first_above
from archsim.vocabulary import Activity

_UNDECIDED = int(Activity.UNDECIDED)
_LATCHED = int(Activity.LATCHED)


class IdealReadout(NamedTuple):
    """Ideal converters of a layer's banks.

    Attributes
    ----------
    threshold : int64 (banks, functions, steps)
        Charge above which each step ends, quanta; it rises.
    step_code : int64 (banks, functions, steps)
        The code of each step.
    ramp_of_column : int64 (banks, columns)
        Which function a column has.
    """

    threshold: NDArray[np.int64]
    step_code: NDArray[np.int64]
    ramp_of_column: NDArray[np.int64]


class FusedIdeal(NamedTuple):
    """The same for the fused kernel."""

    table: ThresholdTable


@implements(begin, IdealReadout)
def _begin(
    readout: IdealReadout,  # noqa: ARG001
    bank: BankArrays,  # noqa: ARG001
    drive: NDArray[np.int64],  # noqa: ARG001
    when: tuple[int, int],  # noqa: ARG001
) -> None:
    return None


@implements(convert_cycle, IdealReadout)
def _latch_at_once(
    readout: IdealReadout,
    bank: BankArrays,
    kept: None,  # noqa: ARG001
    step: int,  # noqa: ARG001
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    counts: NDArray[np.int64],
    when: tuple[int, int],  # noqa: ARG001
) -> None:
    """Latch what the first threshold above each column's charge stands for."""
    threshold, step_code = readout.threshold[bank.place], readout.step_code[bank.place]
    ramp_of_column, last = readout.ramp_of_column[bank.place], threshold.shape[1] - 1
    for column in range(charge.shape[0]):
        ramp = ramp_of_column[column]
        found = first_above(threshold[ramp], charge[column])
        code[column] = step_code[ramp, min(found, last)]
        counts[_UNDECIDED] += 1
        counts[_LATCHED] += 1


@implements(fuse, IdealReadout)
def _fuse(
    readout: IdealReadout,
    banks: Sequence[BankArrays],  # noqa: ARG001
    columns: Sequence[NDArray[np.int64]],
    narrow: bool,
) -> FusedIdeal | str:
    return FusedIdeal(build_threshold_table(readout, columns, narrow=narrow))


@implements(sum_decisions, FusedIdeal)
def _sum(
    readout: FusedIdeal,  # noqa: ARG001
    columns: int,
    cycles: int,  # noqa: ARG001
    scratch: Scratch,  # noqa: ARG001
    total: NDArray[np.int64],
) -> int:
    sum_turns(columns, 1, total)
    return 1


@implements(spread_decisions, FusedIdeal)
def _spread(
    readout: FusedIdeal,
    columns: int,
    cycles: int,
    scratch: Scratch,
    total: NDArray[np.int64],
) -> int:
    spread_turns(columns, 1, 1, 1, cycles, scratch.counts)
    return int(sum_decisions(readout, columns, cycles, scratch, total))
