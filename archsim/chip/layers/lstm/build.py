"""An LSTM layer: a tile of its four gates, a digital unit, optionally a tile for tanh(c).

The functions are tanh and the sigmoid unless the layer's section gives others.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from archsim.chip.cut import cut_layer
from archsim.chip.layers.base import BuildContext
from archsim.chip.layers.cell_function import second_ramp, table_of, table_shift
from archsim.chip.layers.functions import layer_ramp
from archsim.chip.layers.gates import gate_levels, gate_ramps
from archsim.chip.layers.lstm.clipped import LSTMParts, clipped_by_lstm
from archsim.chip.layers.lstm.functions import functions_of
from archsim.chip.layers.lstm.kernel import LSTMArrays
from archsim.chip.layers.lstm.reference import GATES, LSTMFunctions, lstm_float
from archsim.chip.layers.lstm.section import LSTMLayer
from archsim.chip.layers.lstm.tensors import (
    LSTMTensors,
    h_full_scale,
    load_tensors,
    projection_range,
)
from archsim.chip.layers.recurrent import (
    Matrices,
    RecurrentLayer,
    Steps,
    form_of,
    goes_by_ramp,
    second_matrix,
)
from archsim.chip.mapped_matrix import MappedMatrix, map_matrix
from archsim.chip.mapping import with_bias_row
from archsim.chip.spec import ChipSpec, MatrixSpec
from archsim.clipping import Clipping
from archsim.config.converter import CONVERTERS
from archsim.costs.elementwise import ADD, LOOK_UP, MULTIPLY, OUTPUT
from archsim.kernels.recurrent import RecurrentOutputs
from archsim.network.activations import get_activation


class LSTMOnChip(RecurrentLayer):
    """An LSTM layer on the chip; see `archsim.chip.layers.lstm.kernel` for what it computes."""

    whole_steps: ClassVar[Steps] = {"update": (MULTIPLY, ADD, LOOK_UP, OUTPUT)}
    split_steps: ClassVar[Steps] = {"accumulate": (MULTIPLY, ADD), "output": (OUTPUT,)}

    def __init__(self, section: LSTMLayer, inputs: int, context: BuildContext) -> None:
        self._section = section
        self._tensors = load_tensors(section, inputs, context)
        self.bias_row = self._tensors.bias is not None
        self._functions = functions = functions_of(section, context)
        projected = section.units * (section.projection or 0)
        self.macs = 4 * section.units * (inputs + section.elements) + projected
        full_scale = h_full_scale(section, self._tensors, functions, context)
        h_range = full_scale / 2.0**context.spec.digital.fraction_bits
        gates = _gates_matrix(section, self._tensors, functions, context, h_range=h_range)
        second = None
        if goes_by_ramp(context):
            name = f"{section.name}_cell"
            ramp = second_ramp(functions.state, name, context)
            second = second_matrix(name, section.units, ramp, context)
        projection = _projection_matrix(section, self._tensors, context)
        self.assemble(
            section,
            context,
            Matrices(gates, second, projection),
            units=section.units,
            cell=_cell_arrays(gates, second, functions, context),
            form=form_of(context, projection, h_full_scale=full_scale),
            start=(self._tensors.h0, self._tensors.c0),
        )
        w_hr = self._tensors.w_hr
        self._parts = LSTMParts(self._form, self._cell, gates, projection, w_hr, functions)

    def clipped(
        self, x_drive: NDArray[np.int16], outputs: RecurrentOutputs, start: NDArray[np.int64]
    ) -> tuple[Clipping, ...]:
        """Count what a block of sequences clipped, place by place."""
        return (
            *clipped_by_lstm(self.name, self._parts, outputs, spec=self._context.spec),
            *self.clipped_by_circuits(x_drive, outputs, start),
        )

    def float_forward(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Run the float64 LSTM."""
        tensors, one = self._tensors, 2.0**self._form.fraction_bits
        return lstm_float(
            x,
            tensors.w_ih,
            tensors.w_hh,
            tensors.bias,
            tensors.w_hr,
            functions=self._functions,
            start=(tensors.h0 / one, tensors.c0 / one),
            watch=self.watch,
        )


def _gates_matrix(
    section: LSTMLayer,
    tensors: LSTMTensors,
    functions: LSTMFunctions,
    context: BuildContext,
    *,
    h_range: float,
) -> MappedMatrix:
    """Lay the gates out: rows are inputs, fed-back h, bias; columns are i, f, g, o of all units.

    A full pulse width is its `BuildContext.input_range` of an input, and `h_range` of h.
    """
    spec = context.spec
    w_ih, w_hh = (tensors.w_ih * context.input_range).T, tensors.w_hh.T * h_range
    rows = with_bias_row(np.concatenate([w_ih, w_hh]), tensors.bias)
    limits = section.functions.range
    ramps, ramp_of_gate = gate_ramps(functions.gates, section.name, context, limits=limits)
    return map_matrix(
        MatrixSpec(section.name, spec, context.library),
        rows,
        ramps,
        np.repeat(ramp_of_gate, section.units),
        cut_layer(section.name, *rows.shape, spec=spec, columns_per_unit=len(GATES)),
    )


def _projection_matrix(
    section: LSTMLayer, tensors: LSTMTensors, context: BuildContext
) -> MappedMatrix | None:
    """Lay the projection out: rows are units, columns the elements that they are projected to."""
    if tensors.w_hr is None:
        return None
    name = f"{section.name}_projection"
    spec, weight = _only_digitising(context.spec), tensors.w_hr.T
    identity, limits = get_activation("identity"), projection_range(section, tensors)
    return map_matrix(
        MatrixSpec(name, spec, context.library),
        weight,
        [layer_ramp(identity, name, context, input_range=limits)],
        np.zeros(weight.shape[1], dtype=np.int64),
        cut_layer(name, *weight.shape, spec=spec),
    )


def _only_digitising(spec: ChipSpec) -> ChipSpec:
    """Return what tiles are built from whose converters only digitise, so that sums add up."""
    return replace(spec, kind=CONVERTERS.get(spec.kind.digitising)())


def _cell_arrays(
    gates: MappedMatrix, cell: MappedMatrix | None, functions: LSTMFunctions, context: BuildContext
) -> LSTMArrays:
    """Put levels and the table of the cell state's function into fixed point."""
    empty = np.zeros(0, dtype=np.int64)
    return LSTMArrays(
        level=gate_levels(gates, functions.gates, context),
        fraction_bits=context.spec.digital.fraction_bits,
        word_limit=context.word_limit,
        table=empty if cell else table_of(functions.state, context),
        table_shift=table_shift(context.spec),
        second_level=context.to_fixed(cell.levels()) if cell else empty,
    )
