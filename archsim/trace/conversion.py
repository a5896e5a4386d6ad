"""One conversion of a trace: voltages, latches and energy in each of its cycles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from archsim.errors import InputError, TraceError
from archsim.listing import listed
from archsim.shown import shown_in_line
from archsim.trace import checked
from archsim.trace.hdf5 import Group
from archsim.trace.source import Source

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Waveforms:
    """What a trace says of one conversion.

    Attributes
    ----------
    tile : str
        Name of the tile.
    number : int
        Which of the tile's recorded conversions.
    phase : uint8 (cycles,), phases : dict of str to int
        Phase of every cycle, and the phases' names.
    v_ramp : float64 (cycles, ramps), ramps : list of str
        Voltage of every ramp, V, and their functions.
    v_mac : float64 (cycles, columns)
        Voltage of every column, V.
    latched : int64 (cycles,)
        Columns that latch in each cycle.
    energy : float64 (cycles, components), components : list of str
        Energy of each cycle, J.
    """

    tile: str
    number: int
    phase: NDArray[np.uint8]
    phases: dict[str, int]
    v_ramp: Array
    ramps: list[str]
    v_mac: Array
    latched: NDArray[np.int64]
    energy: Array
    components: list[str]


def read_waveforms(source: Source, number: int, tile: str | None = None) -> Waveforms:
    """Read one conversion of a trace with waveforms.

    Parameters
    ----------
    source : Source
        The trace's file.
    number : int
        Which of the recorded conversions of the tile, from 0.
    tile : str, optional
        Name of the tile; the first one by default.

    Raises
    ------
    TraceError, InputError
        If the trace has no waveforms, no such tile or no such conversion.
    """
    with source.lent() as file:
        tiles = checked.group(file, "tiles") if "tiles" in file else {}
        names = list(tiles)
        if not names:
            msg = (
                f"{source.path}: it has no cycles: run with --set trace.level=cycle --set "
                "trace.waveforms=true"
            )
            raise TraceError(msg)
        name = _first_tile(tiles, names) if tile is None else tile
        if name not in names:
            known = listed(map(shown_in_line, names))
            msg = f"--tile: the trace has no tile '{name}'; it has {known}"
            raise InputError(msg)
        group = checked.group(tiles, name)
        if "v_mac" not in group:
            msg = f"{source.path}: it has no waveforms: run with --set trace.waveforms=true"
            raise TraceError(msg)
        return _conversion(group, shown_in_line(name), number)


def _first_tile(tiles: Group, names: list[str]) -> str:
    """Return the tile that works first."""

    def begins(name: str) -> int:
        cycle = checked.dataset(checked.group(tiles, name), "cycle", "i", (None,))
        return int(cycle[0])

    return min(names, key=begins)


def _conversion(group: Group, name: str, number: int) -> Waveforms:
    stored, name_of = checked.enumerated(group, "phase", None)
    phases = {text: code for code, text in name_of.items()}
    values = stored[...]
    if not set(np.unique(values).tolist()) <= set(name_of):
        raise checked.damage(group, "phase", "holds a number that stands for no phase")
    reset = phases.get("reset")
    starts = np.flatnonzero((values == reset) & (np.roll(values, 1) != reset))
    if not 0 <= number < starts.size:
        msg = f"--conversion: {number} is not one of the {starts.size} recorded, counted from 0"
        raise InputError(msg)
    end = starts[number + 1] if number + 1 < starts.size else values.size
    cycles = slice(int(starts[number]), int(end))
    ramps, components = checked.names(group, "ramp"), checked.names(group, "component")
    columns = checked.dataset(group, "column", "i", (None,)).shape[0]
    return Waveforms(
        tile=name,
        number=number,
        phase=values[cycles],
        phases=phases,
        v_ramp=checked.real(group, "v_ramp", (values.size, len(ramps)), cycles),
        ramps=ramps,
        v_mac=checked.real(group, "v_mac", (values.size, columns), cycles),
        latched=checked.whole_span(group, "latched_columns", values.size, cycles),
        energy=checked.real(group, "energy", (values.size, len(components)), cycles),
        components=components,
    )
