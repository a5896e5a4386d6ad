"""The ramp's part of a conversion: where it stands, and which columns trip in a cycle.

In cycle ``q`` the ramp stands at threshold ``q``, and every column that has not tripped compares;
it latches what the step means if the ramp is above its charge (Yang et al. 2025, Fig. 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.chip.converters.ramp.kernel_noise import (
    RampNoise,
    RampScratch,
    disturb_thresholds,
    disturbed_thresholds,
    draw_ramps,
    ramp_scratch,
)
from archsim.kernels.activity import spread_columns, sum_columns
from archsim.kernels.bank import BankArrays
from archsim.kernels.comparator import decision_noise
from archsim.kernels.fused import disturb_decisions, spread_decisions, sum_decisions
from archsim.kernels.matrix import fuse, noise_of
from archsim.kernels.scratch import Scratch, readout_scratch
from archsim.kernels.thresholds import NARROW_NEVER, NEVER, ThresholdTable, build_threshold_table
from archsim.kernels.tile import NOT_LATCHED, begin, convert_cycle, end
from archsim.numeric.dispatch import implements
from archsim.numeric.jit import kernel
from archsim.numeric.normal import DrawKey
from archsim.numeric.philox import Purpose
from archsim.vocabulary import Activity

_UNDECIDED = int(Activity.UNDECIDED)
_LATCHED = int(Activity.LATCHED)
_RAMP_NOISE = int(Purpose.RAMP_NOISE)


class RampReadout(NamedTuple):
    """Ramps of a layer's banks, and the comparators that they serve.

    Attributes
    ----------
    threshold : int64 (banks, ramps, steps)
        Where each ramp stands in cycle q, in charge quanta; a column trips at the first q whose
        threshold is above its charge.
    step_code : int64 (banks, ramps, steps)
        The code that a column latches in cycle q: q itself, but for functions with two branches. A
        column that never trips gets the last one.
    ramp_of_column : int64 (banks, columns)
        Which ramp each column's comparator sees.
    position : float64 (banks, ramps, steps), or (banks, 0, 0)
        Where each ramp stands after each step, in quanta; used only with noise of the ramps' cells.
    sigma : float64 (banks, ramps, steps + 1), or (banks, 0, 0)
        Noise of each step, and at the end of the bias cells together, in quanta.
    """

    threshold: NDArray[np.int64]
    step_code: NDArray[np.int64]
    ramp_of_column: NDArray[np.int64]
    position: NDArray[np.float64]
    sigma: NDArray[np.float64]


class FusedRamp(NamedTuple):
    """The same for the fused kernel."""

    table: ThresholdTable


# ----------------------------------------------------------------- cycle by cycle


@implements(begin, RampReadout)
def _begin(
    readout: RampReadout,
    bank: BankArrays,
    drive: NDArray[np.int64],  # noqa: ARG001
    when: tuple[int, int],
) -> NDArray[np.int64]:
    """Return where the ramps stand in this conversion."""
    threshold: NDArray[np.int64] = thresholds_of_conversion(readout, bank, when)
    return threshold


@kernel
def thresholds_of_conversion(
    readout: RampReadout, bank: BankArrays, when: tuple[int, int]
) -> NDArray[np.int64]:
    """Return where the ramps stand in a conversion: with the noise of their cells, if any."""
    still: NDArray[np.int64] = readout.threshold[bank.place]
    if readout.sigma.shape[1] == 0:
        return still
    position, sigma = readout.position[bank.place], readout.sigma[bank.place]
    threshold, (sequence, conversion) = np.empty_like(still), when
    ramps, steps = threshold.shape
    noise = ramp_scratch(ramps, steps)
    key = DrawKey(bank.analog.seed, _RAMP_NOISE, sequence, conversion, bank.analog.tile)
    draw_ramps(key, ramps, steps, noise)
    for ramp in range(ramps):
        disturbed_thresholds(position[ramp], sigma[ramp], ramp, noise)
        for step in range(steps):
            threshold[ramp, step] = np.int64(noise.threshold[step])
    return threshold


@implements(convert_cycle, RampReadout)
def _compare(
    readout: RampReadout,
    bank: BankArrays,
    kept: NDArray[np.int64],
    step: int,
    charge: NDArray[np.int64],
    code: NDArray[np.int64],
    counts: NDArray[np.int64],
    when: tuple[int, int],
) -> None:
    """Let every undecided column compare with its ramp, and latch those that trip.

    What the loop needs is taken out of the bank first: handing a bank to a function for every
    column costs more than the comparison.
    """
    ramp_of_column, step_code = readout.ramp_of_column[bank.place], readout.step_code[bank.place]
    offset, sigma = bank.analog.comparator_offset, bank.analog.decision_sigma
    seed, number = bank.analog.seed, bank.analog.tile
    for column in range(charge.shape[0]):
        if code[column] != NOT_LATCHED:
            continue
        counts[_UNDECIDED] += 1
        ramp = ramp_of_column[column]
        seen = charge[column] + offset[column]
        if sigma == 0.0:
            trips = kept[ramp, step] > seen
        else:
            trips = kept[ramp, step] > seen + sigma * decision_noise(
                seed, number, column, step, when
            )
        if trips:
            code[column] = step_code[ramp, step]
            counts[_LATCHED] += 1


@implements(end, RampReadout)
def _end(readout: RampReadout, bank: BankArrays, code: NDArray[np.int64]) -> None:
    ramp_of_column, step_code = readout.ramp_of_column[bank.place], readout.step_code[bank.place]
    for column in range(code.shape[0]):
        if code[column] == NOT_LATCHED:
            code[column] = step_code[ramp_of_column[column], bank.convert_cycles - 1]


# ----------------------------------------------------------------- fused


@implements(fuse, RampReadout)
def _fuse(
    readout: RampReadout,
    banks: Sequence[BankArrays],
    columns: Sequence[NDArray[np.int64]],
    narrow: bool,
) -> FusedRamp | str:
    cycles = banks[0].convert_cycles
    return FusedRamp(build_threshold_table(readout, columns, narrow=narrow, ramp_cycles=cycles))


@implements(noise_of, RampReadout)
def _noise_of(readout: RampReadout) -> RampNoise | None:
    banks, ramps, steps = readout.position.shape
    whole = banks * ramps
    return RampNoise(
        readout.position.reshape(whole, steps),
        readout.sigma.reshape(whole, readout.sigma.shape[2]),
    )


@implements(readout_scratch, RampNoise)
def _scratch(noise: RampNoise, ramps: int) -> RampScratch:
    return ramp_scratch(ramps, noise.position.shape[1])


@implements(disturb_decisions, FusedRamp)
def _disturb(
    readout: FusedRamp,
    noise: RampNoise,
    place: np.void,
    key: tuple[int, int, int],
    narrow: int,
    scratch: Scratch,
) -> None:
    if noise.sigma.shape[0] == 0:
        return
    seed, sequence, conversion = key
    of_bank = DrawKey(seed, _RAMP_NOISE, sequence, conversion, place["number"])
    never = NARROW_NEVER if narrow == 1 else NEVER
    made, table = scratch.noise.readout, readout.table
    disturb_thresholds(noise, place, of_bank, table, never, made, scratch.threshold)


@implements(sum_decisions, FusedRamp)
def _sum(
    readout: FusedRamp,  # noqa: ARG001
    columns: int,
    cycles: int,
    scratch: Scratch,
    total: NDArray[np.int64],
) -> int:
    return sum_columns(scratch.trip_step, columns, cycles, total)


@implements(spread_decisions, FusedRamp)
def _spread(
    readout: FusedRamp,  # noqa: ARG001
    columns: int,
    cycles: int,
    scratch: Scratch,
    total: NDArray[np.int64],
) -> int:
    return spread_columns(scratch.trip_step, columns, cycles, scratch.sorted, scratch.counts, total)
