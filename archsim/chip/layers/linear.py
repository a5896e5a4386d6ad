"""A linear layer: a tile with a linear ramp, or digital multiply-accumulate units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archsim.chip.cut import cut_layer
from archsim.chip.grid import build_grid
from archsim.chip.layers.base import (
    BuildContext,
    ChipLayer,
    LayerBuilder,
    LayerResult,
    Recorder,
    Signal,
    Unit,
    add_conversion,
    add_work,
    for_kernel,
    plain_of,
    register,
    sum_of_blocks,
    walk_of,
)
from archsim.chip.layers.functions import function_of, layer_ramp
from archsim.chip.program import Needs, Program
from archsim.config.run import LinearLayer, Placement
from archsim.costs.digital import multiply_accumulate_unit
from archsim.errors import DesignError
from archsim.kernels.linear import run_linear_digital, run_linear_tiles
from archsim.network.activations.base import Range
from archsim.network.reference import linear_float


class _LinearBase(ChipLayer):
    """What both placements share: weights, the timesteps at work, the float reference."""

    def __init__(self, section: LinearLayer, inputs: int, context: BuildContext) -> None:
        self.name = section.name
        self.elements = section.units
        self._weight = context.weights.get(f"{section.name}.weight", (section.units, inputs))
        self._bias = context.weights.get(f"{section.name}.bias", (section.units,))
        timesteps = context.config.network.timesteps
        self._first = timesteps - 1 if section.timesteps == "last" else 0
        self.macs = (timesteps - self._first) * section.units * inputs
        self._drive_steps = context.drive_steps
        self._context = context
        key = f"network.layers: '{section.name}': function"
        self._function = function_of(section.function, context, key=key)

    def _input_range(self, section: LinearLayer) -> Range:
        """Return where the ramp begins and ends: as configured, or what the weights can reach."""
        if section.input_range != "auto":
            return section.input_range
        largest = float((np.abs(self._weight).sum(axis=1) + np.abs(self._bias)).max())
        return -largest, largest

    def run_float(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Compute the layer in float64 at the timesteps at which it works."""
        total = linear_float(x[:, self._first :], self._weight, self._bias)
        return np.asarray(self._function.value(total))

    def _signal(self, fixed: NDArray[np.int64]) -> Signal:
        """Make the next layer's input: values beyond -1 .. 1 take the full pulse width."""
        one = 1 << self._context.config.digital.fraction_bits
        width = (2 * np.abs(fixed) * self._drive_steps + one) // (2 * one)
        drive = np.sign(fixed) * np.minimum(width, self._drive_steps)
        return Signal(drive.astype(np.int16), fixed.astype(np.int32))


class LinearOnTile(_LinearBase):
    """A linear layer on tiles whose ramp is a straight line, or a function of its own."""

    def __init__(self, section: LinearLayer, inputs: int, context: BuildContext) -> None:
        super().__init__(section, inputs, context)
        config = context.config
        ramp = layer_ramp(
            self._function,
            section.name,
            context,
            input_range=self._input_range(section),
            bits=section.bits,
        )
        rows = np.concatenate([self._weight.T, self._bias[None, :]])
        self._grid = build_grid(
            section.name,
            rows,
            [ramp],
            np.zeros(section.units, dtype=np.int64),
            cut_layer(section.name, *rows.shape, config=config),
            config=config,
            library=context.library,
        )
        self._sum = sum_of_blocks(self._grid, context)
        self._level = self._grid.levels()
        self.grids = (self._grid,)
        self.units = (self._sum,) if self._sum else ()

    def schedule(self, program: Program, inputs: Sequence[tuple[int, ...]]) -> list[Needs]:
        """Add one conversion for every timestep at which the layer works."""
        return [
            add_conversion(
                program,
                self._grid,
                self._sum,
                inputs[timestep],
                layer=self.name,
                timestep=timestep,
                conversion=timestep - self._first,
            )
            for timestep in range(self._first, len(inputs))
        ]

    def run(self, signal: Signal, recorder: Recorder) -> LayerResult:
        """Convert every input vector of a block of sequences."""
        drive = np.ascontiguousarray(signal.drive[:, self._first :])
        code = np.empty((*drive.shape[:2], self.elements), dtype=np.uint16)
        record = recorder.open(self._grid, drive.shape[1])
        plain = plain_of(self.grids, recorder)
        arrays = for_kernel(self._grid, plain)
        walk = walk_of(self.grids, recorder)
        run_linear_tiles(arrays, self._drive_steps, drive, code, record, plain, walk)
        logits = self._level[code]
        return LayerResult(
            self._signal(self._context.to_fixed(logits)),
            {"code": code, "logits": logits.astype(np.float32)},
        )


class LinearDigital(_LinearBase):
    """A linear layer in digital multiply-accumulate units, weights in fixed point."""

    def __init__(self, section: LinearLayer, inputs: int, context: BuildContext) -> None:
        super().__init__(section, inputs, context)
        if section.function != "identity":
            msg = (
                f"network.layers: '{section.name}' is computed digitally, which knows no function "
                f"but identity: place it on a tile to compute '{section.function}'"
            )
            raise DesignError(msg)
        cost = multiply_accumulate_unit(
            section.units * (inputs + 1),
            design=context.digital_design(),
            library=context.library,
        )
        self._unit = Unit(section.name, cost)
        self.grids = ()
        self.units = (self._unit,)

    def schedule(self, program: Program, inputs: Sequence[tuple[int, ...]]) -> list[Needs]:
        """Add one run of the multiply-accumulate units for every timestep at work."""
        return [
            add_work(
                program,
                self._unit,
                "multiply_accumulate",
                inputs[timestep],
                layer=self.name,
                timestep=timestep,
            )
            for timestep in range(self._first, len(inputs))
        ]

    def run(self, signal: Signal, recorder: Recorder) -> LayerResult:  # noqa: ARG002
        """Multiply and accumulate every input vector of a block of sequences."""
        digital = self._context.config.digital
        x = np.ascontiguousarray(signal.fixed[:, self._first :])
        y = np.empty((*x.shape[:2], self.elements), dtype=np.int32)
        run_linear_digital(
            self._context.to_fixed(self._weight),
            self._context.to_fixed(self._bias),
            digital.fraction_bits,
            self._context.word_limit,
            x,
            y,
        )
        logits = y / 2.0**digital.fraction_bits
        return LayerResult(self._signal(y.astype(np.int64)), {"logits": logits.astype(np.float32)})


@register
class LinearBuilder(LayerBuilder):
    """Builds ``kind: linear``."""

    kind = "linear"

    def build(self, section: LinearLayer, inputs: int, context: BuildContext) -> ChipLayer:
        """Build the layer where its section places it."""
        on_tile = section.placement is Placement.TILE
        return (LinearOnTile if on_tile else LinearDigital)(section, inputs, context)
