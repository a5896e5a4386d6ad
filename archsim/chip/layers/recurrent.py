"""What every recurrent layer on a chip is made of, whatever its cell.

A recurrent layer has a matrix of the gates, whose rows are the inputs, the fed-back h and the bias;
it may have small tiles for a second conversion, which takes the cell's own state through a
function, and a projection of h. What the cell does in between stands in its kind's kernel
(`archsim.kernels.recurrent`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from archsim.chip.cut import cut_layer
from archsim.chip.layers.base import (
    BuildContext,
    ChipLayer,
    Unit,
    add_conversion,
    add_work,
    deliver,
    stages,
    sum_of_blocks,
    transfers,
)
from archsim.chip.layers.circuit_limits import clipped_by_circuits
from archsim.chip.layers.clipped import by_length
from archsim.chip.layers.processors import processors_of
from archsim.chip.layers.recurrent_clipped import driving_gates
from archsim.chip.layers.signal import LayerResult, Recorder, Signal
from archsim.chip.mapped_matrix import MappedMatrix, map_matrix
from archsim.chip.program import Needs, Program
from archsim.chip.spec import MatrixSpec
from archsim.clipping import Clipping
from archsim.config.hardware import CellActivation
from archsim.config.sections import LayerSection
from archsim.costs.elementwise import elementwise_unit
from archsim.kernels.recurrent import Format, RecurrentOutputs, Span, State, run_recurrent
from archsim.transfer.ramp import Ramp

Steps = Mapping[str, tuple[str, ...]]
"""Kinds of operations of the element-wise unit, and their steps (`archsim.costs.digital`)."""


Array = NDArray[np.float64]


@dataclass(frozen=True)
class Matrices:
    """The mapped matrices of a recurrent layer; None where it has none.

    Attributes
    ----------
    gates : MappedMatrix
        Rows are inputs, fed-back h and bias; each unit has as many columns as there are gates.
    second : MappedMatrix or None
        Of a state of the cell's own, row u has memristors in column u only; of a candidate, rows
        are those of the gates.
    projection : MappedMatrix or None
        Rows are units, columns what they are projected to.
    """

    gates: MappedMatrix
    second: MappedMatrix | None = None
    projection: MappedMatrix | None = None

    @property
    def all(self) -> tuple[MappedMatrix | None, MappedMatrix | None, MappedMatrix | None]:
        """The three of them, as the kernel takes them."""
        return self.gates, self.second, self.projection

    @property
    def there(self) -> tuple[MappedMatrix, ...]:
        """Those that there are."""
        return tuple(matrix for matrix in self.all if matrix is not None)


class RecurrentLayer(ChipLayer):
    """A recurrent layer on the chip; a kind of cell sets what is its own and calls `assemble`.

    Attributes
    ----------
    whole_steps, split_steps : Mapping
        Operations of the element-wise unit: without a second conversion one, ``update``; with one
        the two before and after it, ``accumulate`` and ``output``.
    states : int
        Words of each unit that the element-wise unit keeps: h, and the cell's own state, if any.
    second_takes_inputs : bool
        Whether the inputs drive rows of the second conversion's matrix too.
    """

    whole_steps: ClassVar[Steps] = {}
    split_steps: ClassVar[Steps] = {}
    states: ClassVar[int] = 2
    second_takes_inputs: ClassVar[bool] = False

    def assemble(
        self,
        section: LayerSection,
        context: BuildContext,
        matrices: Matrices,
        *,
        units: int,
        cell: Any,
        form: Format,
        start: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
    ) -> None:
        """Put the layer together.

        Parameters
        ----------
        section : LayerSection
            Its section.
        context : BuildContext
            What it is built from.
        matrices : Matrices
            Its tiles.
        units : int
            Hidden units.
        cell : NamedTuple of a kind
            What the kernel gets of the cell.
        form : Format
            What it gets of the digital units.
        start : tuple of int64 (elements,) and (units,), optional
            h, and the cell's own state, before the first timestep, fixed point; zeros by default.
        """
        self.name, self.elements = section.name, section.elements
        self._context, self._units = context, units
        self._matrices, self._cell, self._form = matrices, cell, form
        self._backward = section.backward
        sizes = section.elements, units if self.states > 1 else 0
        zeros = (np.zeros(size, dtype=np.int64) for size in sizes)
        self._start = State(*(start or zeros))
        self.output_range = form.h_full_scale / 2.0**form.fraction_bits
        self.matrices = matrices.there
        self._sums = {matrix.name: sum_of_blocks(matrix, context) for matrix in self.matrices}
        self._processors, self._activate, self._activate_later = processors_of(section, context)
        self._unit = self._update_unit()
        own = [] if self._processors in (None, context.processors) else [self._processors]
        self.units = tuple(
            unit for unit in (*self._sums.values(), *own, self._unit) if unit is not None
        )

    def _update_unit(self) -> Unit:
        """Return the unit that computes the states; with a bus the way back is not its own."""
        spec = self._context.spec
        cost = elementwise_unit(
            dict(self.whole_steps if self._matrices.second is None else self.split_steps),
            units=self._units,
            drive_bits=0 if spec.digital.bus else spec.tile.input_bits + 1,
            design=self._context.digital_design(),
            library=self._context.library,
            streams=spec.streams,
            states=self.states,
        )
        return Unit(f"{self.name}_update", cost)

    def schedule(self, program: Program, inputs: Sequence[tuple[int, ...]]) -> list[Needs]:
        """Add every timestep's operations; each conversion of the gates needs the last h."""
        outputs: list[Needs] = [()] * len(inputs)
        feedback: Needs = ()
        with program.against_time(len(inputs)) if self._backward else nullcontext():
            for timestep in self._order(len(inputs)):
                last = self._add_timestep(program, (*inputs[timestep], *feedback), timestep)
                feedback = outputs[timestep] = last
        return outputs

    def _order(self, timesteps: int) -> range:
        """Return the timesteps of a sequence in the order in which they are computed."""
        return range(timesteps)[::-1] if self._backward else range(timesteps)

    def _add_timestep(self, program: Program, needs: Needs, timestep: int) -> Needs:
        """Add what one timestep takes, from the gates to the h that goes out and back."""
        last = self._convert(program, self._matrices.gates, needs, timestep)
        if self._processors is not None and self._activate:
            last = self._work(program, self._processors, self._activate, last, timestep)
        last = self._update(program, last, timestep, needs)
        if self._matrices.projection is not None:
            last = self._deliver(program, "m", last, timestep)
            last = self._convert(program, self._matrices.projection, last, timestep)
        return self._deliver(program, "h", last, timestep)

    def _update(self, program: Program, needs: Needs, timestep: int, inputs: Needs) -> Needs:
        """Add what brings the states to a timestep; `inputs` are what the gates needed."""
        second = self._matrices.second
        if second is None:
            return self._work(program, self._unit, "update", needs, timestep)
        last = self._work(program, self._unit, "accumulate", needs, timestep)
        if f"{self.name}_r" in transfers(self._context.spec):
            last = self._deliver(program, "r", last, timestep)
        if self.second_takes_inputs:
            last = (*last, *inputs)
        last = self._convert(program, second, last, timestep)
        if self._processors is not None and self._activate_later:
            last = self._work(program, self._processors, self._activate_later, last, timestep)
        return self._work(program, self._unit, "output", last, timestep)

    def _convert(
        self, program: Program, matrix: MappedMatrix, needs: Needs, timestep: int
    ) -> Needs:
        return add_conversion(
            program,
            matrix,
            self._sums[matrix.name],
            needs,
            layer=self.name,
            timestep=timestep,
            conversion=program.place_of(timestep),
        )

    def _work(self, program: Program, unit: Unit, kind: str, needs: Needs, timestep: int) -> Needs:
        return add_work(program, unit, kind, needs, layer=self.name, timestep=timestep)

    def _deliver(self, program: Program, what: str, needs: Needs, timestep: int) -> Needs:
        return deliver(
            program,
            needs,
            spec=self._context.spec,
            layer=self.name,
            kind=f"{self.name}_{what}",
            timestep=timestep,
        )

    @property
    def output_backward(self) -> NDArray[np.bool_]:
        """All elements of a layer that runs against time."""
        return np.full(self.elements, self._backward)

    def rest(self, sequences: int) -> State:
        """Return the state before the first timestep, of so many sequences."""
        return State(*(np.tile(words, (sequences, 1)) for words in self._start))

    def run(self, signal: Signal, recorder: Recorder, state: State | None = None) -> LayerResult:
        """Run the kernel on a block of sequences.

        Parameters
        ----------
        signal, recorder
            As of `ChipLayer.run`.
        state : State, optional
            That after an earlier chunk of the sequences; `rest` by default. Chunks of a layer that
            runs against time come last one first.
        """
        sequences, timesteps, _ = signal.drive.shape
        shape, units = (sequences, timesteps), self._start.c.size
        room = np.zeros if signal.varies else np.empty  # nothing is written behind an end
        outputs = RecurrentOutputs(
            code=room((*shape, self._matrices.gates.arrays.columns), dtype=np.uint16),
            c=room((*shape, units), dtype=np.int32),
            h=room((*shape, self.elements), dtype=np.int32),
            h_drive=room((*shape, self.elements), dtype=np.int16),
        )
        begin = state or self.rest(sequences)
        after = State(*(words.copy() for words in begin))
        steps = stages(self._matrices.all, recorder, timesteps, signal.length)
        span = Span(signal.length, int(self._backward))
        run_recurrent(self._cell, self._form, steps, signal.drive, after, span, outputs)
        # Words have 24 bits at most, which float32 holds exactly.
        h = np.multiply(outputs.h, np.float32(2.0**-self._form.fraction_bits), dtype=np.float32)
        return LayerResult(
            Signal(outputs.h_drive, outputs.h, signal.length),
            {"code": outputs.code, "h": h},
            by_length(
                signal.length,
                timesteps,
                lambda place, when: self.clipped(
                    signal.drive[place, when], outputs.of(place, when), begin.h[place]
                ),
            ),
            after,
        )

    def run_float(self, x: Array, length: NDArray[np.int64] | None = None) -> Array:
        """Run the float64 layer, against time where the chip does."""
        if not self._backward:
            return self.float_forward(x)
        steps = np.arange(x.shape[1])
        whole = np.full(len(x), x.shape[1])
        ends = whole if length is None else np.minimum(length, whole)
        place = ends[:, None] - 1 - steps
        turned = np.where(place >= 0, place, steps)[:, :, None]
        return np.take_along_axis(
            self.float_forward(np.take_along_axis(x, turned, axis=1)), turned, axis=1
        )

    @abstractmethod
    def float_forward(self, x: Array) -> Array:
        """Run the float64 layer with time.

        Parameters
        ----------
        x : float64 (sequences, timesteps, inputs)
            What goes in.

        Returns
        -------
        float64 (sequences, timesteps, elements)
            Hidden states.
        """

    @abstractmethod
    def clipped(
        self, x_drive: NDArray[np.int16], outputs: RecurrentOutputs, start: NDArray[np.int64]
    ) -> tuple[Clipping, ...]:
        """Count what a block of sequences clipped, place by place.

        Parameters
        ----------
        x_drive : int16 (sequences, timesteps, inputs)
            Inputs of sequences that all end where the arrays do.
        outputs : RecurrentOutputs
            What came of them.
        start : int64 (sequences, elements)
            The h that they began with, fixed point.
        """

    def driving_gates(
        self, x_drive: NDArray[np.int16], outputs: RecurrentOutputs, start: NDArray[np.int64]
    ) -> NDArray[np.int16]:
        """Return what drove the gates' rows (sequences * timesteps, rows), for `clipped`."""
        return driving_gates(
            self._form,
            outputs,
            x_drive,
            self._matrices.gates,
            start=start,
            backward=self._backward,
        )

    def clipped_by_circuits(
        self, x_drive: NDArray[np.int16], outputs: RecurrentOutputs, start: NDArray[np.int64]
    ) -> tuple[Clipping, ...]:
        """Count codes of the gates that rails or converters of crossbars change, for `clipped`."""
        gates = self._matrices.gates
        if not gates.arrays.why:
            return ()
        code = outputs.code.reshape(-1, outputs.code.shape[2])
        drive = self.driving_gates(x_drive, outputs, start)
        return clipped_by_circuits(self.name, gates, drive, code)


