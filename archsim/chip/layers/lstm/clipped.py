"""What an LSTM layer clips: h as pulse widths, words of c, tanh beyond its range, its ramps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.circuit_limits import clipped_by_circuits
from archsim.chip.layers.clipped import (
    at_end_of_word,
    beyond,
    beyond_ramp,
    goes_on,
    levels_beyond_words,
    to_look_at,
)
from archsim.chip.layers.lstm.kernel import LSTMArrays
from archsim.chip.layers.lstm.reference import LSTMFunctions
from archsim.chip.mapped_matrix import MappedMatrix
from archsim.chip.spec import ChipSpec
from archsim.clipping import Clipping, Place
from archsim.kernels.recurrent import Format, RecurrentOutputs
from archsim.network.activations import Activation, get_activation
from archsim.network.activations.base import Range

_GATES = 4
_FLAT = 50.0
"""Input at which the gates' functions have come to their ends."""


@dataclass(frozen=True)
class LSTMParts:
    """What an LSTM layer is made of.

    Attributes
    ----------
    form, cell : Format, LSTMArrays
        Numbers of its digital units.
    gates, projection : MappedMatrix
        Tiles of the gates, and of the projection if there is one.
    w_hr : float64 (elements, units), optional
        Weights of the projection.
    functions : LSTMFunctions
        What gates and cell state go through.
    """

    form: Format
    cell: LSTMArrays
    gates: MappedMatrix
    projection: MappedMatrix | None
    w_hr: NDArray[np.float64] | None
    functions: LSTMFunctions


def clipped_by_lstm(
    layer: str,
    parts: LSTMParts,
    outputs: RecurrentOutputs,
    *,
    spec: ChipSpec,
    x_drive: NDArray[np.int16],
) -> tuple[Clipping, ...]:
    """Count what a block of sequences clipped, place by place.

    Parameters
    ----------
    layer : str
        Name of the layer.
    parts : LSTMParts
        What it is made of.
    outputs : RecurrentOutputs
        What its kernel gave.
    spec : ChipSpec
        The run's configuration.
    x_drive : int16 (sequences, timesteps, inputs)
        Its inputs as pulse widths.
    """
    form, cell, functions = parts.form, parts.cell, parts.functions
    gates, projection, w_hr = parts.gates, parts.projection, parts.w_hr
    one, full = 1 << form.fraction_bits, form.h_full_scale
    slack = full / (2 * form.drive_steps)
    found = [
        beyond(layer, Place.OUTPUT_RANGE, outputs.h, limit=full, one=one, slack=slack),
        at_end_of_word(layer, Place.STATE_WORDS, outputs.c, limit=form.word_limit, one=one),
        _cell_range(layer, form, outputs, functions.state),
    ]
    if projection is not None and w_hr is not None:
        found.append(
            _projection_range(
                layer, form, outputs, projection, cell=cell, w_hr=w_hr, state=functions.state
            )
        )
        level, limit = projection.levels(), form.word_limit
        found.append(levels_beyond_words(layer, outputs.h, level, limit=limit, one=one))
    if spec.kind.computes:
        found += _gate_range(layer, outputs, gates, functions)
    else:
        found.append(_converter_range(layer, outputs, gates, functions))
    if gates.arrays.why:
        code = outputs.code.reshape(-1, outputs.code.shape[2])
        found += clipped_by_circuits(
            layer, gates, _driving_gates(form, outputs, x_drive, gates), code
        )
    return tuple(found)


def _driving_gates(
    form: Format, outputs: RecurrentOutputs, x_drive: NDArray[np.int16], gates: MappedMatrix
) -> NDArray[np.int16]:
    """Return what drives the gates' rows in every timestep: inputs, the last h, a full pulse.

    The last row is that of the bias, where there is one.
    """
    last = np.zeros_like(outputs.h_drive)
    last[:, 1:] = outputs.h_drive[:, :-1]
    bias = np.full((*x_drive.shape[:2], 1), form.drive_steps, dtype=np.int16)
    rows = max(bank.first_input + bank.rows for bank in gates.banks)
    whole = np.concatenate([x_drive, last, bias], axis=2)[:, :, :rows]
    return np.ascontiguousarray(whole).reshape(-1, rows)


@lru_cache(maxsize=64)
def _goes_on(state: Activation, limit: float, most: float, step: float) -> bool:
    return goes_on(state, limit, most, step=step)


def _cell_range(layer: str, form: Format, outputs: RecurrentOutputs, state: Activation) -> Clipping:
    """Count cell states beyond the range of their function, unless it is flat there.

    It counts as flat where all that is left of it is less than half a step of a pulse width.
    """
    one, full, steps = 1 << form.fraction_bits, form.second_full_scale, form.drive_steps
    most = (form.word_limit + 1) / one
    if not _goes_on(state, full / one, most, 1 / steps):
        return Clipping(layer, Place.CELL_RANGE, full / one, of=outputs.c.size)
    slack = full / (2 * steps)
    return beyond(layer, Place.CELL_RANGE, outputs.c, limit=full, one=one, slack=slack)


