"""All timesteps of a recurrent layer on its tiles, for a block of sequences.

Per timestep: one conversion of the gates' matrix, then what the kind of cell does with the codes,
then, where the layer has them, a second conversion of what the cell wants to see through a
function, and one of the projection. What is the cell's own stands in the functions below that are
chosen `by_type` of its arrays (`archsim.chip.layers`, a folder each); pulse widths, records, order
and lengths are the same for all.

A layer may run against time, sequences may end before others of their block, and the state may come
from an earlier chunk of a stream.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from archsim.kernels.convert import Stage, convert
from archsim.kernels.drive import Drive, encode, make_drive
from archsim.kernels.scratch import make_scratch
from archsim.numeric.dispatch import by_type, implements
from archsim.numeric.jit import inlined, kernel, leaf


class Format(NamedTuple):
    """Numbers that a recurrent layer's digital units share, in fixed point.

    Attributes
    ----------
    fraction_bits, word_limit : int
        Format of states and levels; words hold ``-word_limit - 1 .. word_limit``.
    drive_steps : int
        Largest pulse width of an input, ``2**n_in - 1``.
    h_full_scale : int
        The ``|h|`` (fixed point) that stands for the largest pulse width.
    second_full_scale : int
        The magnitude that does so of what goes through the second conversion.
    projection_level : int64 (codes,), or no entries
        Levels of the projection's codes; empty where there is none. A full pulse width of what is
        projected stands for 1.
    """

    fraction_bits: int
    word_limit: int
    drive_steps: int
    h_full_scale: int
    second_full_scale: int
    projection_level: NDArray[np.int64]


class State(NamedTuple):
    """What a recurrent layer carries from timestep to timestep, fixed point.

    Attributes
    ----------
    h : int64 (sequences, elements)
        Hidden state, or its projection.
    c : int64 (sequences, units)
        The cell's own: c of an LSTM, what a GRU puts through its second function.
    """

    h: NDArray[np.int64]
    c: NDArray[np.int64]


class Span(NamedTuple):
    """Which timesteps a block's sequences have, and in what order.

    Attributes
    ----------
    length : int64 (sequences,)
        Timesteps of each sequence, the rest of its inputs is not looked at.
    backward : int
        1 where the last timestep comes first.
    """

    length: NDArray[np.int64]
    backward: int


class RecurrentOutputs(NamedTuple):
    """What a recurrent layer computed for a block of sequences; nothing behind a sequence's end.

    Attributes
    ----------
    code : uint16 (sequences, timesteps, columns)
        Codes of the gates.
    c : int32 (sequences, timesteps, units)
        The cell's own state, fixed point.
    h : int32 (sequences, timesteps, elements)
        Hidden state, or its projection, fixed point.
    h_drive : int16 (sequences, timesteps, elements)
        The same as signed pulse widths, as it is fed back and passed on.
    """

    code: NDArray[np.uint16]
    c: NDArray[np.int32]
    h: NDArray[np.int32]
    h_drive: NDArray[np.int16]

    def of(self, place: Any, timesteps: slice) -> RecurrentOutputs:
        """Return what was computed for some sequences (an index of theirs) in some timesteps."""
        return RecurrentOutputs(
            self.code[place, timesteps],
            self.c[place, timesteps],
            self.h[place, timesteps],
            self.h_drive[place, timesteps],
        )


# ----------------------------------------------------------------- what a kind of cell gives


@by_type(leaf=True)
def after_gates(cell: Any, code: NDArray[np.uint16], state: State) -> None:
    """Bring a cell's own state to this timestep.

    Parameters
    ----------
    cell : NamedTuple of a kind
        Its numbers.
    code : uint16 (sequences, columns)
        Codes of the gates.
    state : State
        Of the timestep before; out: `State.c` of this one.
    """


@by_type(leaf=True)
def finish(
    cell: Any,
    code: NDArray[np.uint16],
    second: NDArray[np.uint16] | None,
    state: State,
    out: NDArray[np.int64],
) -> None:
    """Find what the cell puts out.

    Parameters
    ----------
    cell, code, state
        As of `after_gates`, which has been there.
    second : uint16 (sequences, units) or None
        Codes of what went through the second conversion; None where the layer has none, and a table
        in the cell takes its place.
    out : int64 (sequences, units)
        Out: h, or what is projected to it, fixed point. It may be `State.h` itself, whose elements
        are those of the timestep before until they are written.
    """


@by_type(default=True, leaf=True)
def drive_second(
    cell: Any,  # noqa: ARG001 - for kinds of cells
    form: Format,
    state: State,
    outer: Drive,  # noqa: ARG001
    drive: Drive,
) -> None:
    """Write what goes through the second conversion as pulse widths; `State.c`, by default.

    `outer` is what drives the gates' rows: inputs, the last h, the bias.
    """
    encode(state.c, form.second_full_scale, form.drive_steps, drive, 0)


# ----------------------------------------------------------------- the loop


@leaf
def _timestep(span: Span, sequence: int, step: int) -> int:
    """Return which timestep of a sequence comes as number `step`, -1 where none does."""
    length = span.length[sequence]
    if step < 0 or step >= length:
        return -1
    return length - 1 - step if span.backward == 1 else step


@inlined
def _take_inputs(x_drive: NDArray[np.int16], span: Span, step: int, drive: Drive) -> None:
    """Write the inputs that come as number `step` to the first elements of each vector."""
    inputs = x_drive.shape[2]
    for sequence in range(x_drive.shape[0]):
        timestep = _timestep(span, sequence, step)
        if timestep >= 0:
            mine = drive.width[sequence * drive.stride :][:inputs]
            given = x_drive[sequence, timestep]
            for index in range(inputs):
                mine[index] = given[index]


@leaf
def look_up(level: NDArray[np.int64], code: NDArray[np.uint16], out: NDArray[np.int64]) -> None:
    """Write what codes (sequences, columns) stand for to `out`."""
    for sequence in range(code.shape[0]):
        for column in range(code.shape[1]):
            out[sequence, column] = level[code[sequence, column]]


@leaf
def _finish(
    cell: Any,
    code: NDArray[np.uint16],
    second: Stage | None,
    of_units: NDArray[np.uint16],
    state: State,
    out: NDArray[np.int64],
) -> None:
    """Call `finish` with the second conversion's codes, if there is one."""
    if second is None:
        finish(cell, code, None, state, out)
    else:
        finish(cell, code, of_units, state, out)


