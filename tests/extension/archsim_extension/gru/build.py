"""A GRU on the chip: a matrix of r, z and both sums of the candidate, and a second conversion."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from archsim.chip.cut import cut_layer
from archsim.chip.layers.base import BuildContext
from archsim.chip.layers.clipped import at_end_of_word
from archsim.chip.layers.functions import layer_ramp
from archsim.chip.layers.recurrent import (
    Matrices,
    RecurrentLayer,
    Steps,
    form_of,
    goes_by_ramp,
    second_matrix,
)
from archsim.chip.layers.recurrent_tensors import RecurrentTensors
from archsim.chip.mapped_matrix import MappedMatrix, map_matrix
from archsim.chip.mapping import with_bias_row
from archsim.chip.spec import MatrixSpec
from archsim.clipping import Clipping, Place
from archsim.costs.elementwise import ADD, LOOK_UP, MULTIPLY, OUTPUT
from archsim.kernels.recurrent import RecurrentOutputs
from archsim.network.activations import get_activation
from archsim.network.nonlinear import processed
from archsim_extension.gru.kernel import GRUArrays
from archsim_extension.gru.reference import gru_float
from archsim_extension.gru.section import GRULayer

COLUMNS = ("r", "z", "n_x", "n_h")
FUNCTIONS = ("sigmoid", "sigmoid", "identity", "identity")


class GRUOnChip(RecurrentLayer):
    """A GRU layer on the chip; `archsim_extension.gru.kernel` says what it computes."""

    whole_steps: ClassVar[Steps] = {
        "update": (MULTIPLY, ADD, LOOK_UP, MULTIPLY, MULTIPLY, ADD, OUTPUT)
    }
    split_steps: ClassVar[Steps] = {
        "accumulate": (MULTIPLY, ADD),
        "output": (MULTIPLY, MULTIPLY, ADD, OUTPUT),
    }

    def __init__(self, section: GRULayer, inputs: int, context: BuildContext) -> None:
        units = section.units

        tensors = RecurrentTensors(section, context)
        self._weights = (
            tensors.get("weight_ih", 3 * units, inputs),
            tensors.get("weight_hh", 3 * units, units),
        )
        biases = tensors.biases(3 * units)
        self.bias_row = biases is not None
        self._biases = biases or (np.zeros(3 * units), np.zeros(3 * units))
        self.macs = 3 * units * (inputs + units)
        gates = self._gates_matrix(section, context)
        second = None
        if goes_by_ramp(context):
            end = float(context.spec.digital.cell_range)
            tanh = get_activation("tanh")
            name = f"{section.name}_candidate"
            ramp = layer_ramp(tanh, name, context, input_range=(-end, end))
            second = second_matrix(name, units, ramp, context)
        one = 1 << context.spec.digital.fraction_bits
        self.assemble(
            section,
            context,
            Matrices(gates, second),
            units=units,
            cell=_arrays(gates, second, context),
            form=form_of(context, None, h_full_scale=one),
        )

    def _gates_matrix(self, section: GRULayer, context: BuildContext) -> MappedMatrix:
        """Lay out the columns of r, z, n_x and n_h; rows are inputs, fed-back h, bias."""
        (w_ih, w_hh), (b_ih, b_hh) = self._weights, self._biases
        of_x = np.split((w_ih * context.input_range).T, 3, axis=1)
        of_h = np.split(w_hh.T, 3, axis=1)
        first, second = np.split(b_ih, 3), np.split(b_hh, 3)
        columns = [np.concatenate([of_x[gate], of_h[gate]]) for gate in (0, 1)]
        columns.append(np.concatenate([of_x[2], np.zeros_like(of_h[2])]))
        columns.append(np.concatenate([np.zeros_like(of_x[2]), of_h[2]]))
        bias = np.concatenate([first[0] + second[0], first[1] + second[1], first[2], second[2]])
        rows = with_bias_row(np.concatenate(columns, axis=1), bias if self.bias_row else None)
        computes = context.spec.adc.nonlinear
        names = list(dict.fromkeys(FUNCTIONS)) if computes else ["identity"]
        limits = section.candidate_range if computes else context.spec.adc.input_range
        ramps = [
            layer_ramp(get_activation(name), section.name, context, input_range=limits)
            for name in names
        ]
        ramp_of = [names.index(name) if computes else 0 for name in FUNCTIONS]
        return map_matrix(
            MatrixSpec(section.name, context.spec, context.library),
            rows,
            ramps,
            np.repeat(ramp_of, section.units),
            cut_layer(section.name, *rows.shape, spec=context.spec, columns_per_unit=len(COLUMNS)),
        )

    def clipped(
        self, x_drive: NDArray[np.int16], outputs: RecurrentOutputs, start: NDArray[np.int64]
    ) -> tuple[Clipping, ...]:
        """Count candidates at the end of a word."""
        one, limit = 1 << self._form.fraction_bits, self._form.word_limit
        return (at_end_of_word(self.name, Place.STATE_WORDS, outputs.c, limit=limit, one=one),)

    def float_forward(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Run the GRU in float64."""
        return gru_float(x, *self._weights, *self._biases)


def _arrays(gates: MappedMatrix, second: MappedMatrix | None, context: BuildContext) -> GRUArrays:
    """Put levels and the table of tanh into fixed point."""
    digital, empty = context.spec.digital, np.zeros(0, dtype=np.int64)
    shift = (
        (digital.cell_range << digital.fraction_bits) // digital.table_entries
    ).bit_length() - 1
    middle = (np.arange(digital.table_entries) + 0.5) * 2.0 ** (shift - digital.fraction_bits)
    functions = [get_activation(name) for name in FUNCTIONS]
    if context.spec.adc.nonlinear:
        names = list(dict.fromkeys(FUNCTIONS))
        levels = [gates.levels(names.index(name)) for name in FUNCTIONS]
    else:
        levels = [processed(each, gates.levels(), digital.processors) for each in functions]
    return GRUArrays(
        level=np.stack([context.to_fixed(level) for level in levels]),
        fraction_bits=digital.fraction_bits,
        word_limit=context.word_limit,
        table=empty if second else context.to_fixed(np.tanh(middle)),
        table_shift=shift,
        second_level=context.to_fixed(second.levels()) if second else empty,
    )
