"""An LSTM layer: a tile of its four gates, a digital unit, optionally a tile for tanh(c)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.base import (
    BuildContext,
    ChipLayer,
    LayerBuilder,
    LayerResult,
    Recorder,
    Signal,
    Unit,
    register,
)
from archsim.chip.program import Needs, Program
from archsim.chip.ramp import Ramp, design_ramp
from archsim.chip.tile import Tile, build_tile
from archsim.config.hardware import CellActivation, ConverterKind
from archsim.config.run import LSTMLayer
from archsim.costs.digital import (
    ADD,
    LOOK_UP,
    MULTIPLY,
    OUTPUT,
    elementwise_unit,
    processor_unit,
)
from archsim.kernels.lstm import LSTMArrays, LSTMOutputs, run_lstm
from archsim.network.activations import get_activation
from archsim.network.nonlinear import processed
from archsim.network.reference import lstm_float

GATE_FUNCTIONS = ("sigmoid", "sigmoid", "tanh", "sigmoid")
"""Functions of the gates in PyTorch's order i, f, g, o."""

_TABLE_STEPS: dict[str, tuple[str, ...]] = {"update": (MULTIPLY, ADD, LOOK_UP, OUTPUT)}
_RAMP_STEPS: dict[str, tuple[str, ...]] = {"accumulate": (MULTIPLY, ADD), "output": (OUTPUT,)}


@dataclass(frozen=True)
class _Tensors:
    """Weights of the layer, biases summed."""

    w_ih: NDArray[np.float64]
    w_hh: NDArray[np.float64]
    bias: NDArray[np.float64]


