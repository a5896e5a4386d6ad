"""Building a tile: weights to conductances, ramps to thresholds, sizes to costs."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.analog import Scale, analog_arrays
from archsim.chip.mapping import Crossbar, program_crossbar
from archsim.chip.programming import ProgrammedRamp, program_ramp
from archsim.chip.ramp import Ramp
from archsim.config.run import RunConfig
from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import Inventory, OperationEnergy
from archsim.costs.tile import TileDesign, tile_energy, tile_inventory
from archsim.devices import DeviceModel, Site, device_model
from archsim.errors import DesignError
from archsim.kernels.tile import Phase, TileArrays


@dataclass(frozen=True)
class Tile:
    """A tile, ready to run and to be accounted for.

    Attributes
    ----------
    name : str
        Name in the trace.
    arrays : TileArrays
        What kernels see.
    ramps : tuple of Ramp
        Its ramp columns.
    scale : Scale
        What x, charge and voltage have to do with each other.
    weight_max : float
        Weight that a conductance difference of g_max stands for.
    v_clp : float
        Voltage of an integrator at charge 0, V.
    energy : OperationEnergy
        Energy of a conversion, cycle by cycle.
    inventory : Inventory
        Area and leakage.
    design : TileDesign
        Sizes and electrical values.
    programming_pulses, programming_energy : int, float
        Pulses (0 where they are not simulated) and J that programming took.
    """

    name: str
    arrays: TileArrays
    ramps: tuple[Ramp, ...]
    scale: Scale
    weight_max: float
    v_clp: float
    energy: OperationEnergy
    inventory: Inventory
    design: TileDesign
    programming_pulses: int
    programming_energy: float

    @property
    def rows(self) -> int:
        """Number of wordlines."""
        return int(self.arrays.difference.shape[0])

    @property
    def columns(self) -> int:
        """Number of differential columns."""
        return int(self.arrays.difference.shape[1])

    def phases(self) -> NDArray[np.uint8]:
        """Return the phase of every cycle of a conversion (cycles,), as `Phase`."""
        lengths = {
            Phase.RESET: self.arrays.reset_cycles,
            Phase.INTEGRATE: self.arrays.integrate_cycles,
            Phase.RAMP: self.arrays.ramp_cycles,
            Phase.READOUT: self.arrays.readout_cycles,
        }
        return np.repeat(np.array(list(lengths), dtype=np.uint8), list(lengths.values()))

    def ramp_voltage(self) -> NDArray[np.float64]:
        """Return the voltage of every ramp at the end of every cycle (cycles, ramps), V.

        Before its bias cells are read, in the last integrate cycle, a ramp stands at V_CLP; after
        its last step it stays.
        """
        before = self.arrays.reset_cycles + self.arrays.integrate_cycles - 1
        x = np.zeros((self.arrays.cycles, len(self.ramps)))
        for column, ramp in enumerate(self.ramps):
            moving = np.concatenate([[ramp.start], ramp.position])
            x[before : before + moving.size, column] = moving
            x[before + moving.size :, column] = ramp.position[-1]
        return self.v_clp + x * (self.scale.ramp * self.scale.volts_per_quantum)

    def column_voltage(self, charge: NDArray[np.int64]) -> NDArray[np.float64]:
        """Turn charge in quanta into the voltage of an integrator, V."""
        return self.v_clp + charge.astype(np.float64) * self.scale.volts_per_quantum


def build_tile(
    name: str,
    weight: NDArray[np.float64],
    ramps: Sequence[Ramp],
    ramp_of_column: NDArray[np.int64],
    *,
    config: RunConfig,
    library: ComponentLibrary,
    input_bits: int,
    present: NDArray[np.bool_] | None = None,
) -> Tile:
    """Build a tile for a weight matrix.

    Parameters
    ----------
    name : str
        Name in the trace and in messages.
    weight : float64 (rows, columns)
        Weights for inputs of -1 .. 1 (full pulse width), bias row included.
    ramps : sequence of Ramp
        Ramp columns, all of one resolution.
    ramp_of_column : int64 (columns,)
        Which ramp each column uses.
    config : RunConfig
        Device, tile and converter.
    library : ComponentLibrary
        Costs.
    input_bits : int
        Magnitude bits of this tile's inputs.
    present : bool (rows, columns), optional
        Where the crossing of a row and a column has memristors; everywhere by default.

    Raises
    ------
    DesignError
        If the layer does not fit a tile.
    """
    rows, columns = weight.shape
    _check_size(name, rows, columns, config)
    device, number = config.device, tile_number(name)
    if present is None:
        present = np.ones(weight.shape, dtype=np.bool_)
    model = device_model(device)
    crossbar = program_crossbar(
        weight,
        model,
        device=device,
        wires=config.tile.wires,
        seed=config.seed,
        tile=number,
        present=present,
    )
    programmed = _program_ramps(ramps, model, number, config=config)
    quanta_per_unit = (2**input_bits - 1) * device.conductance_steps / crossbar.weight_max
    volts_per_quantum = config.tile.full_scale / (
        max(ramp.span for ramp in ramps) * quanta_per_unit
    )
    scale = Scale(quanta_per_unit, volts_per_quantum, _reference_ratio(config))
    arrays = _arrays(
        crossbar,
        programmed,
        ramp_of_column,
        scale=scale,
        config=config,
        input_bits=input_bits,
        number=number,
    )
    design = _design(arrays, programmed, crossbar, scale, config=config, input_bits=input_bits)
    inventory = tile_inventory(design, library)
    return Tile(
        name=name,
        arrays=arrays,
        ramps=tuple(item.ramp for item in programmed),
        scale=scale,
        weight_max=crossbar.weight_max,
        v_clp=config.tile.v_clp,
        energy=tile_energy(design, library, sum(inventory.area.values())),
        inventory=inventory,
        design=design,
        programming_pulses=crossbar.pulses + sum(item.pulses for item in programmed),
        programming_energy=crossbar.energy + sum(item.energy for item in programmed),
    )


def _program_ramps(
    ramps: Sequence[Ramp], model: DeviceModel, number: int, *, config: RunConfig
) -> list[ProgrammedRamp]:
    """Program every ramp column of tile `number`."""
    return [
        program_ramp(
            ramp,
            model,
            device=config.device,
            site=Site(config.seed, number, index),
            calibrate=config.adc.calibrate,
            copies=config.adc.copies,
        )
        for index, ramp in enumerate(ramps)
    ]


def tile_number(name: str) -> int:
    """Return the number of a tile that keys its random numbers: the same in every chip."""
    return zlib.crc32(name.encode()) & 0x7FFFFF


def _reference_ratio(config: RunConfig) -> float:
    """Return how much farther a ramp moves than one in memory, which is read with V_read."""
    fixed = config.adc.fixed_reference
    return 1.0 if fixed is None else fixed / config.tile.v_read


def _arrays(
    crossbar: Crossbar,
    programmed: Sequence[ProgrammedRamp],
    ramp_of_column: NDArray[np.int64],
    *,
    scale: Scale,
    config: RunConfig,
    input_bits: int,
    number: int,
) -> TileArrays:
    """Put everything on the scale of the integer charge, for kernels."""
    ramps = [item.ramp for item in programmed]
    steps = max(ramp.cell.size for ramp in ramps)
    return TileArrays(
        difference=crossbar.difference,
        row_conductance=crossbar.row_conductance,
        threshold=np.stack([_padded(ramp.thresholds(scale.ramp), steps) for ramp in ramps]),
        step_code=np.stack([_padded(ramp.step_code, steps) for ramp in ramps]),
        ramp_of_column=ramp_of_column.astype(np.int64),
        reset_cycles=config.tile.reset_cycles,
        integrate_cycles=2**input_bits,
        ramp_cycles=steps,
        readout_cycles=config.tile.readout_cycles,
        analog=analog_arrays(
            programmed,
            scale,
            config=config,
            columns=crossbar.difference.shape[1],
            read_variance=crossbar.read_variance,
            number=number,
        ),
    )


def _padded(values: NDArray[np.int64], steps: int) -> NDArray[np.int64]:
    """Repeat the last value, for a ramp that has fewer steps than another of its tile."""
    return np.pad(values, (0, steps - values.size), mode="edge").astype(np.int64)


def _check_size(name: str, rows: int, columns: int, config: RunConfig) -> None:
    for what, needed, limit in (
        ("rows", rows, config.tile.rows),
        ("columns", columns, config.tile.columns),
    ):
        if needed > limit:
            bias = " (bias row included)" if what == "rows" else ""
            msg = (
                f"tile.{what}: tile '{name}' needs {needed} {what}{bias} but tile.{what} is "
                f"{limit}: raise it or make the layer smaller"
            )
            raise DesignError(msg)


def _design(
    arrays: TileArrays,
    programmed: Sequence[ProgrammedRamp],
    crossbar: Crossbar,
    scale: Scale,
    *,
    config: RunConfig,
    input_bits: int,
) -> TileDesign:
    """Gather what the costs depend on.

    The capacitors follow from the swing: a quantum is ``V_read * T * g_step`` of charge, and a ramp
    cell of 1 S has to move its ramp by `x_per_siemens` units of x.
    """
    period = 1.0 / config.technology.clock
    conductance_step = config.device.g_max / config.device.conductance_steps
    volts_per_unit = scale.quanta_per_unit * scale.volts_per_quantum
    rows, columns = arrays.difference.shape
    read_charge = config.tile.v_read * period
    ramps = [item.ramp for item in programmed]
    cells = np.zeros((len(ramps), arrays.ramp_cycles))
    for row, ramp in zip(cells, ramps, strict=True):
        row[: ramp.cell.size] = ramp.cell
    return TileDesign(
        rows=rows,
        columns=columns,
        cells=crossbar.memristors,
        input_bits=input_bits,
        bits=ramps[0].bits,
        reset_cycles=arrays.reset_cycles,
        readout_cycles=arrays.readout_cycles,
        v_read=config.tile.v_read,
        period=period,
        conductance_step=conductance_step,
        ramp_cell=cells,
        ramp_bias=np.array([ramp.bias.sum() for ramp in ramps]),
        ramp_memristors=config.adc.copies * sum(ramp.cell.size + ramp.bias.size for ramp in ramps),
        c_fb=read_charge * conductance_step / scale.volts_per_quantum,
        c_fb_ramp=np.array([read_charge / (ramp.x_per_siemens * volts_per_unit) for ramp in ramps]),
        gated_comparators=config.adc.gated_comparators,
    )