@leaf
def _give_outputs(
    outputs: RecurrentOutputs,
    span: Span,
    step: int,
    code: NDArray[np.uint16],
    state: State,
    drive: Drive,
    first: int,
) -> None:
    """Write a timestep's codes and states; h is what drives the rows from `first` on."""
    c, h = state.c, state.h
    for sequence in range(code.shape[0]):
        timestep = _timestep(span, sequence, step)
        if timestep < 0:
            continue
        of_code, of_c = outputs.code[sequence, timestep], outputs.c[sequence, timestep]
        of_h, of_drive = outputs.h[sequence, timestep], outputs.h_drive[sequence, timestep]
        for column in range(code.shape[1]):
            of_code[column] = code[sequence, column]
        for unit in range(c.shape[1]):
            of_c[unit] = c[sequence, unit]
        for element in range(h.shape[1]):
            of_h[element] = h[sequence, element]
        mine = drive.width[sequence * drive.stride + first :][: h.shape[1]]
        for element in range(h.shape[1]):
            of_drive[element] = mine[element]


@inlined
def _last_state(outputs: RecurrentOutputs, span: Span, start: State, state: State) -> None:
    """Write each sequence's state at its own end, which is that of the start without timesteps."""
    for sequence in range(state.h.shape[0]):
        last = _timestep(span, sequence, span.length[sequence] - 1)
        for element in range(state.h.shape[1]):
            mine = start.h[sequence, element]
            state.h[sequence, element] = outputs.h[sequence, last, element] if last >= 0 else mine
        for unit in range(state.c.shape[1]):
            mine = start.c[sequence, unit]
            state.c[sequence, unit] = outputs.c[sequence, last, unit] if last >= 0 else mine


class _Block(NamedTuple):
    """A block of sequences: inputs, state before and after, order, outputs."""

    x_drive: NDArray[np.int16]
    state: State
    span: Span
    outputs: RecurrentOutputs


