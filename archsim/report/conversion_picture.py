"""One conversion as a picture: voltages, the ramps crossing them, latches, energy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from archsim.analysis.waveform import Conversion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = NDArray[np.float64]
RAMP_COLOURS = ("#c44e52", "#dd8452", "#937860", "#8c8c8c")
LARGEST_COMPONENTS = 5
"""Components that the energy panel names; the rest are one band."""


def draw_conversion(figure: Figure, conversion: Conversion) -> None:
    """Draw a conversion: voltages, latches and energy over its cycles."""
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
    beyond = conversion.columns_beyond_rails
    if beyond:
        text = f"{beyond} columns leave the rails: the integrators are ideal"
        box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1.5}
        axis.text(0.99, 0.03, text, transform=axis.transAxes, ha="right", fontsize=8, bbox=box)
    axis.set_ylabel("voltage (V)")
    axis.legend(loc="upper left", fontsize=8)


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
