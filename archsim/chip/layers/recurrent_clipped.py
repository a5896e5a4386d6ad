"""What every recurrent layer can clip: sums of its gates, and codes that circuits change."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archsim.chip.mapped_matrix import MappedMatrix
from archsim.clipping import Clipping, Place
from archsim.kernels.recurrent import Format, RecurrentOutputs
from archsim.network.activations import Activation
from archsim.network.activations.base import Range
from archsim.transfer.decisions import pulse_widths

_FLAT = 50.0
"""Input at which the gates' functions have come to their ends."""

Drive = NDArray[np.int16]


def driving_gates(
    form: Format,
    outputs: RecurrentOutputs,
    x_drive: Drive,
    gates: MappedMatrix,
    *,
    start: NDArray[np.int64],
    backward: bool,
) -> Drive:
    """Return what drives the gates' rows in every timestep: inputs, the last h, a full pulse.

    Parameters
    ----------
    form : Format
        Numbers of the digital units.
    outputs : RecurrentOutputs
        What the layer gave, for sequences that all end where the arrays do.
    x_drive : int16 (sequences, timesteps, inputs)
        Its inputs.
    gates : MappedMatrix
        Its tiles; the last row is that of the bias, where there is one.
    start : int64 (sequences, elements)
        The h that sequences begin with, fixed point.
    backward : bool
        Whether they begin at the last timestep.

    Returns
    -------
    int16 (sequences * timesteps, rows)
        Pulse widths.
    """
    h_drive = outputs.h_drive[:, ::-1] if backward else outputs.h_drive
    last = np.empty_like(h_drive)
    last[:, 1:] = h_drive[:, :-1]
    if h_drive.shape[1]:
        last[:, 0] = pulse_widths(start, form.h_full_scale, form.drive_steps)
    last = last[:, ::-1] if backward else last
    bias = np.full((*x_drive.shape[:2], 1), form.drive_steps, dtype=np.int16)
    rows = max(bank.first_input + bank.rows for bank in gates.banks)
    whole = np.concatenate([x_drive, last, bias], axis=2)[:, :, :rows]
    return np.ascontiguousarray(whole).reshape(-1, rows)


def clipped_by_ramps(
    layer: str,
    code: NDArray[np.uint16],
    gates: MappedMatrix,
    functions: Sequence[Activation],
    place: Place = Place.GATE_RANGE,
) -> tuple[Clipping, ...]:
    """Count codes at the ends of ramps whose functions go on beyond them: those without bounds.

    Parameters
    ----------
    layer : str
        Name of the layer.
    code : uint16 (sequences, timesteps, columns)
        Codes of the gates, those of a gate side by side.
    gates : MappedMatrix
        Their tiles.
    functions : sequence of Activation
        The function of each gate.
    place : Place
        What decides where the ramps end.
    """
    names = [ramp.function for ramp in gates.banks[0].ramps]
    of = code.size // len(functions)
    found: tuple[Clipping, ...] = ()
    for gate, function in enumerate(functions):
        if function.bounds is None:
            ramp = gates.banks[0].ramps[names.index(function.name)]
            step = float(np.abs(np.diff(ramp.level)).max())
            ends = int(ramp.step_code[0]), int(ramp.step_code[-1])
            mine = _of_gate(code, gate, len(functions))
            count = _at_ends(mine, function, limits=ramp.x_range, ends=ends, step=step)
            limit = max(map(abs, ramp.x_range))
            one = Clipping(layer, place, limit, count, of, count)
            found = (found[0] + one,) if found else (one,)
    return found


def clipped_by_converter(
    layer: str,
    code: NDArray[np.uint16],
    gates: MappedMatrix,
    functions: Sequence[Activation],
) -> Clipping:
    """Count codes at the ends of an ordinary converter, unless the gates' functions are flat there.

    They are flat where what is left of them is less than half of their widest step.

    Parameters
    ----------
    layer, code, gates, functions
        As of `clipped_by_ramps`.
    """
    low, high = gates.banks[0].ramps[0].x_range
    level, blocks = gates.levels(), gates.row_blocks
    end, count = max(-low, high) * blocks, 0
    for gate, function in enumerate(functions):
        step = float(np.abs(np.diff(function.value(level))).max())
        limits, ends = (low * blocks, high * blocks), (0, level.size - 1)
        mine = _of_gate(code, gate, len(functions))
        count += _at_ends(mine, function, limits=limits, ends=ends, step=step)
    return Clipping(layer, Place.CONVERTER_RANGE, end, count, code.size, count)


def _of_gate(code: NDArray[np.uint16], gate: int, gates: int) -> NDArray[np.uint16]:
    units = code.shape[2] // gates
    return code[:, :, gate * units : (gate + 1) * units]


def _at_ends(
    code: NDArray[np.uint16],
    function: Activation,
    *,
    limits: Range,
    ends: tuple[int, int],
    step: float,
) -> int:
    """Return how many of a gate's codes stand at an end beyond which its function goes on.

    Parameters
    ----------
    code : uint16 array
        The codes.
    function : Activation
        The gate's function.
    limits : (float, float)
        Inputs at the two ends.
    ends : (int, int)
        Codes at the two ends.
    step : float
        The function goes on if it changes by more than half of that.
    """
    low, high = limits
    far = np.array([min(-_FLAT, 2 * low), low, high, max(_FLAT, 2 * high)])
    below, lowest, highest, above = function.value(far)
    goes = abs(below - lowest) > step / 2, abs(above - highest) > step / 2
    return sum(int(np.count_nonzero(code == end)) for end, on in zip(ends, goes, strict=True) if on)
