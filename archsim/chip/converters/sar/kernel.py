"""Successive approximation with converters that neighbouring columns share in turn.

Converter ``k`` serves columns ``k * n .. k * n + n - 1``, one after the other, each for
`cycles_per_conversion` cycles. In the first ``n_out`` of them it decides a bit a cycle, the highest
first, against the same thresholds as a linear ramp of that resolution; the rest is sampling.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.activity import spread_turns, sum_turns
from archsim.kernels.bank import BankArrays
from archsim.kernels.comparator import decision_noise
from archsim.kernels.fused import spread_decisions, sum_decisions
from archsim.kernels.matrix import fuse
from archsim.kernels.scratch import Scratch
from archsim.kernels.thresholds import ThresholdTable, build_threshold_table
from archsim.kernels.tile import begin, convert_cycle
from archsim.numeric.dispatch import implements
from archsim.vocabulary import Activity

_UNDECIDED = int(Activity.UNDECIDED)
_LATCHED = int(Activity.LATCHED)


class SarReadout(NamedTuple):
    """Shared converters of a layer's banks.

    Attributes
    ----------
    threshold : int64 (banks, references, steps)
        Charge at which each code but the first begins, quanta.
    step_code : int64 (banks, references, steps)
        The codes themselves.
    ramp_of_column : int64 (banks, columns)
        Which of the references a column is compared with.
    columns_per_converter, cycles_per_conversion : int
        Columns that a converter serves in turn, and cycles for each.
    """

    threshold: NDArray[np.int64]
    step_code: NDArray[np.int64]
    ramp_of_column: NDArray[np.int64]
    columns_per_converter: int
    cycles_per_conversion: int


class FusedSar(NamedTuple):
    """The same for the fused kernel; `bits` are the decisions that it makes of a column."""

    table: ThresholdTable
    bits: int
    columns_per_converter: int
    cycles_per_conversion: int


@implements(begin, SarReadout)
def _begin(
    readout: SarReadout,
    bank: BankArrays,  # noqa: ARG001
    drive: NDArray[np.int64],  # noqa: ARG001
    when: tuple[int, int],  # noqa: ARG001
) -> int:
    """Return the bits of a code."""
    bits = 0
    while (1 << bits) < readout.threshold.shape[2]:
        bits += 1
    return bits


@implements(convert_cycle, SarReadout)
def _decide_a_bit(
    readout: SarReadout,
    bank: BankArrays,
    kept: int,
    step: int,
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    counts: NDArray[np.int64],
    when: tuple[int, int],
) -> None:
    """Decide one bit of the column that each converter is at."""
    turn, cycle = divmod(step, readout.cycles_per_conversion)
    if cycle >= kept:
        return
    bit = kept - 1 - cycle
    threshold, ramp_of_column = readout.threshold[bank.place], readout.ramp_of_column[bank.place]
    offset, sigma = bank.analog.comparator_offset, bank.analog.decision_sigma
    seed, number = bank.analog.seed, bank.analog.tile
    for column in range(turn, charge.shape[0], readout.columns_per_converter):
        so_far = 0 if cycle == 0 else code[column]
        trial = so_far | (1 << bit)
        level = threshold[ramp_of_column[column], trial - 1]
        seen = float(charge[column] + offset[column])
        if sigma != 0.0:
            seen += sigma * decision_noise(seed, number, column, trial, when)
        code[column] = trial if level <= seen else so_far
        counts[_UNDECIDED] += 1
        if bit == 0:
            counts[_LATCHED] += 1


@implements(fuse, SarReadout)
def _fuse(
    readout: SarReadout,
    banks: Sequence[BankArrays],
    columns: Sequence[NDArray[np.int64]],
    narrow: bool,
) -> FusedSar | str:
    """Search the thresholds as they are, bit by bit, where every bit of every column is decided."""
    steps, convert_cycles = readout.threshold.shape[2], banks[0].convert_cycles
    bits, each = (steps - 1).bit_length(), readout.cycles_per_conversion
    decides_all = (
        steps >= max(2, 2**bits - 1)
        and each >= bits
        and convert_cycles == readout.columns_per_converter * each
    )
    if not decides_all:
        return "converters do not decide every bit of every column"
    table = build_threshold_table(readout, columns, narrow=narrow, rising=False)
    return FusedSar(table, bits, readout.columns_per_converter, each)


@implements(sum_decisions, FusedSar)
def _sum(
    readout: FusedSar,
    columns: int,
    cycles: int,  # noqa: ARG001
    scratch: Scratch,  # noqa: ARG001
    total: NDArray[np.int64],
) -> int:
    sum_turns(columns, readout.bits, total)
    turns = min(columns, readout.columns_per_converter) - 1
    return turns * readout.cycles_per_conversion + readout.bits


@implements(spread_decisions, FusedSar)
def _spread(
    readout: FusedSar,
    columns: int,
    cycles: int,
    scratch: Scratch,
    total: NDArray[np.int64],
) -> int:
    sharing, each = readout.columns_per_converter, readout.cycles_per_conversion
    spread_turns(columns, readout.bits, sharing, each, cycles, scratch.counts)
    return int(sum_decisions(readout, columns, cycles, scratch, total))
