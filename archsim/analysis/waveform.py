"""One conversion of a trace as a picture: voltages, the ramps crossing them, latches, energy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.config.quantity import parse_quantity
from archsim.errors import InputError, TraceError
from archsim.listing import listed
from archsim.shown import shown_in_line
from archsim.trace import checked
from archsim.trace.hdf5 import File, Group
from archsim.trace.reader import open_trace, reading

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
RAMP_COLOURS = ("#c44e52", "#dd8452", "#937860", "#8c8c8c")
LARGEST_COMPONENTS = 5
"""Components that the energy panel names; the rest are one band."""

LARGEST_VOLTAGE = 100.0
"""Largest supply that a configuration may have, V."""


@dataclass(frozen=True)
class Conversion:
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
    supply : float
        Upper rail of the integrators, V; the lower one is 0 V.
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
    supply: float


def read_conversion(path: Path, number: int, tile: str | None = None) -> Conversion:
    """Read one conversion from a trace with waveforms.

    Parameters
    ----------
    path : Path
        The trace.
    number : int
        Which of the recorded conversions of the tile, from 0.
    tile : str, optional
        Name of the tile; the first one by default.

    Raises
    ------
    TraceError, InputError
        If the trace has no waveforms, no such tile or no such conversion.
    """
    with open_trace(path) as file, reading(path):
        tiles = checked.group(file, "tiles") if "tiles" in file else {}
        names = list(tiles)
        if not names:
            msg = (
                f"{path}: it has no cycles: run with --set trace.level=cycle --set "
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
            msg = f"{path}: it has no waveforms: run with --set trace.waveforms=true"
            raise TraceError(msg)
        return _conversion(group, shown_in_line(name), number, supply=_supply(file))


def _supply(file: File) -> float:
    supply = parse_quantity(checked.setting(file, "technology", "supply"), "V")
    if not 0 < supply <= LARGEST_VOLTAGE:
        raise checked.damage(file, "config", f"has a supply of {supply:g} V")
    return supply


def _first_tile(tiles: Group, names: list[str]) -> str:
    """Return the tile that works first."""

    def begins(name: str) -> int:
        cycle = checked.dataset(checked.group(tiles, name), "cycle", "i", (None,))
        return int(cycle[0])

    return min(names, key=begins)


def _conversion(group: Group, name: str, number: int, *, supply: float) -> Conversion:
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
    return Conversion(
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
        supply=supply,
    )


def draw_conversion(conversion: Conversion) -> Callable[[Figure], None]:
    """Return a function that draws a conversion: voltages, latches and energy over its cycles."""

    def draw(figure: Figure) -> None:
        figure.set_size_inches(9.0, 7.0)
        voltage, latches, energy = figure.subplots(
            3, 1, sharex=True, gridspec_kw={"height_ratios": [3, 1, 1.4]}
        )
        _draw_voltages(voltage, conversion)
        _draw_latches(latches, conversion)
        _draw_energy(energy, conversion)
        for axis in (voltage, latches, energy):
            _mark_phases(axis, conversion)
        energy.set_xlabel("clock cycle of the conversion")
        figure.suptitle(
            f"tile '{conversion.tile}', conversion {conversion.number}: columns integrate, then "
            "the ramps cross them and the comparators latch",
            fontsize=10,
        )

    return draw


def _edges(conversion: Conversion) -> Array:
    return np.arange(conversion.phase.size + 1, dtype=np.float64)


def _draw_voltages(axis: Axes, conversion: Conversion) -> None:
    time = _edges(conversion)[1:]
    axis.plot(time, conversion.v_mac, color="#4c72b0", lw=0.6, alpha=0.45)
    axis.plot([], [], color="#4c72b0", lw=1, label=f"{conversion.v_mac.shape[1]} columns")
    for index, name in enumerate(conversion.ramps):
        colour = RAMP_COLOURS[index % len(RAMP_COLOURS)]
        axis.step(
            _edges(conversion),
            np.concatenate([conversion.v_ramp[:1, index], conversion.v_ramp[:, index]]),
            where="pre",
            color=colour,
            lw=1.8,
            label=f"ramp: {name}",
        )
    for rail, label in (
        (0.0, None),
        (conversion.supply, f"rails, 0 V and {conversion.supply:g} V"),
    ):
        axis.axhline(rail, color="black", lw=1.0, ls="--", label=label)
    beyond = columns_beyond_rails(conversion)
    if beyond:
        text = f"{beyond} columns leave the rails: the integrators are ideal"
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
        axis.text(0.99, 0.03, text, transform=axis.transAxes, ha="right", fontsize=8, bbox=box)
    axis.set_ylabel("voltage (V)")
    axis.legend(loc="upper left", fontsize=8)


def columns_beyond_rails(conversion: Conversion) -> int:
    """Return how many columns go beyond 0 V or the supply, as only an ideal integrator can."""
    beyond = (conversion.v_mac < 0) | (conversion.v_mac > conversion.supply)
    return int(beyond.any(axis=0).sum())


def _draw_latches(axis: Axes, conversion: Conversion) -> None:
    axis.stairs(conversion.latched, _edges(conversion), fill=True, color="#55a868")
    axis.set_ylabel("columns\nlatching")


def _draw_energy(axis: Axes, conversion: Conversion) -> None:
    order = np.argsort(-conversion.energy.sum(axis=0))
    largest, rest = order[:LARGEST_COMPONENTS], order[LARGEST_COMPONENTS:]
    bands = [conversion.energy[:, index] for index in largest]
    labels = [conversion.components[index] for index in largest]
    bands.append(conversion.energy[:, rest].sum(axis=1))
    labels.append("other")
    bottom = np.zeros(conversion.phase.size)
    for band, label in zip(bands, labels, strict=True):
        top = bottom + band * 1e12
        axis.stairs(top, _edges(conversion), baseline=bottom, fill=True, label=label)
        bottom = top
    axis.set_ylabel("energy\n(pJ a cycle)")
    axis.legend(loc="upper center", fontsize=7, ncols=2)


def _mark_phases(axis: Any, conversion: Conversion) -> None:
    """Draw a line where a phase begins, and name the phases on the first panel."""
    names = {value: name for name, value in conversion.phases.items()}
    begins = np.flatnonzero(np.diff(conversion.phase, prepend=255) != 0)
    for begin in begins:
        axis.axvline(begin, color="grey", lw=0.6, ls=":")
    axis.set_xlim(0, conversion.phase.size)
    axis.grid(axis="y", alpha=0.25)
    if axis.get_subplotspec().is_first_row():
        for place, begin in enumerate(begins):
            axis.text(
                begin,
                1.01 if place % 2 else 1.05,
                names[int(conversion.phase[begin])],
                transform=axis.get_xaxis_transform(),
                fontsize=8,
                color="grey",
            )
