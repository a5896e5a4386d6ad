"""The tiles of one layer's matrix: cut, built, and put on the schedule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.chip.bank import Bank, BankPlan, Tile, build_bank
from archsim.chip.cut import Cut
from archsim.chip.mapping import find_weight_of_g_max, weight_range
from archsim.chip.program import Needs, Program
from archsim.chip.spec import MatrixSpec, TileSpec
from archsim.config.hardware import RowSum
from archsim.errors import DesignError
from archsim.kernels.energy import TileEnergy
from archsim.kernels.join import join_banks
from archsim.kernels.matrix import Matrix
from archsim.transfer.ramp import Ramp

LARGEST_CODE = (1 << 16) - 1
"""Largest code, or sum of codes of row blocks, that kernels and traces hold."""


@dataclass(frozen=True)
class MappedMatrix:
    """The banks of a layer's matrix.

    Attributes
    ----------
    name : str
        Name of the matrix: the layer's, or the layer's with what the matrix is for.
    weight : float64 (rows, columns)
        What it is to hold, for inputs of -1 .. 1, before the largest are clipped.
    banks : tuple of Bank
        Banks; row blocks of digital sums one after the other.
    arrays : Matrix
        What kernels see.
    row_blocks : int
        Partial sums of codes that are added up digitally, 1 for none.
    double_buffer : bool
        Whether integration and conversion are stages that work side by side.
    banks_per_converter : int
        Banks that take turns at one row of converters.
    """

    name: str
    weight: NDArray[np.float64]
    banks: tuple[Bank, ...]
    arrays: Matrix
    row_blocks: int
    double_buffer: bool
    banks_per_converter: int

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """All tiles."""
        return tuple(tile for bank in self.banks for tile in bank.tiles)

    @property
    def cycles(self) -> int:
        """Length of one conversion in clock cycles."""
        return self.arrays.cycles

    def levels(self, ramp: int = 0) -> NDArray[np.float64]:
        """Return what codes of columns with a ramp stand for, as designed.

        Sums of codes of linear ramps stand for sums of their levels, which are evenly spaced.
        """
        level = self.banks[0].ramps[ramp].level
        blocks = self.row_blocks
        if blocks == 1:
            return level
        return np.linspace(blocks * level[0], blocks * level[-1], blocks * (level.size - 1) + 1)

    def schedule(
        self, program: Program, needs: Needs, *, layer: str, timestep: int, conversion: int
    ) -> Needs:
        """Add one conversion of every bank; return the operations that end them."""
        return tuple(
            self._convert(
                program, index, needs, layer=layer, timestep=timestep, conversion=conversion
            )
            for index in range(len(self.banks))
        )

    def _convert(
        self,
        program: Program,
        index: int,
        needs: Needs,
        *,
        layer: str,
        timestep: int,
        conversion: int,
    ) -> int:
        bank = self.banks[index]
        if not self.double_buffer:
            return program.add(
                bank.name,
                "convert",
                layer=layer,
                timestep=timestep,
                duration=bank.arrays.cycles,
                needs=needs,
                part=(self.name, index, conversion, 0),
            )
        held = program.add(
            bank.name,
            "integrate",
            layer=layer,
            timestep=timestep,
            duration=bank.integrate_end,
            needs=needs,
            part=(self.name, index, conversion, 0),
        )
        return program.add(
            self.converter_name(index),
            "convert",
            layer=layer,
            timestep=timestep,
            duration=bank.arrays.cycles - bank.integrate_end,
            needs=(held,),
            part=(self.name, index, conversion, bank.integrate_end),
            releases=held,
        )

    def converter_name(self, index: int) -> str:
        """Return the resource of a bank's converters, where they work beside its array."""
        if self.banks_per_converter == 1:
            return f"{self.banks[index].name}_adc"
        return f"{self.name}_adc{index // self.banks_per_converter}"

    def converters(self) -> list[str]:
        """Return the names of converters that work beside their arrays."""
        if not self.double_buffer:
            return []
        names = (self.converter_name(index) for index in range(len(self.banks)))
        return list(dict.fromkeys(names))


