"""A function of a cell's own state, digital: one half of it in a table; or in a second conversion.

The table holds an odd function, f(-c) = -f(c), at the middles of intervals of |c|; a second
conversion takes any function. Beyond `digital.cell_range` both give what they give there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from archsim.chip.layers.base import BuildContext
from archsim.chip.layers.functions import layer_ramp
from archsim.chip.spec import ChipSpec
from archsim.network.activations import Activation
from archsim.transfer.ramp import Ramp


def table_positions(spec: ChipSpec) -> NDArray[np.float64]:
    """Return where the table of the cell state's function holds it (entries,): interval middles."""
    digital = spec.digital
    position = np.arange(digital.table_entries, dtype=np.float64) + 0.5
    return position * (table_entry(spec) / 2.0**digital.fraction_bits)


def table_entry(spec: ChipSpec) -> int:
    """Return how much of ``|c|`` an entry of that table stands for, in fixed point."""
    digital = spec.digital
    return (digital.cell_range << digital.fraction_bits) // digital.table_entries


def table_of(function: Activation, context: BuildContext) -> NDArray[np.int64]:
    """Return the table (entries,), in fixed point."""
    return context.to_fixed(function.value(table_positions(context.spec)))


def table_shift(spec: ChipSpec) -> int:
    """Return by how many bits ``|c|`` is shifted to give its entry."""
    return table_entry(spec).bit_length() - 1


def second_ramp(function: Activation, name: str, context: BuildContext) -> Ramp:
    """Return the ramp of a second conversion; pulse widths end at ``digital.cell_range``.

    Parameters
    ----------
    function : Activation
        What it computes.
    name : str
        Name of its tiles, for messages.
    context : BuildContext
        Converters and devices.
    """
    end = float(context.spec.digital.cell_range)
    remedy = "set digital.cell_activation to table"
    return layer_ramp(function, name, context, input_range=(-end, end), remedy=remedy)
