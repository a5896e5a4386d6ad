"""A GRU layer on the chip: a tile of its gates, a digital unit, and its candidate.

Reset after: r, z, and both sums of the candidate are columns of one tile; the digital unit adds the
sums up and takes tanh from a table, or a small tile's second conversion computes it. Reset before:
the tile has r and z alone, and the candidate a tile of its own that is driven by the inputs, r * h
and the bias, once r is known.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from archsim.chip.cut import cut_layer
from archsim.chip.layers.base import BuildContext
from archsim.chip.layers.cell_function import second_ramp, table_of, table_shift
from archsim.chip.layers.clipped import at_end_of_word, beyond, goes_on
from archsim.chip.layers.gates import gate_levels, gate_ramps
from archsim.chip.layers.gru.kernel import GRUAfterArrays, GRUBeforeArrays
from archsim.chip.layers.gru.reference import gru_float
from archsim.chip.layers.gru.section import GRULayer
from archsim.chip.layers.ranges import reachable_range
from archsim.chip.layers.recurrent import (
    Matrices,
    RecurrentLayer,
    Steps,
    form_of,
    goes_by_ramp,
    second_matrix,
)
from archsim.chip.layers.recurrent_clipped import clipped_by_converter, clipped_by_ramps
from archsim.chip.layers.recurrent_tensors import RecurrentTensors
from archsim.chip.mapped_matrix import MappedMatrix, map_matrix
from archsim.chip.mapping import with_bias_row
from archsim.chip.spec import MatrixSpec
from archsim.clipping import Clipping, Place
from archsim.costs.elementwise import ADD, DIFFERENCE, LOOK_UP, MIX, OUTPUT, PRODUCT
from archsim.kernels.recurrent import RecurrentOutputs
from archsim.network.activations import Activation, get_activation
from archsim.network.activations.base import Range

Array = NDArray[np.float64]
R, Z, N = range(3)
"""Gates in PyTorch's order."""


class _GRU(RecurrentLayer):
    """What both orders have in common: tensors, columns, the float reference."""

    def __init__(self, section: GRULayer, inputs: int, context: BuildContext) -> None:
        units = section.units
        tensors = RecurrentTensors(section, context)
        self._section = section
        self._w_ih = tensors.get("weight_ih", 3 * units, inputs)
        self._w_hh = tensors.get("weight_hh", 3 * units, units)
        self._biases = tensors.biases(3 * units)
        self._h0 = tensors.start("h0", units)
        self.bias_row = self._biases is not None
        self.macs = 3 * units * (inputs + units)
        self._sigmoid, self._tanh = get_activation("sigmoid"), get_activation("tanh")

    def _gate(self, gate: int, context: BuildContext, *, x: bool = True, h: bool = True) -> Array:
        """Return a gate's columns (rows, units): of inputs and of h, or of one of the two.

        A full pulse width of h stands for 1, which is as far as it reaches.
        """
        w_ih = np.split(self._w_ih * context.input_range, 3)[gate].T
        w_hh = np.split(self._w_hh, 3)[gate].T
        rows = np.concatenate([w_ih if x else 0 * w_ih, w_hh if h else 0 * w_hh])
        if self._biases is None:
            return rows
        of_x, of_h = (np.split(bias, 3)[gate] for bias in self._biases)
        return with_bias_row(rows, of_x * x + of_h * h)

    def _map(
        self,
        name: str,
        columns: list[Array],
        functions: list[Activation],
        context: BuildContext,
        *,
        limits: Range | None = None,
    ) -> MappedMatrix:
        """Put columns side by side on tiles, each with the ramp of its function."""
        ramps, ramp_of = gate_ramps(functions, self._section.name, context, limits=limits)
        rows = np.concatenate(columns, axis=1)
        return map_matrix(
            MatrixSpec(name, context.spec, context.library),
            rows,
            ramps,
            np.repeat(ramp_of, self._section.units),
            cut_layer(name, *rows.shape, spec=context.spec, columns_per_unit=len(columns)),
        )

    def float_forward(self, x: Array) -> Array:
        """Run the float64 GRU."""
        start = self._h0 / 2.0**self._form.fraction_bits
        before = self._section.resets_before
        return gru_float(
            x,
            self._w_ih,
            self._w_hh,
            self._biases,
            resets_before=before,
            start=start,
            watch=self.watch,
        )

    def _clipped_h(self, outputs: RecurrentOutputs) -> Clipping:
        """Count h beyond a full pulse width, which only what it began with can bring about."""
        one, full = 1 << self._form.fraction_bits, self._form.h_full_scale
        slack = full / (2 * self._form.drive_steps)
        return beyond(self.name, Place.OUTPUT_RANGE, outputs.h, limit=full, one=one, slack=slack)


