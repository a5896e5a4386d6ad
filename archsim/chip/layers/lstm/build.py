"""An LSTM layer: a tile of its four gates, a digital unit, optionally a tile for tanh(c).

The functions are tanh and the sigmoid unless the layer's section gives others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from archsim.chip.cut import cut_layer
from archsim.chip.grid import Grid, build_grid
from archsim.chip.layers.base import (
    BuildContext,
    ChipLayer,
    LayerResult,
    Recorder,
    Signal,
    Unit,
    add_conversion,
    add_work,
    deliver,
    stages,
    sum_of_blocks,
)
from archsim.chip.layers.functions import layer_ramp
from archsim.chip.layers.lstm.clipped import clipped_by_lstm
from archsim.chip.layers.lstm.functions import (
    functions_of,
    gate_ramps,
    state_ramp,
    table_entry,
    table_positions,
)
from archsim.chip.layers.lstm.kernel import LSTMArrays
from archsim.chip.layers.lstm.section import LSTMLayer
from archsim.chip.layers.lstm.tensors import (
    LSTMTensors,
    h_full_scale,
    load_tensors,
    projection_range,
)
from archsim.chip.mapping import with_bias_row
from archsim.chip.program import Needs, Program
from archsim.config.hardware import CellActivation
from archsim.config.run import RunConfig
from archsim.costs.digital import (
    ADD,
    LOOK_UP,
    MULTIPLY,
    OUTPUT,
    elementwise_unit,
    processor_unit,
)
from archsim.kernels.recurrent import Format, RecurrentOutputs, Span, State, run_recurrent
from archsim.network.activations import get_activation
from archsim.network.nonlinear import processed
from archsim.network.reference import GATES, LSTMFunctions, lstm_float

_TABLE_STEPS: dict[str, tuple[str, ...]] = {"update": (MULTIPLY, ADD, LOOK_UP, OUTPUT)}
_RAMP_STEPS: dict[str, tuple[str, ...]] = {"accumulate": (MULTIPLY, ADD), "output": (OUTPUT,)}


class LSTMOnChip(ChipLayer):
    """An LSTM layer on the chip; see `archsim.chip.layers.lstm.kernel` for what it computes."""

    def __init__(self, section: LSTMLayer, inputs: int, context: BuildContext) -> None:
        self.name = section.name
        self.elements = section.projection or section.units
        self._context = context
        self._section = section
        self._tensors = load_tensors(section, inputs, context)
        self.bias_row = self._tensors.bias is not None
        self._functions = functions_of(section, context)
        projection = section.units * (section.projection or 0)
        self.macs = context.config.network.timesteps * (
            4 * section.units * (inputs + self.elements) + projection
        )
        by_ramp = context.config.digital.cell_activation is CellActivation.RAMP
        self._h_full_scale = h_full_scale(section, self._tensors, self._functions, context)
        self.output_range = self._h_full_scale / 2.0**context.config.digital.fraction_bits
        self._gates = _gates_grid(
            section, self._tensors, self._functions, context, h_range=self.output_range
        )
        self._cell = _cell_grid(section, self._functions, context) if by_ramp else None
        self._projection = _projection_grid(section, self._tensors, context)
        grids = (self._gates, self._cell, self._projection)
        self.grids = tuple(grid for grid in grids if grid is not None)
        self._sums = {grid.name: sum_of_blocks(grid, context) for grid in self.grids}
        self._processors, self._activate = _processors(section, context)
        self._unit = _update_unit(section, context)
        own = [] if self._processors in (None, context.processors) else [self._processors]
        self.units = tuple(
            unit for unit in (*self._sums.values(), *own, self._unit) if unit is not None
        )
        self._arrays = _cell_arrays(self._gates, self._cell, self._functions, context)
        self._format = _format(self._projection, context, h_full_scale=self._h_full_scale)

    def schedule(self, program: Program, inputs: Sequence[tuple[int, ...]]) -> list[Needs]:
        """Add every timestep's operations; each conversion of the gates needs the last h."""
        outputs: list[Needs] = []
        for timestep, needs in enumerate(inputs):
            feedback = outputs[-1] if outputs else ()
            last = self._convert(program, self._gates, (*needs, *feedback), timestep)
            if self._processors is not None:
                last = self._work(program, self._processors, self._activate, last, timestep)
            if self._cell is None:
                last = self._work(program, self._unit, "update", last, timestep)
            else:
                last = self._work(program, self._unit, "accumulate", last, timestep)
                last = self._convert(program, self._cell, last, timestep)
                last = self._work(program, self._unit, "output", last, timestep)
            if self._projection is not None:
                last = self._deliver(program, "m", last, timestep)
                last = self._convert(program, self._projection, last, timestep)
            outputs.append(self._deliver(program, "h", last, timestep))
        return outputs

    def _convert(self, program: Program, grid: Grid, needs: Needs, timestep: int) -> Needs:
        return add_conversion(
            program,
            grid,
            self._sums[grid.name],
            needs,
            layer=self.name,
            timestep=timestep,
            conversion=timestep,
        )

    def _work(self, program: Program, unit: Unit, kind: str, needs: Needs, timestep: int) -> Needs:
        return add_work(program, unit, kind, needs, layer=self.name, timestep=timestep)

    def _deliver(self, program: Program, what: str, needs: Needs, timestep: int) -> Needs:
        return deliver(
            program,
            needs,
            config=self._context.config,
            layer=self.name,
            kind=f"{self.name}_{what}",
            timestep=timestep,
        )

    def run(self, signal: Signal, recorder: Recorder) -> LayerResult:
        """Run the kernel on a block of sequences."""
        sequences, timesteps, _ = signal.drive.shape
        columns, units = self._gates.arrays.columns, self._section.units
        outputs = RecurrentOutputs(
            code=np.empty((sequences, timesteps, columns), dtype=np.uint16),
            c=np.empty((sequences, timesteps, units), dtype=np.int32),
            h=np.empty((sequences, timesteps, self.elements), dtype=np.int32),
            h_drive=np.empty((sequences, timesteps, self.elements), dtype=np.int16),
        )
        state = State(
            np.zeros((sequences, self.elements), dtype=np.int64),
            np.zeros((sequences, units), dtype=np.int64),
        )
        matrices = (self._gates, self._cell, self._projection)
        run_recurrent(
            self._arrays,
            self._format,
            stages(matrices, recorder, timesteps),
            signal.drive,
            state,
            Span(np.full(sequences, timesteps, dtype=np.int64), 0),
            outputs,
        )
        # Words have 24 bits at most, which float32 holds exactly.
        h = outputs.h.astype(np.float32)
        h *= np.float32(2.0**-self._context.config.digital.fraction_bits)
        return LayerResult(
            Signal(outputs.h_drive, outputs.h),
            {"code": outputs.code, "h": h},
            clipped_by_lstm(
                self.name,
                self._format,
                outputs,
                cell=self._arrays,
                config=self._context.config,
                x_drive=signal.drive,
                gates=self._gates,
                projection=self._projection,
                w_hr=self._tensors.w_hr,
                functions=self._functions,
            ),
        )

    def run_float(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Run the float64 LSTM."""
        tensors = self._tensors
        return lstm_float(
            x, tensors.w_ih, tensors.w_hh, tensors.bias, tensors.w_hr, functions=self._functions
        )


def _gates_grid(
    section: LSTMLayer,
    tensors: LSTMTensors,
    functions: LSTMFunctions,
    context: BuildContext,
    *,
    h_range: float,
) -> Grid:
    """Lay the gates out: rows are inputs, fed-back h, bias; columns are i, f, g, o of all units.

    A full pulse width is `BuildContext.input_range` of an input, and `h_range` of h.
    """
    config = context.config
    w_ih, w_hh = tensors.w_ih.T * context.input_range, tensors.w_hh.T * h_range
    rows = with_bias_row(np.concatenate([w_ih, w_hh]), tensors.bias)
    ramps, ramp_of_gate = gate_ramps(functions, section, context)
    return build_grid(
        section.name,
        rows,
        ramps,
        np.repeat(ramp_of_gate, section.units),
        cut_layer(section.name, *rows.shape, config=config, columns_per_unit=len(GATES)),
        config=config,
        library=context.library,
    )


def _cell_grid(section: LSTMLayer, functions: LSTMFunctions, context: BuildContext) -> Grid:
    """Lay the second pass out: row u has memristors in column u only.

    A full pulse width stands for ``|c| = cell_range``.
    """
    config, name, units = context.config, f"{section.name}_cell", section.units
    side = min(config.tile.rows, config.tile.columns)
    square = config.model_copy(
        update={"tile": config.tile.model_copy(update={"columns": side, "rows": units})}
    )
    return build_grid(
        name,
        np.eye(units) * config.digital.cell_range,
        [state_ramp(functions, section, context)],
        np.zeros(units, dtype=np.int64),
        cut_layer(name, units, units, config=square),
        config=config,
        library=context.library,
        diagonal=True,
    )


def _projection_grid(
    section: LSTMLayer, tensors: LSTMTensors, context: BuildContext
) -> Grid | None:
    """Lay the projection out: rows are units, columns the elements that they are projected to."""
    if tensors.w_hr is None:
        return None
    name = f"{section.name}_projection"
    config, weight = _straight(context.config), tensors.w_hr.T
    identity, limits = get_activation("identity"), projection_range(section, tensors)
    return build_grid(
        name,
        weight,
        [layer_ramp(identity, name, context, input_range=limits)],
        np.zeros(weight.shape[1], dtype=np.int64),
        cut_layer(name, *weight.shape, config=config),
        config=config,
        library=context.library,
    )


def _straight(config: RunConfig) -> RunConfig:
    """Return a configuration whose ramps are straight, so that row blocks may be summed."""
    digitising = config.adc.of_kind.digitising
    if config.adc.kind == digitising:
        return config
    adc = config.adc.model_copy(update={"kind": digitising})
    return config.model_copy(update={"adc": adc})


def _cell_arrays(
    gates: Grid, cell: Grid | None, functions: LSTMFunctions, context: BuildContext
) -> LSTMArrays:
    """Put levels and the table of the cell state's function into fixed point."""
    empty = np.zeros(0, dtype=np.int64)
    positions = table_positions(context.config)
    return LSTMArrays(
        level=_gate_levels(gates, functions, context),
        fraction_bits=context.config.digital.fraction_bits,
        word_limit=context.word_limit,
        table=empty if cell else context.to_fixed(functions.state.value(positions)),
        table_shift=table_entry(context.config).bit_length() - 1,
        second_level=context.to_fixed(cell.levels()) if cell else empty,
    )


def _format(projection: Grid | None, context: BuildContext, *, h_full_scale: int) -> Format:
    """Return the numbers of the digital units that every recurrent layer has."""
    digital, empty = context.config.digital, np.zeros(0, dtype=np.int64)
    return Format(
        fraction_bits=digital.fraction_bits,
        word_limit=context.word_limit,
        drive_steps=context.drive_steps,
        h_full_scale=h_full_scale,
        second_full_scale=digital.cell_range << digital.fraction_bits,
        projection_level=context.to_fixed(projection.levels()) if projection else empty,
    )


def _gate_levels(gates: Grid, functions: LSTMFunctions, context: BuildContext) -> NDArray[np.int64]:
    """Return what every gate's codes stand for (gates, codes), in fixed point.

    A nonlinear ramp's levels are the function already; those of an ordinary converter go through
    the digital processors.
    """
    if context.config.adc.nonlinear:
        names = [ramp.function for ramp in gates.banks[0].ramps]
        levels = [gates.levels(names.index(function.name)) for function in functions.gates]
    else:
        processors = context.config.digital.processors
        levels = [processed(function, gates.levels(), processors) for function in functions.gates]
    return np.stack([context.to_fixed(level) for level in levels])


def _processors(section: LSTMLayer, context: BuildContext) -> tuple[Unit | None, str]:
    """Return the digital processors of a conventional design, and what they do for this layer."""
    if context.config.adc.nonlinear:
        return None, ""
    if context.processors is not None:
        return context.processors, f"activate_{section.name}"
    cost = processor_unit(
        len(GATES) * section.units,
        processors=context.config.digital.processors,
        design=context.digital_design(),
        library=context.library,
    )
    return Unit(f"{section.name}_activation", cost), "activate"


def _update_unit(section: LSTMLayer, context: BuildContext) -> Unit:
    """Return the unit that computes c and h; with a bus the way back to the tile is not its own."""
    config = context.config
    by_ramp = config.digital.cell_activation is CellActivation.RAMP
    cost = elementwise_unit(
        _RAMP_STEPS if by_ramp else _TABLE_STEPS,
        units=section.units,
        drive_bits=0 if config.digital.bus else config.tile.input_bits + 1,
        design=context.digital_design(),
        library=context.library,
        streams=config.streams,
    )
    return Unit(f"{section.name}_update", cost)