def map_matrix(
    matrix: MatrixSpec,
    weight: NDArray[np.float64],
    ramps: Sequence[Ramp],
    ramp_of_column: NDArray[np.int64],
    cut: Cut,
) -> MappedMatrix:
    """Build the tiles of a weight matrix.

    Parameters
    ----------
    matrix : MatrixSpec
        Its name, tiles and costs.
    weight : float64 (rows, columns)
        Weights for inputs of -1 .. 1 (full pulse width), bias row included.
    ramps : sequence of Ramp
        Ramps, all of one resolution.
    ramp_of_column : int64 (columns,)
        Which ramp each column uses.
    cut : Cut
        How the matrix is cut.

    Raises
    ------
    DesignError
        If the options of tile and converter do not go together.
    """
    name, spec, diagonal = matrix.name, matrix.tile, matrix.diagonal
    adc, tile = spec.adc, spec.tile
    if adc.banks_per_converter > 1 and not tile.double_buffer:
        msg = (
            f"adc.banks_per_converter: {adc.banks_per_converter} column blocks can take turns at a "
            "converter only where another sample-and-hold keeps what waits: set tile.double_buffer"
        )
        raise DesignError(msg)
    _check_sums(cut, ramps, spec)
    present = np.eye(*weight.shape) > 0 if diagonal else np.ones(weight.shape, dtype=np.bool_)
    digital = tile.row_sum is RowSum.DIGITAL
    plans = _diagonal_plans(name, cut) if diagonal else _plans(name, cut, digital=digital)
    percentile, whole = tile.weight_percentile, weight
    weight_of_g_max = find_weight_of_g_max(weight, device=spec.device, percentile=percentile)
    if percentile < 100:
        reach = weight_range(weight, percentile)
        weight = np.clip(weight, -reach, reach)
    banks = [
        build_bank(
            plan,
            weight,
            ramps,
            ramp_of_column,
            spec=spec,
            library=matrix.library,
            present=present,
            weight_of_g_max=weight_of_g_max,
        )
        for plan in plans
    ]
    return MappedMatrix(
        name=name,
        weight=whole,
        banks=tuple(banks),
        arrays=join_banks(
            [bank.arrays for bank in banks],
            [bank.first_input for bank in banks],
            [bank.column for bank in banks],
            [
                TileEnergy(tile.energy.fixed, tile.energy.per_activity)
                for bank in banks
                for tile in bank.tiles
            ],
        ),
        row_blocks=len(cut.rows) if digital else 1,
        double_buffer=tile.double_buffer,
        banks_per_converter=adc.banks_per_converter,
    )


def _check_sums(cut: Cut, ramps: Sequence[Ramp], spec: TileSpec) -> None:
    """Refuse digital sums of more row blocks than words of codes hold."""
    bits, blocks = max(ramp.bits for ramp in ramps), len(cut.rows)
    if spec.tile.row_sum is RowSum.DIGITAL and blocks * (2**bits - 1) > LARGEST_CODE:
        msg = (
            f"tile.row_sum: digital: a sum of {blocks} codes of {bits} bits is more than the "
            f"{LARGEST_CODE} that a code can be: raise tile.rows, so that there are fewer row "
            "blocks, or lower the resolution"
        )
        raise DesignError(msg)


def _diagonal_plans(name: str, cut: Cut) -> list[BankPlan]:
    """Give every column block the rows of its columns' numbers."""
    plans = []
    for block, column in enumerate(cut.columns):
        bank = name + cut.bank_suffix(block)
        rows = slice(int(column[0]), int(column[-1]) + 1)
        plans.append(BankPlan(bank, (bank,), (rows,), column))
    return plans


def _plans(name: str, cut: Cut, *, digital: bool) -> list[BankPlan]:
    """Say which part of the matrix each bank has.

    Row blocks of a column block make one bank, or with digital sums a bank each.
    """
    plans = []
    for column_block, column in enumerate(cut.columns):
        names = [cut.tile_name(name, block, column_block) for block in range(len(cut.rows))]
        if digital:
            plans += [
                BankPlan(one, (one,), (rows,), column)
                for one, rows in zip(names, cut.rows, strict=True)
            ]
        else:
            bank = name + cut.bank_suffix(column_block)
            plans.append(BankPlan(bank, tuple(names), cut.rows, column))
    return plans
