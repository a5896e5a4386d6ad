"""Digital processors of a conventional design, which compute functions after converters."""

from __future__ import annotations

from archsim.chip.layers.base import BuildContext, Unit
from archsim.config.sections import LayerSection
from archsim.costs.digital import processor_unit
from archsim.costs.parts import UnitCost

ACTIVATE, ACTIVATE_LATER = "activate", "activate_later"
"""Kinds of operations of digital processors: after a layer's first conversion, and its second."""


def activations_of(section: LayerSection) -> dict[str, int]:
    """Return the values a timestep whose functions processors compute for a layer, by operation."""
    both = {ACTIVATE: section.processed, ACTIVATE_LATER: section.processed_later}
    return {kind: values for kind, values in both.items() if values}


def activation_cost(values: int, context: BuildContext) -> UnitCost:
    """Return the cost of processors that compute so many functions at a time."""
    return processor_unit(
        values,
        processors=context.spec.digital.processors,
        design=context.digital_design(),
        library=context.library,
    )


def processors_of(section: LayerSection, context: BuildContext) -> tuple[Unit | None, str, str]:
    """Return the digital processors of a conventional design, and what they do for this layer.

    What they do are kinds of their operations: after the gates' conversion and after a second one,
    empty where nothing is to be done there.
    """
    kinds = activations_of(section)
    if context.spec.kind.computes or not kinds:
        return None, "", ""
    first, later = (kind if kind in kinds else "" for kind in (ACTIVATE, ACTIVATE_LATER))
    if context.processors is not None:
        names = [f"{kind}_{section.name}" if kind else "" for kind in (first, later)]
        return context.processors, names[0], names[1]
    costs = {kind: activation_cost(values, context) for kind, values in kinds.items()}
    largest = max(costs.values(), key=lambda cost: sum(cost.inventory.area.values()))
    energy = {kind: cost.energy["activate"] for kind, cost in costs.items()}
    unit = Unit(f"{section.name}_activation", UnitCost(energy, largest.inventory))
    return unit, first, later
