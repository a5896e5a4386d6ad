"""Building a bank: weights to conductances, ramps to thresholds, sizes to costs.

A bank is what shares a row of converters: a tile, or several tiles one below the other whose
columns end in the same integrators.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.analog import Scale, analog_arrays
from archsim.chip.converters.base import Converter
from archsim.chip.mapping import Crossbar
from archsim.chip.programming import ProgrammedRamp
from archsim.chip.spec import TileSpec
from archsim.chip.tile_cost import ColumnPeriphery, TileDesign, tile_energy, tile_inventory
from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import Inventory, OperationEnergy
from archsim.devices import ExactModel, device_model
from archsim.errors import DesignError
from archsim.kernels.bank import BankArrays
from archsim.transfer.ramp import Ramp
from archsim.vocabulary import Phase

BUFFERS = 2
"""Sample-and-holds a column where the next input is integrated while the last one converts."""


@dataclass(frozen=True)
class Tile:
    """A tile as it is accounted for.

    Attributes
    ----------
    name : str
        Name in the trace.
    energy : OperationEnergy
        Energy of a conversion, cycle by cycle; a tile without converters takes no part in the
        phases after integration.
    inventory : Inventory
        Area and leakage.
    design : TileDesign
        Sizes and electrical values.
    phases : uint8 (cycles,)
        Phase of every cycle of a conversion, as `Phase`.
    programming_pulses, programming_energy : int, float
        Pulses (0 where they are not simulated) and J that programming took.
    """

    name: str
    energy: OperationEnergy
    inventory: Inventory
    design: TileDesign
    phases: NDArray[np.uint8]
    programming_pulses: int
    programming_energy: float

    @property
    def cycles(self) -> int:
        """Cycles of a conversion in which the tile is at work."""
        return int(self.phases.size)


@dataclass(frozen=True)
class Bank:
    """A bank, ready to run.

    Attributes
    ----------
    name : str
        Resource that its conversions occupy.
    tiles : tuple of Tile
        Its tiles; the last one has the converters.
    arrays : BankArrays
        What kernels see.
    ramps : tuple of Ramp
        Its ramps, as they are programmed.
    scale : Scale
        What x, charge and voltage have to do with each other.
    v_clp : float
        Voltage of an integrator at charge 0, V.
    first_input : int
        First of the layer's inputs that drives its rows.
    column : int64 (columns,)
        The layer's columns that its columns are parts of.
    """

    name: str
    tiles: tuple[Tile, ...]
    arrays: BankArrays
    ramps: tuple[Ramp, ...]
    scale: Scale
    v_clp: float
    first_input: int
    column: NDArray[np.int64]

    @property
    def rows(self) -> int:
        """Number of wordlines, of all its tiles."""
        return int(self.arrays.difference.shape[0])

    @property
    def columns(self) -> int:
        """Number of differential columns."""
        return int(self.arrays.difference.shape[1])

    @property
    def design(self) -> TileDesign:
        """Sizes of its last tile, which has the converters."""
        return self.tiles[-1].design

    @property
    def integrate_end(self) -> int:
        """Cycles of a conversion until the columns' charge is held."""
        return self.arrays.reset_cycles + self.arrays.integrate_cycles

    def ramp_voltage(self) -> NDArray[np.float64]:
        """Return the voltage of every ramp at the end of every cycle (cycles, ramps), V.

        Before its bias cells are read, in the last integrate cycle, a ramp stands at V_CLP; after
        its last step it stays. Converters without a ramp have one that stands still.
        """
        before = self.integrate_end - 1
        x = np.zeros((self.arrays.cycles, len(self.ramps)))
        for column, ramp in enumerate(self.ramps):
            if self.tiles[-1].phases[before + 1] != Phase.RAMP:
                continue
            moving = np.concatenate([[ramp.start], ramp.position])
            x[before : before + moving.size, column] = moving
            x[before + moving.size :, column] = ramp.position[-1]
        return self.v_clp + x * (self.scale.ramp * self.scale.volts_per_quantum)

    def column_voltage(self, charge: NDArray[np.int64]) -> NDArray[np.float64]:
        """Turn charge in quanta into the voltage of an integrator, V."""
        return self.v_clp + charge.astype(np.float64) * self.scale.volts_per_quantum


