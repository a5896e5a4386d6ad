"""The layout of a run's trace file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from archsim.chip.build import Chip
from archsim.clipping import Clipping
from archsim.config.run import CHIP, TraceLevel
from archsim.config.tasks import Dataset
from archsim.simulation.recording.groups import (
    chip_group,
    events_group,
    planned_sequences,
    tile_group,
    tiles_of,
    unit_group,
    unknown,
)
from archsim.simulation.recording.plan import RecordingPlan
from archsim.simulation.timing import Timing
from archsim.trace.layout import Group, Scale, Variable, strings


def layout(
    chip: Chip,
    plan: RecordingPlan,
    timing: Timing,
    *,
    sequences: int,
    outputs: dict[str, dict[str, NDArray[Any]]],
    answers: Written,
) -> list[Group]:
    """Describe every group of the file.

    Parameters
    ----------
    chip : Chip
        The chip.
    plan : RecordingPlan
        What is recorded.
    timing : Timing
        When it happens.
    sequences : int
        Sequences of the run.
    outputs : dict
        For each layer, examples (0 sequences) of the arrays that it computes.
    answers : Written
        How answers are written.
    """
    if plan.level is TraceLevel.OFF:
        return []
    groups = _output_groups(chip, plan, sequences, outputs, answers)
    if plan.level in {TraceLevel.EVENT, TraceLevel.CYCLE}:
        groups.append(events_group(timing, sequences))
    if plan.level is TraceLevel.CYCLE:
        cycles = _cycle_groups(chip, plan, timing)
        groups += cycles if timing.fixed else [unknown(group) for group in cycles]
    return groups


def _cycle_groups(chip: Chip, plan: RecordingPlan, timing: Timing) -> list[Group]:
    scheduled = planned_sequences(timing, plan.sequences)
    groups = [
        tile_group(matrix, bank, number, plan, scheduled)
        for matrix, bank, number, tile in tiles_of(chip)
        if tile.name in plan.names
    ]
    groups += [unit_group(unit, scheduled) for unit in chip.units if unit.name in plan.names]
    if CHIP in plan.names:
        groups.append(chip_group(chip, scheduled))
    return groups


@dataclass(frozen=True)
class Written:
    """How a run's answers are written beside the outputs of its last layer.

    Attributes
    ----------
    how : Dataset or None
        Their name and what they are; None where the outputs are the answers.
    of_all : array (sequences, ...)
        Room for those of all sequences: their shape and type.
    target : array (sequences, ...) or None
        Right ones, where they are known.
    """

    how: Dataset | None
    of_all: NDArray[Any]
    target: NDArray[Any] | None

    def variables(self) -> list[Variable]:
        """Describe the answers and what is right."""
        how, target = self.how, self.target
        if how is None:
            return []
        kind = self.of_all.dtype.str[1:]
        out = [Variable(how.name, how.dims, kind, "1", how.text)]
        if target is not None and target.ndim == len(how.dims):
            out.append(Variable("target", how.dims, "i8", "1", how.right, target))
        return out


_OUTPUTS = {
    "code": ("column", "u2", "1", "latched code"),
    "h": ("unit", "f4", "1", "hidden state"),
    "logits": ("class", "f4", "1", "output of the last layer"),
}


def _output_groups(
    chip: Chip,
    plan: RecordingPlan,
    sequences: int,
    outputs: dict[str, dict[str, NDArray[Any]]],
    answers: Written,
) -> list[Group]:
    """Describe /outputs; below level ``event`` only the last layer's answers are kept."""
    groups = []
    last = chip.layers[-1].name
    every = Scale("sequence", np.arange(sequences), "sequence of the workload")
    for layer, computed in outputs.items():
        arrays = computed
        if plan.level is TraceLevel.SUMMARY:
            if layer != last:
                continue
            kept = last_outputs(computed)
            arrays = {name: array for name, array in computed.items() if array is kept}
        steps = next(iter(arrays.values())).shape[1] if arrays else 0
        scales = [every, Scale("timestep", np.arange(steps), "timestep at which the layer works")]
        variables = []
        for name, array in arrays.items():
            dimension, dtype, units, text = _OUTPUTS[name]
            scales.append(Scale(dimension, np.arange(array.shape[2]), f"{dimension} of the layer"))
            variables.append(
                Variable(name, ("sequence", "timestep", dimension), dtype, units, text)
            )
        if layer == last:
            variables += answers.variables()
        groups.append(Group(f"outputs/{layer}", tuple(scales), tuple(variables)))
    return groups


