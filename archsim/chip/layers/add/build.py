"""A sum of layers on the chip: adders, and a register for each sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.add.arithmetic import add_up
from archsim.chip.layers.add.section import AddLayer
from archsim.chip.layers.base import BuildContext
from archsim.chip.layers.signal import Signal
from archsim.chip.layers.words import WordsLayer
from archsim.costs.elementwise import add_unit
from archsim.errors import DesignError


class AddOnChip(WordsLayer):
    """A sum of layers: ``lanes`` elements at a time, one cycle an addition."""

    work = "add"

    def __init__(self, section: AddLayer, inputs: int, context: BuildContext) -> None:
        self._terms = inputs // section.elements
        shape = self._terms, section.elements
        cost = add_unit(*shape[::-1], design=context.digital_design(), library=context.library)
        largest = float(context.input_range.reshape(shape).sum(axis=0).max())
        self.assemble(section, context, cost, largest=largest)
        backward = context.input_backward.reshape(shape)
        self._backward = np.asarray(backward.all(axis=0))
        mixed = (backward.any(axis=0) != self._backward).any()
        if mixed and any(reader.takes_final for reader in context.readers):
            msg = (
                f"network.layers: '{section.name}' adds up layers of both directions, which come "
                "to their final states at different timesteps: set timesteps of what takes them in "
                "to last, or name the layers themselves among its inputs"
            )
            raise DesignError(msg)

    @property
    def output_backward(self) -> NDArray[np.bool_]:
        """Elements all of whose terms run against time."""
        return self._backward

    def words_of(self, signal: Signal) -> NDArray[np.int64]:
        """Return the sums, saturated."""
        return add_up(signal.fixed, self._terms, self._context.word_limit)

    def run_float(
        self,
        x: NDArray[np.float64],
        length: NDArray[np.int64] | None = None,  # noqa: ARG002 - no timestep looks at others
    ) -> NDArray[np.float64]:
        """Add up in float64."""
        return np.asarray(x.reshape(*x.shape[:2], self._terms, self.elements).sum(axis=2))