class _Buffers(NamedTuple):
    """Memory that every timestep uses anew.

    Attributes
    ----------
    drive, inner : Drive
        What drives the gates' rows, and those of the other matrices.
    code, of_units, of_elements : uint16 (sequences, columns), (sequences, units or elements)
        Codes of the gates, of the second conversion and of the projection.
    value : int64 (sequences, units)
        What is projected.
    scratch : tuple of Scratch or None
        Of the three matrices.
    """

    drive: Drive
    inner: Drive
    code: NDArray[np.uint16]
    of_units: NDArray[np.uint16]
    of_elements: NDArray[np.uint16]
    value: NDArray[np.int64]
    scratch: tuple[Any, Any, Any]


@by_type(default=True)
def _scratch_of(stage: Any, sequences: int) -> Any:  # noqa: ARG001
    """Make memory for a matrix, if there is one."""
    return None


@implements(_scratch_of, Stage)
def _scratch_of_stage(stage: Stage, sequences: int) -> Any:
    return make_scratch(stage.matrix, stage.extra, sequences)


@kernel
def run_recurrent(
    cell: Any,
    form: Format,
    stages: tuple[Stage, Stage | None, Stage | None],
    x_drive: NDArray[np.int16],
    state: State,
    span: Span,
    outputs: RecurrentOutputs,
) -> None:
    """Run every timestep of a block of sequences.

    What is None is left out of the machine code, which takes long enough to make.

    Parameters
    ----------
    cell : NamedTuple of a kind
        Its numbers.
    form : Format
        What all kinds have.
    stages : tuple of Stage
        The matrices of the gates, whose rows are the inputs, the fed-back h and a bias row where
        there is one; of the second conversion, None where there is none; of the projection, the
        same.
    x_drive : int16 (sequences, timesteps, inputs)
        Inputs as signed pulse widths.
    state : State
        The state before the first timestep; out: that after each sequence's last.
    span : Span
        Which timesteps there are.
    outputs : RecurrentOutputs
        Out: what was computed.
    """
    gates, second, projection = stages
    sequences, _, inputs = x_drive.shape
    units, elements = outputs.c.shape[2], outputs.h.shape[2]
    start = State(state.h.copy(), state.c.copy())
    drive = make_drive(sequences, inputs + elements + 1)
    for sequence in range(sequences):
        drive.width[sequence * drive.stride + inputs + elements] = form.drive_steps
    encode(state.h, form.h_full_scale, form.drive_steps, drive, inputs)
    buffers = _Buffers(
        drive,
        make_drive(sequences, max(units, drive.stride)),
        np.empty((sequences, outputs.code.shape[2]), dtype=np.uint16),
        np.empty((sequences, units), dtype=np.uint16),
        np.empty((sequences, elements), dtype=np.uint16),
        np.empty((sequences, units), dtype=np.int64),
        (
            _scratch_of(gates, sequences),
            _scratch_of(second, sequences),
            _scratch_of(projection, sequences),
        ),
    )
    block = _Block(x_drive, state, span, outputs)
    _run_steps(cell, form, gates, second, projection, block, buffers)
    _last_state(outputs, span, start, state)


@leaf
def _run_steps(
    cell: Any,
    form: Format,
    gates: Stage,
    second: Stage | None,
    projection: Stage | None,
    block: _Block,
    buffers: _Buffers,
) -> None:
    """Run all timesteps; a leaf, so that no references are counted, which threads wait for."""
    x_drive, state, span, outputs = block
    drive, inner, code, of_units, of_elements, value, scratch = buffers
    steps, inputs = form.drive_steps, x_drive.shape[2]
    for step in range(x_drive.shape[1]):
        _take_inputs(x_drive, span, step, drive)
        convert(gates, drive, code, step, scratch[0])
        after_gates(cell, code, state)
        if second is not None:
            drive_second(cell, form, state, drive, inner)
            convert(second, inner, of_units, step, scratch[1])
        if projection is None:
            _finish(cell, code, second, of_units, state, state.h)
        else:
            _finish(cell, code, second, of_units, state, value)
            encode(value, 1 << form.fraction_bits, steps, inner, 0)
            convert(projection, inner, of_elements, step, scratch[2])
            look_up(form.projection_level, of_elements, state.h)
        encode(state.h, form.h_full_scale, steps, drive, inputs)
        _give_outputs(outputs, span, step, code, state, drive, inputs)
