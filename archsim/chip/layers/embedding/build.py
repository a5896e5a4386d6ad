"""An embedding on the chip: SRAM that gives one vector a timestep, a buffer word a cycle."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.base import BuildContext
from archsim.chip.layers.embedding.section import EmbeddingLayer
from archsim.chip.layers.signal import LayerResult, Recorder, Signal
from archsim.chip.layers.words import WordsLayer
from archsim.clipping import Clipping, Place
from archsim.costs.elementwise import embedding_unit
from archsim.kernels.recurrent import State


class EmbeddingOnChip(WordsLayer):
    """A table of words; what they do not hold of the weights is counted once in a run."""

    work = "look_up"

    def __init__(self, section: EmbeddingLayer, inputs: int, context: BuildContext) -> None:
        del inputs
        shape = section.entries, section.units
        self._weight = context.weights.get(f"{section.tensors_name}.weight", shape)
        self._table = context.to_fixed(self._weight)
        cost = embedding_unit(*shape, design=context.digital_design(), library=context.library)
        self.assemble(section, context, cost, largest=float(np.abs(self._weight).max()))

    def words_of(self, signal: Signal) -> NDArray[np.int64]:
        """Return the vectors that the indices choose."""
        assert signal.index is not None, "an embedding reads the network's inputs"
        return self._table[signal.index[:, :, 0]]

    def run(self, signal: Signal, recorder: Recorder, state: State | None = None) -> LayerResult:
        """Look every vector of a block of sequences up."""
        result = super().run(signal, recorder, state)
        once = recorder.first == 0 and signal.length.size > 0
        return LayerResult(
            result.signal, result.outputs, (*result.clipped, self._clipped_weights(once=once))
        )

    def _clipped_weights(self, *, once: bool) -> Clipping:
        limit, one = self._context.word_limit, self._one
        found = Clipping(self.name, Place.WEIGHT_WORDS, limit / one)
        if not once:
            return found
        magnitude = np.abs(self._weight)
        count = int(np.count_nonzero(magnitude * one > limit + 1))
        largest = float(magnitude.max())
        return found + Clipping(
            self.name, Place.WEIGHT_WORDS, limit / one, count, magnitude.size, count, largest
        )

    def run_float(
        self,
        x: NDArray[np.float64],
        length: NDArray[np.int64] | None = None,  # noqa: ARG002 - no timestep looks at others
    ) -> NDArray[np.float64]:
        """Look vectors up in float64."""
        return self._weight[x[:, :, 0].astype(np.int64)]
