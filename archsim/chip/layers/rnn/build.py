"""A plain recurrent layer: a tile whose converter computes the function, and registers for h."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from archsim.chip.cut import cut_layer
from archsim.chip.layers.base import BuildContext
from archsim.chip.layers.clipped import beyond, beyond_ramp, levels_beyond_words, to_look_at
from archsim.chip.layers.functions import function_of
from archsim.chip.layers.gates import check_gates, gate_ramps, gate_values
from archsim.chip.layers.ranges import full_scale
from archsim.chip.layers.recurrent import Matrices, RecurrentLayer, Steps, form_of
from archsim.chip.layers.recurrent_clipped import clipped_by_converter
from archsim.chip.layers.recurrent_tensors import RecurrentTensors
from archsim.chip.layers.rnn.kernel import RNNArrays
from archsim.chip.layers.rnn.reference import rnn_float
from archsim.chip.layers.rnn.section import RNNLayer
from archsim.chip.mapped_matrix import map_matrix
from archsim.chip.mapping import with_bias_row
from archsim.chip.spec import MatrixSpec
from archsim.clipping import Clipping, Place
from archsim.config.hardware import RowSum
from archsim.costs.elementwise import WRITE
from archsim.kernels.recurrent import RecurrentOutputs
from archsim.transfer.ramp import Ramp


class RNNOnChip(RecurrentLayer):
    """A plain recurrent layer on the chip; `archsim.chip.layers.rnn.kernel` says what it computes.

    Its unit has neither multipliers nor adders, only the registers that keep h.
    """

    whole_steps: ClassVar[Steps] = {"update": (WRITE,)}
    states: ClassVar[int] = 1

    def __init__(self, section: RNNLayer, inputs: int, context: BuildContext) -> None:
        units = section.units
        tensors = RecurrentTensors(section, context)
        self._w_ih = tensors.get("weight_ih", units, inputs)
        self._w_hh = tensors.get("weight_hh", units, units)
        biases = tensors.biases(units)
        self._bias = None if biases is None else biases[0] + biases[1]
        self._h0 = tensors.start("h0", units)
        self.bias_row = self._bias is not None
        self.macs = units * (inputs + units)
        self._set_function(section, context)
        limits = section.input_range
        ramps, ramp_of_column = gate_ramps([self._function], section.name, context, limits=limits)
        rows = inputs + units + self.bias_row
        cut = cut_layer(section.name, rows, units, spec=context.spec)
        largest = self._largest(ramps[0], len(cut.rows), context)
        full = full_scale(largest, context.spec.digital, wanted=section.output_range)
        h_range = full / 2.0**context.spec.digital.fraction_bits
        w_ih, w_hh = (self._w_ih * context.input_range).T, self._w_hh.T * h_range
        self._rows = with_bias_row(np.concatenate([w_ih, w_hh]), self._bias)
        gates = map_matrix(
            MatrixSpec(section.name, context.spec, context.library),
            self._rows,
            ramps,
            np.repeat(ramp_of_column, units),
            cut,
        )
        (self._value,) = gate_values(gates, [self._function], context)
        self.assemble(
            section,
            context,
            Matrices(gates),
            units=units,
            cell=RNNArrays(context.to_fixed(self._value)),
            form=form_of(context, None, h_full_scale=full),
            start=(self._h0, np.zeros(0, dtype=np.int64)),
        )

    def _set_function(self, section: RNNLayer, context: BuildContext) -> None:
        key = f"network.layers: '{section.name}': function"
        self._function = function_of(section.function, context, key=key)
        limits = section.input_range
        check_gates({key: self._function}, context, limits=limits, key="input_range")

    def _largest(self, ramp: Ramp, row_blocks: int, context: BuildContext) -> float:
        """Return the largest magnitude of what the converter, or a processor after it, gives."""
        if context.spec.kind.computes:
            return float(np.abs(ramp.level).max())
        digital = context.spec.tile.row_sum is RowSum.DIGITAL
        sums = ramp.level * (row_blocks if digital else 1)
        return float(np.abs(self._function.value(sums)).max())

    def clipped(
        self, x_drive: NDArray[np.int16], outputs: RecurrentOutputs, start: NDArray[np.int64]
    ) -> tuple[Clipping, ...]:
        """Count what a block of sequences clipped, place by place."""
        form, level = self._form, np.sort(self._value)
        one, full = 1 << form.fraction_bits, form.h_full_scale
        slack = full / (2 * form.drive_steps)
        found = [
            beyond(self.name, Place.OUTPUT_RANGE, outputs.h, limit=full, one=one, slack=slack),
            levels_beyond_words(self.name, outputs.h, level, limit=form.word_limit, one=one),
        ]
        gates = self._matrices.gates
        if self._context.spec.kind.computes:
            found += self._clipped_sums(x_drive, outputs, start)
        else:
            found.append(clipped_by_converter(self.name, outputs.code, gates, [self._function]))
        return (*found, *self.clipped_by_circuits(x_drive, outputs, start))

    def _clipped_sums(
        self, x_drive: NDArray[np.int16], outputs: RecurrentOutputs, start: NDArray[np.int64]
    ) -> tuple[Clipping, ...]:
        """Count sums beyond the ramp of a function that goes on there."""
        if self._function.bounds is not None:
            return ()
        gates = self._matrices.gates
        ramp = gates.banks[0].ramps[0]
        code = outputs.code.reshape(-1, outputs.code.shape[2])
        at_end = (code == ramp.step_code[0]) | (code == ramp.step_code[-1])
        some = to_look_at(at_end, matrix=gates, function=self._function)
        drive = self.driving_gates(x_drive, outputs, start)[some]
        found, _ = beyond_ramp(
            self.name,
            Place.INPUT_RANGE,
            drive / self._form.drive_steps,
            self._rows,
            at_end[some],
            of=code.size,
            matrix=gates,
            function=self._function,
        )
        return (found,)

    def float_forward(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Run the float64 layer."""
        start = self._h0 / 2.0**self._form.fraction_bits
        return rnn_float(
            x,
            self._w_ih,
            self._w_hh,
            self._bias,
            function=self._function,
            start=start,
            watch=self.watch,
        )
