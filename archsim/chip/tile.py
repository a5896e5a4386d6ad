"""Building a tile: weights to conductances, ramps to thresholds, sizes to costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.ramp import Ramp
from archsim.config.hardware import IdealDevice
from archsim.config.run import RunConfig
from archsim.costs.library import ComponentLibrary
from archsim.costs.operation import Inventory, OperationEnergy
from archsim.costs.tile import CELLS_PER_COLUMN, TileDesign, tile_energy, tile_inventory
from archsim.errors import DesignError
from archsim.kernels.tile import Phase, TileArrays, ideal_analog


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
    weight_max : float
        Weight that a conductance difference of g_max stands for.
    quanta_per_unit : float
        Charge quanta that one unit of the ramps' x stands for.
    volts_per_quantum : float
        Voltage that one charge quantum moves an integrator, V.
    v_clp : float
        Voltage of an integrator at charge 0, V.
    energy : OperationEnergy
        Energy of a conversion, cycle by cycle.
    inventory : Inventory
        Area and leakage.
    """

    name: str
    arrays: TileArrays
    ramps: tuple[Ramp, ...]
    weight_max: float
    quanta_per_unit: float
    volts_per_quantum: float
    v_clp: float
    energy: OperationEnergy
    inventory: Inventory

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
        x = np.stack(
            [
                np.concatenate(
                    [
                        np.zeros(before),
                        [ramp.start],
                        ramp.position,
                        np.full(self.arrays.readout_cycles, ramp.position[-1]),
                    ]
                )
                for ramp in self.ramps
            ],
            axis=1,
        )
        return self.v_clp + x * (self.quanta_per_unit * self.volts_per_quantum)

    def column_voltage(self, charge: NDArray[np.int64]) -> NDArray[np.float64]:
        """Turn charge in quanta into the voltage of an integrator, V."""
        return self.v_clp + charge.astype(np.float64) * self.volts_per_quantum


def weights_to_conductances(
    weight: NDArray[np.float64], device: IdealDevice
) -> tuple[NDArray[np.int32], float]:
    """Map weights to differences of conductances, in whole conductance steps.

    ``G+ - G- = w * g_max / w_max`` with the smaller side at g_min (model, section 4). ``w_max`` is
    chosen so that the largest weight takes the whole range, ``max|w| * g_max / (g_max - g_min)``.

    Returns
    -------
    int32 (rows, columns), float
        ``G+ - G-`` in conductance steps, and ``w_max``.
    """
    largest = float(np.abs(weight).max(initial=0.0)) or 1.0
    weight_max = largest * device.g_max / (device.g_max - device.g_min)
    steps = np.rint(weight * (device.conductance_steps / weight_max))
    return steps.astype(np.int32), weight_max


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
    device = config.device
    difference, weight_max = weights_to_conductances(weight, device)
    floor = round(device.g_min / device.g_max * device.conductance_steps)
    if present is None:
        present = np.ones(weight.shape, dtype=np.bool_)
    conductance = np.abs(difference.astype(np.int64)) + CELLS_PER_COLUMN * floor
    quanta_per_unit = (2**input_bits - 1) * device.conductance_steps / weight_max
    volts_per_quantum = config.tile.full_scale / (
        max(ramp.span for ramp in ramps) * quanta_per_unit
    )
    bits = ramps[0].bits
    arrays = TileArrays(
        difference=np.ascontiguousarray(difference),
        row_conductance=np.where(present, conductance, 0).sum(axis=1),
        threshold=np.stack([ramp.thresholds(quanta_per_unit) for ramp in ramps]),
        step_code=np.stack([np.arange(ramp.cell.size) for ramp in ramps]),
        ramp_of_column=ramp_of_column.astype(np.int64),
        reset_cycles=config.tile.reset_cycles,
        integrate_cycles=2**input_bits,
        ramp_cycles=2**bits,
        readout_cycles=config.tile.readout_cycles,
        analog=ideal_analog(columns),
    )
    design = _design(
        arrays,
        ramps,
        config=config,
        crossings=int(present.sum()),
        input_bits=input_bits,
        quanta_per_unit=quanta_per_unit,
        volts_per_quantum=volts_per_quantum,
    )
    inventory = tile_inventory(design, library)
    return Tile(
        name=name,
        arrays=arrays,
        ramps=tuple(ramps),
        weight_max=weight_max,
        quanta_per_unit=quanta_per_unit,
        volts_per_quantum=volts_per_quantum,
        v_clp=config.tile.v_clp,
        energy=tile_energy(design, library, sum(inventory.area.values())),
        inventory=inventory,
    )


def _check_size(name: str, rows: int, columns: int, config: RunConfig) -> None:
    for what, needed, limit in (
        ("rows", rows, config.tile.rows),
        ("columns", columns, config.tile.columns),
    ):
        if needed > limit:
            msg = (
                f"tile.{what}: layer '{name}' needs {needed} {what}, bias row included, "
                f"but tile.{what} is {limit}: raise it or make the layer smaller"
            )
            raise DesignError(msg)


def _design(
    arrays: TileArrays,
    ramps: Sequence[Ramp],
    *,
    config: RunConfig,
    crossings: int,
    input_bits: int,
    quanta_per_unit: float,
    volts_per_quantum: float,
) -> TileDesign:
    """Gather what the costs depend on.

    The capacitors follow from the swing: a quantum is ``V_read * T * g_step`` of charge, and a ramp
    cell of 1 S has to move its ramp by `x_per_siemens` units of x.
    """
    period = 1.0 / config.technology.clock
    conductance_step = config.device.g_max / config.device.conductance_steps
    volts_per_unit = quanta_per_unit * volts_per_quantum
    rows, columns = arrays.difference.shape
    read_charge = config.tile.v_read * period
    return TileDesign(
        rows=rows,
        columns=columns,
        cells=CELLS_PER_COLUMN * crossings,
        input_bits=input_bits,
        bits=ramps[0].bits,
        reset_cycles=arrays.reset_cycles,
        readout_cycles=arrays.readout_cycles,
        v_read=config.tile.v_read,
        period=period,
        conductance_step=conductance_step,
        ramp_cell=np.stack([ramp.cell for ramp in ramps]),
        ramp_bias=np.array([ramp.bias.sum() for ramp in ramps]),
        ramp_memristors=sum(ramp.cell.size + ramp.bias.size for ramp in ramps),
        c_fb=read_charge * conductance_step / volts_per_quantum,
        c_fb_ramp=np.array([read_charge / (ramp.x_per_siemens * volts_per_unit) for ramp in ramps]),
        gated_comparators=config.adc.gated_comparators,
    )