@dataclass(frozen=True)
class BankPlan:
    """What a bank is built from.

    Attributes
    ----------
    name : str
        Name of the bank.
    tile_names : tuple of str
        Names of its tiles, from the top.
    rows : tuple of slice
        Rows of the layer's matrix that each tile has.
    column : int64 (columns,)
        Columns of the layer's matrix that the bank has.
    """

    name: str
    tile_names: tuple[str, ...]
    rows: tuple[slice, ...]
    column: NDArray[np.int64]


def build_bank(
    plan: BankPlan,
    weight: NDArray[np.float64],
    ramps: Sequence[Ramp],
    ramp_of_column: NDArray[np.int64],
    *,
    spec: TileSpec,
    library: ComponentLibrary,
    present: NDArray[np.bool_],
    weight_of_g_max: float,
) -> Bank:
    """Build a bank for a part of a weight matrix.

    Parameters
    ----------
    plan : BankPlan
        Which part.
    weight : float64 (rows, columns) of the layer
        Weights for inputs of -1 .. 1 (full pulse width), bias row included.
    ramps : sequence of Ramp
        Ramps of the layer, all of one resolution.
    ramp_of_column : int64 (columns of the layer,)
        Which ramp each column uses.
    spec : TileSpec
        Device, tile and converter.
    library : ComponentLibrary
        Costs.
    present : bool (rows, columns) of the layer
        Where the crossing of a row and a column has memristors.
    weight_of_g_max : float
        Weight that a conductance difference of g_max stands for.
    """
    model = ExactModel(spec.device) if spec.exact else device_model(spec.device)
    column = plan.column
    converter = spec.kind.build(spec, ramps[0].bits)
    number = tile_number(plan.tile_names[-1])
    crossbars = [
        converter.crossbar(
            weight[rows][:, column],
            model,
            tile=tile_number(name),
            present=present[rows][:, column],
            weight_of_g_max=weight_of_g_max,
        )
        for name, rows in zip(plan.tile_names, plan.rows, strict=True)
    ]
    programmed = converter.program(ramps, model, number)
    scale = _scale(ramps, converter.weight_steps / weight_of_g_max, spec)
    arrays = _arrays(
        crossbars,
        programmed,
        ramp_of_column[column],
        converter=converter,
        scale=scale,
        spec=spec,
        number=number,
    )
    tiles = _tiles(plan, crossbars, programmed, converter, scale=scale, spec=spec, library=library)
    return Bank(
        name=plan.name,
        tiles=tuple(tiles),
        arrays=arrays,
        ramps=tuple(item.ramp for item in programmed),
        scale=scale,
        v_clp=spec.tile.v_clp,
        first_input=plan.rows[0].start,
        column=column,
    )


def tile_number(name: str) -> int:
    """Return the number of a tile that keys its random numbers: the same in every chip."""
    return zlib.crc32(name.encode()) & 0x7FFFFF


def check_numbers(names: Sequence[str]) -> None:
    """Refuse tiles whose names give them the same random numbers.

    Raises
    ------
    DesignError
        Names the two tiles.
    """
    first: dict[int, str] = {}
    for name in names:
        other = first.setdefault(tile_number(name), name)
        if other != name:
            msg = (
                f"network.layers: the names of the tiles '{other}' and '{name}' give both the same "
                "random numbers: call the layer of one of them something else"
            )
            raise DesignError(msg)


def _scale(ramps: Sequence[Ramp], steps_per_weight: float, spec: TileSpec) -> Scale:
    """Return the scale of the charge: the longest ramp reaches the full scale."""
    quanta_per_unit = (2**spec.tile.input_bits - 1) * steps_per_weight
    swing = max(ramp.span for ramp in ramps) * quanta_per_unit
    fixed = spec.adc.fixed_reference
    ratio = 1.0 if fixed is None else fixed / spec.tile.v_read
    return Scale(quanta_per_unit, spec.tile.full_scale / swing, ratio)


