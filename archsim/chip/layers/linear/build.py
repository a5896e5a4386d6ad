"""A linear layer: a tile with a linear ramp, or digital multiply-accumulate units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.cut import cut_layer
from archsim.chip.layers.base import (
    BuildContext,
    ChipLayer,
    Unit,
    add_conversion,
    add_work,
    stages,
    sum_of_blocks,
)
from archsim.chip.layers.circuit_limits import clipped_by_circuits
from archsim.chip.layers.clipped import (
    at_end_of_word,
    beyond,
    beyond_ramp,
    by_length,
    levels_beyond_words,
    tied_at_an_end,
    to_look_at,
)
from archsim.chip.layers.functions import function_of, layer_ramp
from archsim.chip.layers.linear.kernel import run_linear_digital
from archsim.chip.layers.linear.reference import linear_float
from archsim.chip.layers.linear.section import LinearLayer
from archsim.chip.layers.ranges import full_scale, reachable_range
from archsim.chip.layers.signal import LayerResult, Recorder, Signal, last_of
from archsim.chip.mapped_matrix import MappedMatrix, map_matrix
from archsim.chip.mapping import with_bias_row
from archsim.chip.program import Needs, Program
from archsim.chip.spec import MatrixSpec
from archsim.clipping import Clipping, Place
from archsim.config.sections import Bias
from archsim.costs.digital import bias_unit, multiply_accumulate_unit
from archsim.errors import DesignError
from archsim.kernels.convert import convert_all
from archsim.kernels.recurrent import State
from archsim.network.activations.base import Range
from archsim.transfer.decisions import pulse_widths


class _LinearBase(ChipLayer):
    """What both placements share: weights, the timesteps at work, the float reference."""

    def __init__(self, section: LinearLayer, inputs: int, context: BuildContext) -> None:
        self.name = section.name
        self.elements = section.units
        name, find = section.tensors_name, context.weights.find
        self._weight = context.weights.get(f"{name}.weight", (section.units, inputs))
        none = section.bias is Bias.NONE
        self._bias = None if none else find(f"{name}.bias", (section.units,))
        self._at_last = section.at_last_timestep
        self._at_first = context.input_backward if section.takes_final else None
        self.macs = section.units * inputs
        self._drive_steps = context.drive_steps
        self._context = context
        key = f"network.layers: '{section.name}': function"
        self._function = function_of(section.function, context, key=key)

    def _set_output_range(self, section: LinearLayer, largest: float) -> None:
        """Set what a full pulse width of the output stands for."""
        digital = self._context.spec.digital
        self._full_scale = full_scale(largest, digital, wanted=section.output_range)
        self.output_range = self._full_scale / 2.0**digital.fraction_bits

    def run_float(
        self, x: NDArray[np.float64], length: NDArray[np.int64] | None = None
    ) -> NDArray[np.float64]:
        """Compute the layer in float64 at the timesteps at which it works."""
        whole = np.full(len(x), x.shape[1]) if length is None else length
        taken = last_of(x, whole, self._at_first)[:, None] if self._at_last else x
        total = linear_float(taken, self._weight, self._bias)
        out = np.asarray(self._function.value(total))
        if self.watch is not None:
            self.watch("sum", total, None)
            self.watch("output", out, None)
        return out

    def _working(self, inputs: Sequence[Needs]) -> dict[int, Needs]:
        """Return the timesteps of a sequence at which the layer works, and what each needs."""
        if not self._at_last:
            return dict(enumerate(inputs))
        last = len(inputs) - 1
        turned = self._at_first is not None and bool(self._at_first.any())
        return {last: tuple(dict.fromkeys((*inputs[last], *inputs[0]))) if turned else inputs[last]}

    def _taken(self, signal: Signal) -> Signal:
        """Return what the layer takes in of a signal."""
        return signal.last(self._at_first) if self._at_last else signal

    def _clipped_widths(self, fixed: NDArray[np.int64]) -> tuple[Clipping, ...]:
        """Count outputs that a pulse width does not reach, where a layer takes them so."""
        if not self._context.drives_tiles:
            return ()
        whole, one = self._full_scale, 1 << self._context.spec.digital.fraction_bits
        slack = whole / (2 * self._drive_steps)
        found = beyond(self.name, Place.OUTPUT_RANGE, fixed, limit=whole, one=one, slack=slack)
        return (found,)

    def _signal(self, fixed: NDArray[np.int64], taken: Signal) -> Signal:
        """Make the input of others: values beyond the output range take the full pulse width."""
        drive = pulse_widths(fixed, self._full_scale, self._drive_steps)
        return Signal(drive, fixed.astype(np.int32), taken.length)


class LinearOnTile(_LinearBase):
    """A linear layer on tiles whose ramp is a straight line, or a function of its own.

    Its bias is one more row of memristors, or is added to what the converter gives.
    """

    def __init__(self, section: LinearLayer, inputs: int, context: BuildContext) -> None:
        super().__init__(section, inputs, context)
        spec = context.spec
        self.in_words = section.bias is Bias.DIGITAL and self._bias is not None
        in_cells = None if self.in_words else self._bias
        self.bias_row = in_cells is not None
        weight = self._weight * context.input_range  # of full pulse widths
        ramp = layer_ramp(
            self._function,
            section.name,
            context,
            input_range=_input_range(section, weight, in_cells),
            bits=section.bits,
        )
        added = np.abs(self._bias).max() if self.in_words and self._bias is not None else 0.0
        self._set_output_range(section, float(np.abs(ramp.level).max() + added))
        rows = with_bias_row(weight.T, in_cells)
        self._rows = rows
        self._matrix = map_matrix(
            MatrixSpec(section.name, spec, context.library),
            rows,
            [ramp],
            np.zeros(section.units, dtype=np.int64),
            cut_layer(section.name, *rows.shape, spec=spec),
        )
        _check_sums(section, self._matrix)
        self._sum = sum_of_blocks(self._matrix, context)
        self._adders = _bias_adders(section, context) if self.in_words else None
        self._level = self._matrix.levels()
        self.matrices = (self._matrix,)
        self.units = tuple(unit for unit in (self._sum, self._adders) if unit)

    def schedule(self, program: Program, inputs: Sequence[tuple[int, ...]]) -> list[Needs]:
        """Add one conversion, and the bias, for every timestep at which the layer works."""
        working = self._working(inputs)
        return [
            self._convert(program, needs, timestep, conversion)
            for conversion, (timestep, needs) in enumerate(working.items())
        ]

    def _convert(self, program: Program, needs: Needs, timestep: int, conversion: int) -> Needs:
        ends = add_conversion(
            program,
            self._matrix,
            self._sum,
            needs,
            layer=self.name,
            timestep=timestep,
            conversion=conversion,
        )
        if self._adders is None:
            return ends
        return add_work(program, self._adders, "add_bias", ends, layer=self.name, timestep=timestep)

    def run(self, signal: Signal, recorder: Recorder, state: State | None = None) -> LayerResult:
        """Convert every input vector of a block of sequences."""
        del state
        taken = self._taken(signal)
        drive = np.ascontiguousarray(taken.drive)
        code = np.empty((*drive.shape[:2], self.elements), dtype=np.uint16)
        (stage,) = stages((self._matrix,), recorder, drive.shape[1], taken.length)
        convert_all(stage, self._drive_steps, drive, code)
        logits = self._level[code]
        fixed = self._context.to_fixed(logits)
        levels = fixed
        if self.in_words:
            fixed = self._with_bias(levels)
            logits = fixed / 2.0**self._context.spec.digital.fraction_bits

        def clipped(place: Any, when: slice) -> tuple[Clipping, ...]:
            of_code, of_fixed = code[place, when], fixed[place, when]
            return (
                self._clipped_sums(drive[place, when], of_code),
                *self._clipped_by_circuits(drive[place, when], of_code),
                *self._clipped_words(levels[place, when], of_fixed),
                *self._clipped_widths(of_fixed),
            )

        return LayerResult(
            self._signal(fixed, taken),
            {"code": code, "logits": logits.astype(np.float32)},
            by_length(taken.length, drive.shape[1], clipped),
        )

    def _with_bias(self, fixed: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add the bias to fixed-point words (..., units); what a word cannot hold saturates."""
        assert self._bias is not None
        limit = self._context.word_limit
        total = fixed + self._context.to_fixed(self._bias)
        return np.asarray(np.clip(total, -limit - 1, limit))

    def _clipped_words(
        self, levels: NDArray[np.int64], fixed: NDArray[np.int64]
    ) -> tuple[Clipping, ...]:
        """Count outputs that words do not hold, where words are what is handed on or compared.

        Parameters
        ----------
        levels, fixed : int64 (..., units)
            What the codes stand for, and the same with a digital bias.
        """
        limit, one = self._context.word_limit, 1 << self._context.spec.digital.fraction_bits
        if self.in_words:
            far = np.where(np.abs(levels) >= limit, levels, fixed)
            return (at_end_of_word(self.name, Place.OUTPUT_WORDS, far, limit=limit, one=one),)
        if not self._context.readers:
            return ()
        return (levels_beyond_words(self.name, levels, self._level, limit=limit, one=one),)

    def _clipped_by_circuits(
        self, drive: NDArray[np.int16], code: NDArray[np.uint16]
    ) -> tuple[Clipping, ...]:
        if not self._matrix.arrays.why:
            return ()
        bias = np.full((*drive.shape[:2], int(self.bias_row)), self._drive_steps, dtype=np.int16)
        whole = np.concatenate([drive, bias], axis=2).reshape(-1, self._rows.shape[0])
        return clipped_by_circuits(self.name, self._matrix, whole, code.reshape(-1, code.shape[2]))

    def _clipped_sums(self, drive: NDArray[np.int16], code: NDArray[np.uint16]) -> Clipping:
        """Count sums beyond the ramp; those of the last layer are lost where they tie at an end.

        The class is that of the largest output, which stays the largest where it alone is clipped;
        not so where a bias or the sum of another block comes on top.
        """
        inputs, codes = drive.reshape(-1, drive.shape[2]), code.reshape(-1, code.shape[2])
        ramp = self._matrix.banks[0].ramps[0]
        at_end = (codes == ramp.step_code[0]) | (codes == ramp.step_code[-1])
        some = to_look_at(at_end, matrix=self._matrix, function=self._function)
        if not some.size:
            of, limit = codes.size * self._matrix.row_blocks, max(map(abs, ramp.x_range))
            return Clipping(self.name, Place.INPUT_RANGE, limit, of=of)
        bias = np.ones((some.size, int(self.bias_row)))
        x = np.concatenate([inputs[some] / self._drive_steps, bias], axis=1)
        found, which = beyond_ramp(
            self.name,
            Place.INPUT_RANGE,
            x,
            self._rows,
            at_end[some],
            of=codes.size,
            matrix=self._matrix,
            function=self._function,
        )
        alone = not self.in_words and self._matrix.row_blocks == 1
        if self._context.readers or found.count == 0 or not alone:
            return found
        ties = which & tied_at_an_end(codes[some], self._level.size - 1)
        return replace(found, lost=int(ties.sum()))


