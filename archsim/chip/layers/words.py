"""What every layer on a chip has that works on fixed-point words, in digital units."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.base import BuildContext, ChipLayer, Unit, add_work
from archsim.chip.layers.clipped import at_end_of_word, beyond, by_length
from archsim.chip.layers.ranges import full_scale
from archsim.chip.layers.signal import LayerResult, Recorder, Signal
from archsim.chip.program import Needs, Program
from archsim.clipping import Clipping, Place
from archsim.config.sections import LayerSection
from archsim.costs.parts import UnitCost
from archsim.kernels.recurrent import State
from archsim.transfer.decisions import pulse_widths


class WordsLayer(ChipLayer):
    """A layer in a digital unit of its own, whose outputs are words.

    Whole-number arithmetic of NumPy is exact, so that nothing has to be compiled for it.
    """

    in_words = True
    macs = 0
    work: str
    """Kind of its unit's operation."""

    def assemble(
        self, section: LayerSection, context: BuildContext, cost: UnitCost, *, largest: float
    ) -> None:
        """Put the layer together.

        Parameters
        ----------
        section : LayerSection
            Its section, which has an output_range.
        context : BuildContext
            What it is built from.
        cost : UnitCost
            What its unit costs.
        largest : float
            Largest magnitude that its outputs are meant to have.
        """
        self.name, self.elements = section.name, section.elements
        self._context = context
        self._one = 1 << context.spec.digital.fraction_bits
        wanted = section.output_range  # type: ignore[attr-defined]
        self._full_scale = full_scale(largest, context.spec.digital, wanted=wanted)
        self.output_range = self._full_scale / self._one
        self._unit = Unit(section.name, cost)
        self.matrices = ()
        self.units = (self._unit,)

    def schedule(self, program: Program, inputs: Sequence[tuple[int, ...]]) -> list[Needs]:
        """Add an operation of its unit for every timestep."""
        return [
            add_work(program, self._unit, self.work, needs, layer=self.name, timestep=timestep)
            for timestep, needs in enumerate(inputs)
        ]

    def run(self, signal: Signal, recorder: Recorder, state: State | None = None) -> LayerResult:
        """Compute every vector of a block of sequences."""
        del recorder, state
        fixed = self.words_of(signal)

        def clipped(place: Any, when: slice) -> tuple[Clipping, ...]:
            mine = signal.part(place).at(slice(None), when)
            return (*self.clipped_inputs(mine), *self._clipped_outputs(fixed[place, when]))

        timesteps = fixed.shape[1]
        return LayerResult(
            self._signal(fixed, signal),
            {"logits": (fixed / self._one).astype(np.float32)},
            by_length(signal.length, timesteps, clipped),
        )

    def _signal(self, fixed: NDArray[np.int64], taken: Signal) -> Signal:
        steps = self._context.drive_steps
        drive = pulse_widths(fixed, self._full_scale, steps)
        return Signal(drive, fixed.astype(np.int32), taken.length)

    def _clipped_outputs(self, fixed: NDArray[np.int64]) -> tuple[Clipping, ...]:
        """Count outputs that words do not hold, or pulse widths do not reach."""
        whole, one, limit = self._full_scale, self._one, self._context.word_limit
        words = at_end_of_word(self.name, Place.OUTPUT_WORDS, fixed, limit=limit, one=one)
        if not self._context.drives_tiles:
            return (words,)
        slack = whole / (2 * self._context.drive_steps)
        return (
            words,
            beyond(self.name, Place.OUTPUT_RANGE, fixed, limit=whole, one=one, slack=slack),
        )

    @abstractmethod
    def words_of(self, signal: Signal) -> NDArray[np.int64]:
        """Return its outputs (sequences, timesteps, elements), fixed point."""

    def clipped_inputs(self, taken: Signal) -> tuple[Clipping, ...]:  # noqa: ARG002
        """Count inputs that its unit has no room for."""
        return ()
