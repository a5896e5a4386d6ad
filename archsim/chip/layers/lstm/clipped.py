"""What an LSTM layer clips: h as pulse widths, words of c, tanh beyond its range, its ramps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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
from archsim.chip.layers.recurrent_clipped import clipped_by_converter, clipped_by_ramps
from archsim.chip.mapped_matrix import MappedMatrix
from archsim.chip.spec import ChipSpec
from archsim.clipping import Clipping, Place
from archsim.kernels.recurrent import Format, RecurrentOutputs
from archsim.network.activations import Activation, get_activation

_GATES = 4


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
        found += clipped_by_ramps(layer, outputs.code, gates, functions.gates)
    else:
        found.append(clipped_by_converter(layer, outputs.code, gates, functions.gates))
    return tuple(found)


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