def second_matrix(name: str, units: int, ramp: Ramp, context: BuildContext) -> MappedMatrix:
    """Lay the second conversion out: row u has memristors in column u only.

    A full pulse width stands for `digital.cell_range`.
    """
    spec = context.spec
    side = min(spec.tile.rows, spec.tile.columns)
    return map_matrix(
        MatrixSpec(name, spec, context.library, diagonal=True),
        np.eye(units) * spec.digital.cell_range,
        [ramp],
        np.zeros(units, dtype=np.int64),
        cut_layer(name, units, units, spec=spec, side=side),
    )


def goes_by_ramp(context: BuildContext) -> bool:
    """Return whether the cell's own state goes through a second conversion, not a table."""
    return context.spec.digital.cell_activation is CellActivation.RAMP


def form_of(context: BuildContext, projection: MappedMatrix | None, *, h_full_scale: int) -> Format:
    """Return the numbers of the digital units that every recurrent layer has."""
    digital, empty = context.spec.digital, np.zeros(0, dtype=np.int64)
    return Format(
        fraction_bits=digital.fraction_bits,
        word_limit=context.word_limit,
        drive_steps=context.drive_steps,
        h_full_scale=h_full_scale,
        second_full_scale=digital.cell_range << digital.fraction_bits,
        projection_level=context.to_fixed(projection.levels()) if projection else empty,
    )
