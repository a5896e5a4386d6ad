"""Layers side by side on the chip: wires, which take no time and are part of what they end at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.base import BuildContext, ChipLayer
from archsim.chip.layers.concatenate.section import ConcatenateLayer
from archsim.chip.layers.signal import LayerResult, Recorder, Signal
from archsim.chip.program import Needs, Program
from archsim.kernels.recurrent import State


class ConcatenateOnChip(ChipLayer):
    """Layers side by side: what comes in goes on as it is, each element with its own range."""

    in_words = True
    macs = 0

    def __init__(self, section: ConcatenateLayer, inputs: int, context: BuildContext) -> None:
        self.name, self.elements = section.name, inputs
        self._context = context
        self.output_range = float(context.input_range.max())
        self.matrices, self.units = (), ()

    @property
    def output_ranges(self) -> NDArray[np.float64]:
        """Those of its inputs."""
        return self._context.input_range

    @property
    def output_backward(self) -> NDArray[np.bool_]:
        """That of its inputs."""
        return self._context.input_backward

    def schedule(self, program: Program, inputs: Sequence[tuple[int, ...]]) -> list[Needs]:
        """Add nothing."""
        del program
        return list(inputs)

    def run(self, signal: Signal, recorder: Recorder, state: State | None = None) -> LayerResult:
        """Hand on what comes in."""
        del recorder, state
        one = 2.0**self._context.spec.digital.fraction_bits
        return LayerResult(signal, {"logits": (signal.fixed / one).astype(np.float32)})

    def run_float(
        self,
        x: NDArray[np.float64],
        length: NDArray[np.int64] | None = None,  # noqa: ARG002 - no timestep looks at others
    ) -> NDArray[np.float64]:
        """Hand on what comes in."""
        return x