def last_outputs(computed: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Return what answers are read from: the last layer's logits, or h of a recurrent one."""
    return computed["logits"] if "logits" in computed else computed["h"]


def summary_group(
    chip: Chip,
    components: tuple[str, ...],
    length: NDArray[np.int64],
    *,
    places: tuple[Clipping, ...],
    metrics: tuple[str, ...],
) -> Group:
    """Describe /summary; its numbers are NaN until the run has ended.

    `length` (sequences,) are the timesteps of each sequence, `places` those where the chip can
    clip, with nothing counted yet, `metrics` the names of what is measured of the answers.
    """
    area, leakage = list(chip.area_by_component()), list(chip.leakage_by_component())
    nan = np.float64("nan")
    numbers: dict[str, Any] = {
        **dict.fromkeys(_RATIOS, nan),
        **dict.fromkeys(_WHOLE, np.int64(-1)),
        "name": chip.config.name,
        "synthetic": np.bool_(False),
        "ideal_converter": np.bool_(False),
    }
    if np.unique(length).size > 1:  # means over sequences are no whole numbers then
        numbers |= {"operations": nan, "mean_timesteps": nan}
    energy, size, power = "component", "area_component", "leakage_component"
    return Group(
        "summary",
        (
            Scale(energy, strings(components), "component that spends energy"),
            Scale(size, strings(area), "component that takes area"),
            Scale(power, strings(leakage), "component that leaks"),
            Scale("resource", strings(chip.schedule.resources), "tile or unit"),
            Scale("sequence", np.arange(length.size), "sequence of the workload"),
            Scale("place", strings([item.name for item in places]), "layer, and what can clip"),
            *([Scale("metric", strings(metrics), _MEASURED)] if metrics else []),
        ),
        (
            Variable("energy_by_component", (energy,), "f8", "J", "mean energy of one inference"),
            Variable("area_by_component", (size,), "f8", "m2", "area"),
            Variable("leakage_by_component", (power,), "f8", "W", "leakage"),
            Variable("utilisation", ("resource",), "f8", "1", "share of busy cycles"),
            Variable(
                "energy_by_sequence", ("sequence", energy), "f8", "J", "energy of each inference"
            ),
            Variable(
                "timesteps_by_sequence", ("sequence",), "i8", "1", "timesteps of each", length
            ),
            Variable("cycles_by_sequence", ("sequence",), "i8", "1", "cycles of the group of each"),
            *_clipped(places),
            *(_METRICS if metrics else []),
        ),
        numbers,
    )


_MEASURED = "what is measured of the answers"
_METRICS = tuple(
    Variable(f"metric{part}", ("metric",), dtype, "1", text)
    for part, dtype, text in (
        ("_value", "f8", "how good the chip's answers are"),
        ("_low", "f8", "lower end of the 95 % confidence interval"),
        ("_high", "f8", "upper end of the 95 % confidence interval"),
        ("_reference", "f8", "the same of the float64 network"),
        ("_count", "i8", "answers that were scored"),
        ("_share", "u1", "1 for a share"),
    )
)


def _clipped(places: tuple[Clipping, ...]) -> list[Variable]:
    """Describe what was clipped, place by place."""
    limit = np.array([item.limit for item in places])
    return [
        Variable("clipped", ("place",), "i8", "1", "values that were clipped"),
        Variable("clipped_of", ("place",), "i8", "1", "of how many values"),
        Variable("clipped_lost", ("place",), "i8", "1", "of those, what can change an answer"),
        Variable("clipped_largest", ("place",), "f8", "1", "largest magnitude, where it is known"),
        Variable("clipped_limit", ("place",), "f8", "1", "magnitude that there is room for", limit),
    ]


_RATIOS = (
    *("cycles", "latency_s", "energy_j", "power_w", "area_m2", "tops", "tops_per_w"),
    *("tops_per_mm2", "energy_delay_j_s", "latency_per_timestep_s", "energy_per_timestep_j"),
    *("accuracy", "accuracy_float", "programming_energy_j"),
)
_WHOLE = (
    *("total_cycles", "groups", "streams", "operations", "sequences", "timesteps"),
    "programming_pulses",
)