def _projection_range(
    layer: str,
    form: Format,
    outputs: RecurrentOutputs,
    projection: MappedMatrix,
    *,
    cell: LSTMArrays,
    w_hr: NDArray[np.float64],
    state: Activation,
) -> Clipping:
    """Count sums of the projection beyond its ramp."""
    h = outputs.h.reshape(-1, outputs.h.shape[2])
    at_end = (h <= form.projection_level[0]) | (h >= form.projection_level[-1])
    identity = get_activation("identity")
    some = to_look_at(at_end, matrix=projection, function=identity)
    found, _ = beyond_ramp(
        layer,
        Place.PROJECTION_RANGE,
        _driving_projection(form, cell, outputs, some, state=state),
        w_hr.T,
        at_end[some],
        of=h.size,
        matrix=projection,
        function=identity,
    )
    return found


def _driving_projection(
    form: Format,
    cell: LSTMArrays,
    outputs: RecurrentOutputs,
    some: NDArray[np.int64],
    *,
    state: Activation,
) -> NDArray[np.float64]:
    """Return ``o * state(c)`` of some timesteps (some, units), in whole steps of pulse widths.

    Where the state goes through tiles its function is taken as it is, without their rounding.
    """
    one, units = 1 << form.fraction_bits, outputs.c.shape[2]
    c = outputs.c.reshape(-1, units)[some]
    code = outputs.code.reshape(-1, _GATES * units)[some][:, (_GATES - 1) * units :]
    if cell.table.size:
        entry = np.minimum(np.abs(c) >> cell.table_shift, cell.table.size - 1)
        of_c = np.sign(c) * cell.table[entry] / one
    else:
        of_c = state.value(c / one)
    steps = form.drive_steps
    return np.asarray(np.rint(cell.level[_GATES - 1][code] / one * of_c * steps) / steps)


def _gate_range(
    layer: str, outputs: RecurrentOutputs, gates: MappedMatrix, functions: LSTMFunctions
) -> tuple[Clipping, ...]:
    """Count codes at the ends of ramps whose functions go on beyond them: those without bounds."""
    names = [ramp.function for ramp in gates.banks[0].ramps]
    found: tuple[Clipping, ...] = ()
    for gate, function in enumerate(functions.gates):
        if function.bounds is None:
            ramp = gates.banks[0].ramps[names.index(function.name)]
            step = float(np.abs(np.diff(ramp.level)).max())
            ends = int(ramp.step_code[0]), int(ramp.step_code[-1])
            count = _at_ends(outputs, gate, function, limits=ramp.x_range, ends=ends, step=step)
            limit, of = max(map(abs, ramp.x_range)), outputs.c.size
            mine = Clipping(layer, Place.GATE_RANGE, limit, count, of, count)
            found = (found[0] + mine,) if found else (mine,)
    return found


def _converter_range(
    layer: str, outputs: RecurrentOutputs, gates: MappedMatrix, functions: LSTMFunctions
) -> Clipping:
    """Count codes at the ends of an ordinary converter, unless the gates' functions are flat there.

    They are flat where what is left of them is less than half of their widest step.
    """
    low, high = gates.banks[0].ramps[0].x_range
    level, blocks = gates.levels(), gates.row_blocks
    end, count = max(-low, high) * blocks, 0
    for gate, function in enumerate(functions.gates):
        step = float(np.abs(np.diff(function.value(level))).max())
        limits, ends = (low * blocks, high * blocks), (0, level.size - 1)
        count += _at_ends(outputs, gate, function, limits=limits, ends=ends, step=step)
    return Clipping(layer, Place.CONVERTER_RANGE, end, count, outputs.code.size, count)


def _at_ends(
    outputs: RecurrentOutputs,
    gate: int,
    function: Activation,
    *,
    limits: Range,
    ends: tuple[int, int],
    step: float,
) -> int:
    """Return how many of a gate's codes stand at an end beyond which its function goes on.

    Parameters
    ----------
    outputs, gate, function : RecurrentOutputs, int, Activation
        The codes, and which gate's they are.
    limits : (float, float)
        Inputs at the two ends.
    ends : (int, int)
        Codes at the two ends.
    step : float
        The function goes on if it changes by more than half of that.
    """
    units, (low, high) = outputs.c.shape[2], limits
    code = outputs.code[:, :, gate * units : (gate + 1) * units]
    far = np.array([min(-_FLAT, 2 * low), low, high, max(_FLAT, 2 * high)])
    below, lowest, highest, above = function.value(far)
    goes = abs(below - lowest) > step / 2, abs(above - highest) > step / 2
    return sum(int(np.count_nonzero(code == end)) for end, on in zip(ends, goes, strict=True) if on)