def _arrays(
    crossbars: Sequence[Crossbar],
    programmed: Sequence[ProgrammedRamp],
    ramp_of_column: NDArray[np.int64],
    *,
    converter: Converter,
    scale: Scale,
    spec: TileSpec,
    number: int,
) -> BankArrays:
    """Put everything on the scale of the integer charge, for kernels."""
    heights = [crossbar.difference.shape[0] for crossbar in crossbars]
    return BankArrays(
        difference=np.concatenate([crossbar.difference for crossbar in crossbars]),
        row_conductance=np.concatenate([crossbar.row_conductance for crossbar in crossbars]),
        row_pointer=np.cumsum([0, *heights], dtype=np.int64),
        reset_cycles=spec.tile.reset_cycles,
        integrate_cycles=converter.integrate_cycles,
        convert_cycles=converter.cycles([item.ramp for item in programmed]),
        readout_cycles=spec.tile.readout_cycles,
        early_stop=int(spec.adc.early_stop),
        analog=analog_arrays(
            scale,
            spec=spec,
            columns=ramp_of_column.size,
            columns_per_converter=converter.columns_per_converter,
            read_variance=_stacked([crossbar.read_variance for crossbar in crossbars]),
            number=number,
        ),
        readout=converter.arrays(programmed, ramp_of_column, scale),
    )


def _stacked(variances: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return variances[0] if variances[0].size == 0 else np.concatenate(variances)


def _tiles(
    plan: BankPlan,
    crossbars: Sequence[Crossbar],
    programmed: Sequence[ProgrammedRamp],
    converter: Converter,
    *,
    scale: Scale,
    spec: TileSpec,
    library: ComponentLibrary,
) -> list[Tile]:
    """Account for the bank's tiles.

    The capacitors follow from the swing: a quantum is ``V_read * T * g_step`` of charge.
    """
    conductance_step = spec.device.g_max / spec.device.conductance_steps
    read_charge = spec.tile.v_read / spec.technology.clock
    periphery = ColumnPeriphery(
        c_fb=read_charge * conductance_step / scale.volts_per_quantum,
        sample_and_holds=BUFFERS if spec.tile.double_buffer else 1,
        readout_cycles=spec.tile.readout_cycles,
        converter=converter.cost_design(programmed, scale, read_charge),
    )
    tiles = []
    for index, (name, crossbar) in enumerate(zip(plan.tile_names, crossbars, strict=True)):
        last = index == len(crossbars) - 1
        rows, columns = crossbar.difference.shape
        design = TileDesign(
            rows=rows,
            columns=columns,
            cells=crossbar.memristors,
            input_bits=spec.tile.input_bits,
            reset_cycles=spec.tile.reset_cycles,
            v_read=spec.tile.v_read,
            period=1.0 / spec.technology.clock,
            conductance_step=conductance_step,
            periphery=periphery if last else None,
        )
        side = tile_inventory(design, library.nominal).area
        ramps = programmed if last else []
        tiles.append(
            Tile(
                name=name,
                energy=tile_energy(design, library, sum(side.values())),
                inventory=tile_inventory(design, library),
                design=design,
                phases=_phases(design, converter.phase),
                programming_pulses=crossbar.pulses + sum(item.pulses for item in ramps),
                programming_energy=crossbar.energy + sum(item.energy for item in ramps),
            )
        )
    return tiles


def _phases(design: TileDesign, converting: Phase) -> NDArray[np.uint8]:
    """Return the phase of every cycle of a conversion in which a tile takes part."""
    lengths = {Phase.RESET: design.reset_cycles, Phase.INTEGRATE: design.integrate_cycles}
    if design.periphery is not None:
        lengths[converting] = design.periphery.converter.cycles
        lengths[Phase.READOUT] = design.periphery.readout_cycles
    return np.repeat(np.array(list(lengths), dtype=np.uint8), list(lengths.values()))