def _check_sums(section: LinearLayer, matrix: MappedMatrix) -> None:
    """Refuse a function of partial sums, which is not that of the whole sum."""
    if matrix.row_blocks > 1 and section.function != "identity":
        msg = (
            f"tile.row_sum: layer '{section.name}' is cut, and its function '{section.function}' "
            "has to see the whole sum, which partial sums that are converted one by one never "
            "show it: set tile.row_sum to analog, or raise tile.rows"
        )
        raise DesignError(msg)


def _input_range(
    section: LinearLayer, weight: NDArray[np.float64], bias: NDArray[np.float64] | None
) -> Range:
    """Return where the ramp begins and ends: as configured, or what the weights can reach."""
    if section.input_range != "auto":
        return section.input_range
    return reachable_range(weight, bias)


def _bias_adders(section: LinearLayer, context: BuildContext) -> Unit:
    """Return the adders of a bias that is added to what the converter gives."""
    cost = bias_unit(section.units, design=context.digital_design(), library=context.library)
    return Unit(f"{section.name}_bias", cost)


class LinearDigital(_LinearBase):
    """A linear layer in digital multiply-accumulate units, weights in fixed point."""

    in_words = True

    def __init__(self, section: LinearLayer, inputs: int, context: BuildContext) -> None:
        super().__init__(section, inputs, context)
        if section.function != "identity":
            msg = (
                f"network.layers: '{section.name}' is computed digitally, which knows no function "
                f"but identity: place it on a tile to compute '{section.function}'"
            )
            raise DesignError(msg)
        self._set_output_range(section, 1.0)  # what words hold would be too coarse
        cost = multiply_accumulate_unit(
            section.units * (inputs + (self._bias is not None)),
            design=context.digital_design(),
            library=context.library,
        )
        self._unit = Unit(section.name, cost)
        one = 1 << context.spec.digital.fraction_bits
        bias = np.zeros(0) if self._bias is None else self._bias
        weights = np.concatenate([self._weight.ravel(), bias]) * one
        limit = context.word_limit
        self._clipped_weights = beyond(
            section.name, Place.WEIGHT_WORDS, weights, limit=limit, one=one, slack=1.0
        )
        self.matrices = ()
        self.units = (self._unit,)

    def schedule(self, program: Program, inputs: Sequence[tuple[int, ...]]) -> list[Needs]:
        """Add one run of the multiply-accumulate units for every timestep at work."""
        return [
            add_work(
                program,
                self._unit,
                "multiply_accumulate",
                needs,
                layer=self.name,
                timestep=timestep,
            )
            for timestep, needs in self._working(inputs).items()
        ]

    def run(self, signal: Signal, recorder: Recorder, state: State | None = None) -> LayerResult:
        """Multiply and accumulate every input vector of a block of sequences."""
        del state
        digital = self._context.spec.digital
        taken = self._taken(signal)
        x = np.ascontiguousarray(taken.fixed)
        y = np.empty((*x.shape[:2], self.elements), dtype=np.int32)
        bias = np.zeros(self.elements) if self._bias is None else self._bias
        run_linear_digital(
            self._context.to_fixed(self._weight),
            self._context.to_fixed(bias),
            digital.fraction_bits,
            self._context.word_limit,
            x,
            y,
        )
        logits = y / 2.0**digital.fraction_bits
        fixed = y.astype(np.int64)

        def clipped(place: Any, when: slice) -> tuple[Clipping, ...]:
            mine = fixed[place, when]
            return (self._clipped_outputs(mine), *self._clipped_widths(mine))

        outputs, *widths = by_length(taken.length, x.shape[1], clipped)
        weights = self._clipped_weights_once(first=recorder.first, some=fixed.size > 0)
        return LayerResult(
            self._signal(fixed, taken),
            {"logits": logits.astype(np.float32)},
            (outputs, weights, *widths),
        )

    def _clipped_outputs(self, fixed: NDArray[np.int64]) -> Clipping:
        """Count outputs that words do not hold."""
        one, limit = 1 << self._context.spec.digital.fraction_bits, self._context.word_limit
        return at_end_of_word(self.name, Place.OUTPUT_WORDS, fixed, limit=limit, one=one)

    def _clipped_weights_once(self, *, first: int, some: bool) -> Clipping:
        """Count weights that words do not hold, once in a run."""
        one, limit = 1 << self._context.spec.digital.fraction_bits, self._context.word_limit
        empty = Clipping(self.name, Place.WEIGHT_WORDS, limit / one)
        return self._clipped_weights if first == 0 and some else empty