class LSTMOnChip(ChipLayer):
    """An LSTM layer on the chip; see `archsim.kernels.lstm` for what it computes."""

    def __init__(self, section: LSTMLayer, inputs: int, context: BuildContext) -> None:
        self.name = section.name
        self.elements = section.units
        self._inputs = inputs
        self._tensors = _load(section, inputs, context)
        self._timesteps = context.config.network.timesteps
        self.macs = self._timesteps * 4 * section.units * (inputs + section.units)
        by_ramp = context.config.digital.cell_activation is CellActivation.RAMP
        self._gates = _gates_tile(section.name, self._tensors, context)
        cell = _cell_tile(section, context) if by_ramp else None
        self._cell = cell
        self.tiles = (self._gates, *([cell] if cell else []))
        self._processors = _processors(section, context)
        cost = elementwise_unit(
            _RAMP_STEPS if by_ramp else _TABLE_STEPS,
            units=section.units,
            drive_bits=context.config.tile.input_bits + 1,
            design=context.digital_design(),
            library=context.library,
        )
        self._unit = Unit(f"{section.name}_update", cost)
        self.units = (*([self._processors] if self._processors else []), self._unit)
        self._arrays = _digital_arrays(self._gates, cell, context)
        self._value_of_one = 1 << context.config.digital.fraction_bits

    def schedule(self, program: Program, inputs: Sequence[tuple[int, ...]]) -> list[Needs]:
        """Add conversion and update of every timestep; each conversion needs the last h."""
        outputs: list[Needs] = []
        for timestep, needs in enumerate(inputs):
            feedback = outputs[-1] if outputs else ()
            last = self._add(program, self._gates, "convert", timestep, (*needs, *feedback))
            if self._processors is not None:
                last = self._add(program, self._processors, "activate", timestep, (last,))
            if self._cell is None:
                last = self._add(program, self._unit, "update", timestep, (last,))
            else:
                last = self._add(program, self._unit, "accumulate", timestep, (last,))
                last = self._add(program, self._cell, "convert", timestep, (last,))
                last = self._add(program, self._unit, "output", timestep, (last,))
            outputs.append((last,))
        return outputs

    def _add(
        self, program: Program, place: Tile | Unit, kind: str, timestep: int, needs: Needs
    ) -> int:
        duration = place.arrays.cycles if isinstance(place, Tile) else place.duration(kind)
        return program.add(
            place.name,
            kind,
            layer=self.name,
            timestep=timestep,
            duration=duration,
            needs=needs,
        )

    def run(self, signal: Signal, recorder: Recorder) -> LayerResult:
        """Run the kernel on a block of sequences."""
        sequences, timesteps, _ = signal.drive.shape
        shape = (sequences, timesteps, self.elements)
        outputs = LSTMOutputs(
            code=np.empty((sequences, timesteps, self._gates.columns), dtype=np.uint16),
            c=np.empty(shape, dtype=np.int32),
            h=np.empty(shape, dtype=np.int32),
            h_drive=np.empty(shape, dtype=np.int16),
        )
        gates_record = recorder.open(self._gates, timesteps)
        cell_record = gates_record if self._cell is None else recorder.open(self._cell, timesteps)
        run_lstm(
            self._gates.arrays,
            (self._cell or self._gates).arrays,
            self._arrays,
            signal.drive,
            outputs,
            gates_record,
            cell_record,
        )
        h = outputs.h / self._value_of_one
        return LayerResult(
            Signal(outputs.h_drive, outputs.h),
            {"code": outputs.code, "h": h.astype(np.float32)},
        )

    def run_float(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Run the float64 LSTM."""
        return lstm_float(x, self._tensors.w_ih, self._tensors.w_hh, self._tensors.bias)


@register
class LSTMBuilder(LayerBuilder):
    """Builds ``kind: lstm``."""

    kind = "lstm"

    def build(self, section: LSTMLayer, inputs: int, context: BuildContext) -> ChipLayer:
        """Build the layer."""
        return LSTMOnChip(section, inputs, context)


def _load(section: LSTMLayer, inputs: int, context: BuildContext) -> _Tensors:
    """Read the layer's tensors by PyTorch's names."""
    columns = 4 * section.units

    def get(name: str, *shape: int) -> NDArray[np.float64]:
        return context.weights.get(f"{section.name}.{name}_l0", shape)

    return _Tensors(
        w_ih=get("weight_ih", columns, inputs),
        w_hh=get("weight_hh", columns, section.units),
        bias=get("bias_ih", columns) + get("bias_hh", columns),
    )


def _gates_tile(name: str, tensors: _Tensors, context: BuildContext) -> Tile:
    """Lay the gates out: rows are inputs, fed-back h, bias; columns are i, f, g, o of all units."""
    config = context.config
    rows = np.concatenate([tensors.w_ih.T, tensors.w_hh.T, tensors.bias[None, :]])
    units = tensors.w_hh.shape[1]
    functions: tuple[str, ...] = GATE_FUNCTIONS
    if config.adc.kind is ConverterKind.LINEAR_RAMP:
        functions = ("identity",) * len(GATE_FUNCTIONS)
    kinds = list(dict.fromkeys(functions))
    ramp_of_gate = [kinds.index(function) for function in functions]
    return build_tile(
        name,
        rows,
        [_ramp(function, context) for function in kinds],
        np.repeat(np.array(ramp_of_gate, dtype=np.int64), units),
        config=config,
        library=context.library,
        input_bits=config.tile.input_bits,
    )


def _cell_tile(section: LSTMLayer, context: BuildContext) -> Tile:
    """Lay the second pass out: row u has memristors in column u only.

    A full pulse width stands for ``|c| = cell_range``.
    """
    config = context.config
    diagonal = np.eye(section.units)
    return build_tile(
        f"{section.name}_cell",
        diagonal * config.digital.cell_range,
        [_ramp("tanh", context)],
        np.zeros(section.units, dtype=np.int64),
        config=config,
        library=context.library,
        input_bits=config.tile.input_bits,
        present=diagonal > 0,
    )


def _ramp(function: str, context: BuildContext) -> Ramp:
    adc = context.config.adc
    return design_ramp(
        get_activation(function),
        adc.bits,
        g_max=context.config.device.g_max,
        g_min=context.config.device.g_min,
        input_range=adc.input_range if function == "identity" else None,
        bias_cells=None if adc.bias_cells == "auto" else adc.bias_cells,
    )


def _digital_arrays(gates: Tile, cell: Tile | None, context: BuildContext) -> LSTMArrays:
    """Put levels and the tanh table into fixed point."""
    digital = context.config.digital
    full_scale = digital.cell_range << digital.fraction_bits
    entry = full_scale // digital.table_entries
    position = np.arange(digital.table_entries, dtype=np.float64) + 0.5
    middle = position * (entry / 2.0**digital.fraction_bits)
    empty = np.zeros(0, dtype=np.int64)
    return LSTMArrays(
        level=_gate_levels(gates, context),
        fraction_bits=digital.fraction_bits,
        word_limit=context.word_limit,
        drive_steps=context.drive_steps,
        table=empty if cell else context.to_fixed(get_activation("tanh").value(middle)),
        table_shift=entry.bit_length() - 1,
        cell_level=context.to_fixed(cell.ramps[0].level) if cell else empty,
        cell_full_scale=full_scale,
        cell_steps=context.drive_steps,
    )


def _gate_levels(gates: Tile, context: BuildContext) -> NDArray[np.int64]:
    """Return what every column's codes stand for (columns, codes), in fixed point.

    A nonlinear ramp's levels are the function already; those of a linear one go through the digital
    processors.
    """
    units = gates.columns // len(GATE_FUNCTIONS)
    levels = []
    for gate, function in enumerate(GATE_FUNCTIONS):
        ramp = gates.ramps[gates.arrays.ramp_of_column[gate * units]]
        level = ramp.level
        if context.config.adc.kind is ConverterKind.LINEAR_RAMP:
            activation = get_activation(function)
            level = processed(activation, level, context.config.digital.processors)
        levels.append(context.to_fixed(level))
    return np.repeat(np.stack(levels), units, axis=0)


def _processors(section: LSTMLayer, context: BuildContext) -> Unit | None:
    """Return the digital processors of a conventional design, None where the ramp computes."""
    if context.config.adc.kind is not ConverterKind.LINEAR_RAMP:
        return None
    cost = processor_unit(
        len(GATE_FUNCTIONS) * section.units,
        processors=context.config.digital.processors,
        design=context.digital_design(),
        library=context.library,
    )
    return Unit(f"{section.name}_activation", cost)