class GRUAfter(_GRU):
    """A GRU whose reset gate multiplies what the matrix makes of h."""

    whole_steps: ClassVar[Steps] = {"update": (PRODUCT, ADD, LOOK_UP, DIFFERENCE, PRODUCT, MIX)}
    split_steps: ClassVar[Steps] = {
        "accumulate": (PRODUCT, ADD),
        "output": (DIFFERENCE, PRODUCT, MIX),
    }

    def __init__(self, section: GRULayer, inputs: int, context: BuildContext) -> None:
        super().__init__(section, inputs, context)
        identity, digital = get_activation("identity"), context.spec.digital
        self._functions = [self._sigmoid, self._sigmoid, identity, identity]
        n_x, n_h = self._gate(N, context, h=False), self._gate(N, context, x=False)
        gates = self._map(
            section.name,
            [self._gate(R, context), self._gate(Z, context), n_x, n_h],
            self._functions,
            context,
            limits=_candidate_range(section, n_x, n_h),
        )
        second = None
        if goes_by_ramp(context):
            name = f"{section.name}_candidate"
            ramp = second_ramp(self._tanh, name, context)
            second = second_matrix(name, section.units, ramp, context)
        empty = np.zeros(0, dtype=np.int64)
        cell = GRUAfterArrays(
            level=gate_levels(gates, self._functions, context),
            fraction_bits=digital.fraction_bits,
            word_limit=context.word_limit,
            table=empty if second else table_of(self._tanh, context),
            table_shift=table_shift(context.spec),
            second_level=context.to_fixed(second.levels()) if second else empty,
        )
        self.assemble(
            section,
            context,
            Matrices(gates, second),
            units=section.units,
            cell=cell,
            form=form_of(context, None, h_full_scale=1 << digital.fraction_bits),
            start=(self._h0, np.zeros(section.units, dtype=np.int64)),
        )

    def clipped(
        self, x_drive: NDArray[np.int16], outputs: RecurrentOutputs, start: NDArray[np.int64]
    ) -> tuple[Clipping, ...]:
        """Count what a block of sequences clipped, place by place."""
        form, gates = self._form, self._matrices.gates
        one, limit = 1 << form.fraction_bits, form.word_limit
        found = [
            self._clipped_h(outputs),
            at_end_of_word(self.name, Place.STATE_WORDS, outputs.c, limit=limit, one=one),
            self._clipped_candidate(outputs),
        ]
        if self._context.spec.kind.computes:
            place = Place.CANDIDATE_RANGE
            found += clipped_by_ramps(self.name, outputs.code, gates, self._functions, place)
        else:
            found.append(clipped_by_converter(self.name, outputs.code, gates, self._functions))
        return (*found, *self.clipped_by_circuits(x_drive, outputs, start))

    def _clipped_candidate(self, outputs: RecurrentOutputs) -> Clipping:
        """Count candidates beyond the range of tanh, unless it is flat there."""
        form = self._form
        one, full, steps = 1 << form.fraction_bits, form.second_full_scale, form.drive_steps
        if not goes_on(self._tanh, full / one, (form.word_limit + 1) / one, step=1 / steps):
            return Clipping(self.name, Place.CELL_RANGE, full / one, of=outputs.c.size)
        slack = full / (2 * steps)
        return beyond(self.name, Place.CELL_RANGE, outputs.c, limit=full, one=one, slack=slack)


class GRUBefore(_GRU):
    """A GRU whose reset gate multiplies h on its way into the matrix."""

    second_takes_inputs: ClassVar[bool] = True
    split_steps: ClassVar[Steps] = {
        "accumulate": (OUTPUT,),  # the product is kept, and goes to rows of tiles
        "output": (DIFFERENCE, PRODUCT, MIX),
    }

    def __init__(self, section: GRULayer, inputs: int, context: BuildContext) -> None:
        super().__init__(section, inputs, context)
        digital = context.spec.digital
        self._functions = [self._sigmoid, self._sigmoid]
        columns = [self._gate(R, context), self._gate(Z, context)]
        gates = self._map(section.name, columns, self._functions, context)
        name = f"{section.name}_candidate"
        candidate = self._map(name, [self._gate(N, context)], [self._tanh], context)
        cell = GRUBeforeArrays(
            level=gate_levels(gates, self._functions, context),
            fraction_bits=digital.fraction_bits,
            word_limit=context.word_limit,
            second_level=gate_levels(candidate, [self._tanh], context)[0],
        )
        self.assemble(
            section,
            context,
            Matrices(gates, candidate),
            units=section.units,
            cell=cell,
            form=form_of(context, None, h_full_scale=1 << digital.fraction_bits),
            start=(self._h0, np.zeros(section.units, dtype=np.int64)),
        )

    def clipped(
        self, x_drive: NDArray[np.int16], outputs: RecurrentOutputs, start: NDArray[np.int64]
    ) -> tuple[Clipping, ...]:
        """Count what a block of sequences clipped, place by place.

        The candidate's own codes are not kept, so that its converter is not counted.
        """
        found = [self._clipped_h(outputs)]
        gates = self._matrices.gates
        if not self._context.spec.kind.computes:
            found.append(clipped_by_converter(self.name, outputs.code, gates, self._functions))
        return (*found, *self.clipped_by_circuits(x_drive, outputs, start))


def _candidate_range(section: GRULayer, n_x: Array, n_h: Array) -> Range:
    """Return where the ramp of the candidate's sums begins and ends; auto: what they can reach."""
    if section.candidate_range != "auto":
        return section.candidate_range
    return reachable_range(np.concatenate([n_x, n_h], axis=1).T)
